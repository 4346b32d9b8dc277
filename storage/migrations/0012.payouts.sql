-- Payouts: where money goes, on its way and when it comes back.
-- depends: 0011.ledger 0016.earnings

-- The password was given again on this device: what moves money asks for that, and believes it for a few minutes.
ALTER TABLE sessions ADD COLUMN confirmed_at timestamptz;

CREATE TABLE payout_destinations (
    id              uuid PRIMARY KEY,
    account_id      uuid NOT NULL REFERENCES accounts,
    method          text NOT NULL CHECK (method IN ('sepa')),
    currency        text NOT NULL REFERENCES currencies,
    -- Holder and account number, encrypted under the contributor's key; null once removed.
    sealed          bytea,
    -- What is shown: the country, and the last four characters.
    country         text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    hint            text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Whoever takes over a phone cannot send money away before its owner has read the event.
    usable_from     timestamptz NOT NULL,
    removed_at      timestamptz,
    CHECK ((sealed IS NULL) = (removed_at IS NOT NULL))
);
CREATE INDEX payout_destinations_account ON payout_destinations (account_id, id DESC);

CREATE TABLE payout_edges (
    from_state      text NOT NULL,
    to_state        text NOT NULL,
    PRIMARY KEY (from_state, to_state)
);
INSERT INTO payout_edges (from_state, to_state) VALUES
    ('requested', 'approved'), ('requested', 'cancelled'),
    ('approved', 'submitted'), ('approved', 'cancelled'),
    ('submitted', 'in_transit'), ('submitted', 'paid'), ('submitted', 'failed'),
    ('in_transit', 'paid'), ('in_transit', 'failed'),
    ('paid', 'returned');

CREATE TABLE payouts (
    id              uuid PRIMARY KEY DEFAULT uuidv7(),
    account_id      uuid NOT NULL REFERENCES accounts,
    destination_id  uuid NOT NULL REFERENCES payout_destinations,
    currency        text NOT NULL REFERENCES currencies,
    micros          bigint NOT NULL CHECK (micros > 0),
    state           text NOT NULL DEFAULT 'requested',
    -- Who moves the money, and what it calls this payout.
    provider        text,
    reference       text,
    moved_by        text NOT NULL DEFAULT 'contributor'
        CHECK (moved_by IN ('contributor', 'operator', 'worker', 'clock')),
    moved_because   text,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX payouts_account ON payouts (account_id, id DESC);
CREATE INDEX payouts_open ON payouts (state, id) WHERE state IN ('requested', 'approved', 'submitted', 'in_transit');

CREATE TABLE payout_moves (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payout_id       uuid NOT NULL REFERENCES payouts,
    from_state      text,
    to_state        text NOT NULL,
    moved_by        text NOT NULL,
    because         text,
    at              timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX payout_moves_payout ON payout_moves (payout_id, id);
CREATE TRIGGER payout_moves_append_only BEFORE UPDATE OR DELETE ON payout_moves
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE FUNCTION payout_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'requested' THEN
            RAISE EXCEPTION 'a payout begins as requested, not %', NEW.state USING ERRCODE = 'check_violation';
        END IF;
    ELSIF (NEW.account_id, NEW.destination_id, NEW.currency, NEW.micros)
          IS DISTINCT FROM (OLD.account_id, OLD.destination_id, OLD.currency, OLD.micros) THEN
        RAISE EXCEPTION 'what a payout pays to whom never changes' USING ERRCODE = 'restrict_violation';
    ELSIF NEW.state = OLD.state THEN
        RETURN NULL;
    ELSIF NOT EXISTS (SELECT FROM payout_edges WHERE from_state = OLD.state AND to_state = NEW.state) THEN
        RAISE EXCEPTION 'a payout cannot move from % to %', OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payout_edges';
    END IF;
    INSERT INTO payout_moves (payout_id, from_state, to_state, moved_by, because)
        VALUES (NEW.id, CASE WHEN TG_OP = 'UPDATE' THEN OLD.state END, NEW.state, NEW.moved_by, NEW.moved_because);
    PERFORM tell(NEW.account_id, 'payout.' || NEW.state, NULL, NEW.moved_by, jsonb_build_object(
        'payout', NEW.id, 'currency', NEW.currency, 'micros', NEW.micros, 'because', NEW.moved_because));
    RETURN NULL;
END $$;
CREATE TRIGGER payouts_move AFTER INSERT OR UPDATE ON payouts FOR EACH ROW EXECUTE FUNCTION payout_moves();

-- What providers told us, each event once, however often it is delivered.
CREATE TABLE provider_events (
    provider        text NOT NULL,
    event_id        text NOT NULL,
    received_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (provider, event_id)
);

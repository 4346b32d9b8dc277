-- What contributors earned, how each amount was worked out, and what campaigns paid when.
-- depends: 0009.licensing 0010.sales 0011.ledger

-- Every rate a campaign ever had. A change is made on the campaign, with its reason, and noted here by itself.
ALTER TABLE campaigns ADD COLUMN rate_because text;
CREATE TABLE campaign_rates (
    id              uuid PRIMARY KEY DEFAULT uuidv7(),
    campaign_id     uuid NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    currency        text NOT NULL REFERENCES currencies,
    micros          bigint NOT NULL CHECK (micros >= 0),
    per_ms          bigint NOT NULL CHECK (per_ms > 0),
    because         text,
    since           timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX campaign_rates_history ON campaign_rates (campaign_id, id DESC);
INSERT INTO campaign_rates (campaign_id, currency, micros, per_ms, since)
    SELECT id, rate_currency, rate_micros, rate_per_ms, created_at FROM campaigns;
CREATE TRIGGER campaign_rates_append_only BEFORE UPDATE ON campaign_rates
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE FUNCTION note_rate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' OR (NEW.rate_currency, NEW.rate_micros, NEW.rate_per_ms)
                           IS DISTINCT FROM (OLD.rate_currency, OLD.rate_micros, OLD.rate_per_ms) THEN
        INSERT INTO campaign_rates (campaign_id, currency, micros, per_ms, because)
            VALUES (NEW.id, NEW.rate_currency, NEW.rate_micros, NEW.rate_per_ms, NEW.rate_because);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER campaigns_rate AFTER INSERT OR UPDATE ON campaigns FOR EACH ROW EXECUTE FUNCTION note_rate();

-- Spans of a recording that are not paid, because they are taken out of it; each with its reason.
CREATE TABLE removed_spans (
    recording_id    uuid NOT NULL REFERENCES recordings,
    start_ms        bigint NOT NULL CHECK (start_ms >= 0),
    end_ms          bigint NOT NULL CHECK (end_ms > start_ms),
    reason          text NOT NULL,
    PRIMARY KEY (recording_id, start_ms, end_ms)
);

-- What is withheld of somebody's earnings, and by which rule. Nothing is, until there is a rule.
CREATE FUNCTION withholding(account uuid) RETURNS TABLE (bps int, rule text) LANGUAGE sql STABLE AS $$
    SELECT 0, 'nothing-withheld'
$$;

-- What a buyer earned with something it made out of a sale's recordings, such as annotations, and reported to us.
CREATE TABLE derivative_sales (
    id              uuid PRIMARY KEY DEFAULT uuidv7(),
    sale_id         uuid NOT NULL REFERENCES sales,
    kind            text NOT NULL CHECK (kind ~ '^[a-z][a-z0-9_]*$'),
    reference       text NOT NULL,
    currency        text NOT NULL REFERENCES currencies,
    revenue_micros  bigint NOT NULL CHECK (revenue_micros > 0),
    reported_at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (sale_id, reference)
);
CREATE TRIGGER derivative_sales_append_only BEFORE UPDATE OR DELETE ON derivative_sales
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What changed a contributor's balance, a line for each amount, as they read it. The lines of somebody add up to what
-- the ledger says they have: pending, available, reserved and in transit, less what they owe.
CREATE TABLE balance_transactions (
    id              uuid PRIMARY KEY DEFAULT uuidv7(),
    account_id      uuid NOT NULL REFERENCES accounts,
    type            text NOT NULL CHECK (type IN ('earning', 'royalty', 'derivative_royalty', 'reversal', 'adjustment',
                                                  'payout', 'payout_return')),
    currency        text NOT NULL REFERENCES currencies,
    gross_micros    bigint NOT NULL,
    fee_micros      bigint NOT NULL DEFAULT 0,
    tax_micros      bigint NOT NULL DEFAULT 0,
    net_micros      bigint GENERATED ALWAYS AS (gross_micros - fee_micros - tax_micros) STORED,
    -- What it was for.
    recording_id    uuid REFERENCES recordings,
    sale_id         uuid REFERENCES sales,
    derivative_id   uuid REFERENCES derivative_sales,
    payout_id       uuid,
    reverses        uuid UNIQUE REFERENCES balance_transactions,
    because         text,
    -- How the amount was worked out, step by step; see storage/earnings.py.
    steps           jsonb,
    transaction_id  uuid NOT NULL REFERENCES ledger_transactions,
    available_at    timestamptz NOT NULL,
    -- When it became available, or ended before it could; only this column ever changes, and once.
    released_at     timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CHECK ((type = 'reversal') = (reverses IS NOT NULL)),
    CHECK ((steps IS NOT NULL) = (type IN ('earning', 'royalty', 'derivative_royalty'))),
    CHECK (type IN ('reversal', 'adjustment', 'payout', 'payout_return')
           OR (gross_micros > 0 AND fee_micros >= 0 AND tax_micros >= 0 AND net_micros >= 0))
);
CREATE INDEX balance_transactions_account ON balance_transactions (account_id, id DESC);
CREATE INDEX balance_transactions_recording ON balance_transactions (recording_id, id DESC);
CREATE INDEX balance_transactions_pending ON balance_transactions (account_id, available_at) WHERE released_at IS NULL;
CREATE INDEX balance_transactions_due ON balance_transactions (available_at) WHERE released_at IS NULL;
-- A recording is paid once for being accepted, and once for each sale, whoever asks how often.
CREATE UNIQUE INDEX balance_transactions_accepted ON balance_transactions (recording_id) WHERE type = 'earning';
CREATE UNIQUE INDEX balance_transactions_sold ON balance_transactions (sale_id, recording_id) WHERE type = 'royalty';
CREATE UNIQUE INDEX balance_transactions_derived ON balance_transactions (derivative_id, recording_id)
    WHERE type = 'derivative_royalty';

CREATE FUNCTION keep_balance_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.released_at IS NOT NULL
        OR to_jsonb(NEW) - '{released_at,net_micros}'::text[]
           <> to_jsonb(OLD) - '{released_at,net_micros}'::text[] THEN
        RAISE EXCEPTION 'of a balance transaction only its release is written, once'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER balance_transactions_fixed BEFORE UPDATE OR DELETE ON balance_transactions
    FOR EACH ROW EXECUTE FUNCTION keep_balance_transaction();

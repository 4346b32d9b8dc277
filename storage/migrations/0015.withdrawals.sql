-- What buyers hear of a withdrawal and what they do about it, and what sales and renditions add to a passport.
-- depends: 0009.licensing 0010.sales 0014.renditions

CREATE TABLE notice_edges (
    from_state      text NOT NULL,
    to_state        text NOT NULL,
    PRIMARY KEY (from_state, to_state)
);
INSERT INTO notice_edges (from_state, to_state) VALUES
    ('queued', 'notified'), ('queued', 'overdue'),
    ('notified', 'acknowledged'), ('notified', 'deletion_attested'), ('notified', 'kept_in_trained_model'),
    ('notified', 'overdue'),
    ('acknowledged', 'deletion_attested'), ('acknowledged', 'kept_in_trained_model'), ('acknowledged', 'overdue'),
    ('overdue', 'notified'), ('overdue', 'acknowledged'), ('overdue', 'deletion_attested'),
    ('overdue', 'kept_in_trained_model'), ('overdue', 'escalated'),
    ('escalated', 'notified'), ('escalated', 'acknowledged'), ('escalated', 'deletion_attested'),
    ('escalated', 'kept_in_trained_model');

-- One for every buyer who holds a licence on what was withdrawn, written in the transaction of the withdrawal.
CREATE TABLE withdrawal_notices (
    id              uuid PRIMARY KEY DEFAULT uuidv7(),
    withdrawal_id   uuid NOT NULL REFERENCES withdrawals,
    sale_id         uuid NOT NULL,
    recording_id    uuid NOT NULL,
    buyer_id        uuid NOT NULL REFERENCES buyers,
    uses            text[] NOT NULL CHECK (cardinality(uses) > 0),
    state           text NOT NULL DEFAULT 'queued',
    notify_by       timestamptz NOT NULL,
    delete_by       timestamptz NOT NULL,
    notified_at     timestamptz,
    settled_at      timestamptz,
    -- Since when it is in its state; an overdue one is escalated a week later.
    moved_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- What the buyer stated, in its own words.
    statement       text,
    attempts        int NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (withdrawal_id, sale_id),
    FOREIGN KEY (sale_id, recording_id) REFERENCES sale_lines (sale_id, recording_id)
);
CREATE INDEX withdrawal_notices_buyer ON withdrawal_notices (buyer_id, id DESC);
CREATE INDEX withdrawal_notices_open ON withdrawal_notices (state, delete_by)
    WHERE state NOT IN ('deletion_attested', 'kept_in_trained_model');

CREATE FUNCTION notice_moves() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    facts jsonb;
BEGIN
    IF NEW.state = OLD.state THEN
        RETURN NEW;
    ELSIF NOT EXISTS (SELECT FROM notice_edges WHERE from_state = OLD.state AND to_state = NEW.state) THEN
        RAISE EXCEPTION 'a notice cannot move from % to %', OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_edges';
    END IF;
    NEW.moved_at := clock_timestamp();
    IF NEW.state = 'notified' THEN
        NEW.notified_at := coalesce(OLD.notified_at, NEW.moved_at);
    ELSIF NEW.state IN ('deletion_attested', 'kept_in_trained_model') THEN
        NEW.settled_at := NEW.moved_at;
    END IF;
    -- The contributor hears of it and the passport notes it, whoever moved the notice.
    SELECT jsonb_build_object('withdrawal', NEW.withdrawal_id, 'notice', NEW.id, 'buyer', b.legal_name,
                              'country', b.country, 'state', NEW.state)
        INTO facts FROM buyers b WHERE b.id = NEW.buyer_id;
    PERFORM note_in_passport(NEW.recording_id, 'withdrawal.buyer_updated', facts);
    PERFORM tell(w.account_id, 'withdrawal.buyer_updated', NEW.recording_id, 'clock', facts)
        FROM withdrawals w WHERE w.id = NEW.withdrawal_id;
    RETURN NEW;
END $$;
CREATE TRIGGER withdrawal_notices_move BEFORE UPDATE OF state ON withdrawal_notices
    FOR EACH ROW EXECUTE FUNCTION notice_moves();

-- The last line of defence: whatever writes a sale, every use of it has a consent that stands, and keeps standing until
-- the sale's transaction ends.
CREATE FUNCTION demand_consent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM consent_uses u JOIN sales s ON s.id = NEW.sale_id
        WHERE u.recording_id = NEW.recording_id AND u.use_code = ANY (NEW.uses) AND u.status = 'given'
          AND u.expires_at >= s.ends_at
        ORDER BY u.use_code FOR SHARE OF u;
    IF (SELECT count(*) FROM consent_uses u JOIN sales s ON s.id = NEW.sale_id
        WHERE u.recording_id = NEW.recording_id AND u.use_code = ANY (NEW.uses) AND u.status = 'given'
          AND u.expires_at >= s.ends_at) <> cardinality(NEW.uses)
    THEN
        RAISE EXCEPTION 'a recording is sold only with consent to every use'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'sale_consent';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER sale_lines_consent BEFORE INSERT ON sale_lines FOR EACH ROW EXECUTE FUNCTION demand_consent();

CREATE FUNCTION note_use() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM note_in_passport(NEW.recording_id, 'use.started', jsonb_build_object(
            'sale', s.id, 'buyer', b.legal_name, 'country', b.country, 'purpose', s.purpose, 'dataset', d.slug,
            'version', s.version, 'uses', NEW.uses, 'from', rfc3339(s.starts_at), 'until', rfc3339(s.ends_at),
            'currency', NEW.currency, 'fee_micros', NEW.fee_micros, 'contributor_micros', NEW.contributor_micros))
        FROM sales s JOIN buyers b ON b.id = s.buyer_id JOIN datasets d ON d.id = s.dataset_id
        WHERE s.id = NEW.sale_id;
    ELSE
        IF OLD.delivered_at IS NULL AND NEW.delivered_at IS NOT NULL THEN
            PERFORM note_in_passport(NEW.recording_id, 'use.delivered', jsonb_build_object('sale', NEW.sale_id));
        END IF;
        IF OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL THEN
            PERFORM note_in_passport(NEW.recording_id, 'use.ended', jsonb_build_object('sale', NEW.sale_id));
        END IF;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER sale_lines_passport AFTER INSERT OR UPDATE OF delivered_at, ended_at ON sale_lines
    FOR EACH ROW EXECUTE FUNCTION note_use();

CREATE FUNCTION note_rendition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM note_in_passport(NEW.recording_id, 'rendition.made', jsonb_build_object(
        'number', NEW.number, 'sha256', encode(NEW.sha256, 'hex'), 'removed_ms', NEW.removed_ms));
    RETURN NULL;
END $$;
CREATE TRIGGER renditions_passport AFTER INSERT ON renditions FOR EACH ROW EXECUTE FUNCTION note_rendition();

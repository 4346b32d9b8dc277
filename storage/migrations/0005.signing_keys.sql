-- Keys that sign what contributors keep, and events of other kinds than a recording's moves.
-- depends: 0004.queue

-- Public halves stay for ever, so that what was signed years ago can still be checked; the newest one signs.
CREATE TABLE signing_keys (
    -- RFC 7638 thumbprint of the public key.
    kid             text PRIMARY KEY,
    public_key      bytea NOT NULL CHECK (octet_length(public_key) = 32),
    -- The private half, encrypted under the service's master key.
    wrapped         bytea NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TRIGGER signing_keys_append_only BEFORE UPDATE OR DELETE ON signing_keys
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- A move has states and no kind; everything else a contributor hears of has a kind, and perhaps a recording.
ALTER TABLE recording_events
    ALTER COLUMN recording_id DROP NOT NULL,
    ALTER COLUMN to_state DROP NOT NULL,
    ADD COLUMN kind text CHECK (kind ~ '^[a-z_]+[.][a-z_]+$'),
    ADD COLUMN data jsonb,
    ADD CONSTRAINT recording_events_kind CHECK ((kind IS NULL) = (to_state IS NOT NULL));

-- The one way to tell a contributor something that is not a move: numbered in the same gap-free sequence.
CREATE FUNCTION tell(account uuid, kind text, recording uuid, told_by text, data jsonb) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    event_number bigint;
BEGIN
    UPDATE accounts SET event_count = event_count + 1 WHERE id = account RETURNING event_count INTO event_number;
    INSERT INTO recording_events (account_id, number, recording_id, moved_by, kind, data)
        VALUES (account, event_number, recording, told_by, kind, data);
    PERFORM pg_notify('recording_events', account::text);
    RETURN event_number;
END $$;

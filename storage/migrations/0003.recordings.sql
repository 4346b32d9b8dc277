-- The life of a recording: states, allowed moves, events, uploads, consents and reports.
-- depends: 0002.campaigns

CREATE TABLE recording_edges (
    from_state      text NOT NULL,
    to_state        text NOT NULL,
    PRIMARY KEY (from_state, to_state)
);
INSERT INTO recording_edges (from_state, to_state) VALUES
    ('claimed', 'uploading'), ('claimed', 'expired'),
    ('uploading', 'validating'), ('uploading', 'expired'),
    ('validating', 'needs_fix'), ('validating', 'needs_consent'), ('validating', 'in_review'),
    ('validating', 'accepted'), ('validating', 'rejected'), ('validating', 'failed'),
    ('failed', 'validating'),
    ('needs_fix', 'replaced'), ('needs_fix', 'in_review'),
    ('needs_consent', 'in_review'), ('needs_consent', 'accepted'),
    ('in_review', 'accepted'), ('in_review', 'rejected'), ('in_review', 'needs_fix'),
    ('rejected', 'in_review'),
    ('accepted', 'held'), ('held', 'accepted'), ('held', 'withdrawn'), ('accepted', 'withdrawn');
INSERT INTO recording_edges (from_state, to_state)
    SELECT state, 'deleted' FROM unnest(ARRAY['claimed', 'uploading', 'validating', 'failed', 'needs_fix',
        'needs_consent', 'in_review', 'accepted', 'held', 'rejected', 'replaced', 'expired']) AS state;
INSERT INTO recording_edges (from_state, to_state)
    SELECT state, 'erased' FROM unnest(ARRAY['claimed', 'uploading', 'validating', 'failed', 'needs_fix',
        'needs_consent', 'in_review', 'accepted', 'held', 'rejected', 'replaced', 'expired', 'withdrawn',
        'deleted']) AS state;

CREATE TABLE recordings (
    id                  uuid PRIMARY KEY DEFAULT uuidv7(),
    account_id          uuid NOT NULL REFERENCES accounts,
    campaign_id         uuid NOT NULL REFERENCES campaigns,
    prompt_id           uuid,
    language            text,
    title               text,
    -- As claimed before a byte was sent; the worker holds the bytes to them.
    sha256              bytea NOT NULL CHECK (octet_length(sha256) = 32),
    size_bytes          bigint NOT NULL CHECK (size_bytes > 0),
    media_type          text NOT NULL,
    state               text NOT NULL DEFAULT 'claimed',
    -- Who made the last move and why; a trigger copies them into recording_events.
    moved_by            text NOT NULL DEFAULT 'contributor'
        CHECK (moved_by IN ('contributor', 'operator', 'worker', 'clock')),
    moved_because       text,
    replaces            uuid REFERENCES recordings,
    -- The fencing token of validation: only the newest attempt may store its result.
    validation_attempt  int NOT NULL DEFAULT 0,
    -- The final, encrypted object; null until it has been read back.
    object_key          text,
    duration_ms         bigint,
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (campaign_id, prompt_id) REFERENCES prompts (campaign_id, id)
);
-- The same bytes of the same contributor are one recording.
CREATE UNIQUE INDEX recordings_content ON recordings (account_id, sha256)
    WHERE state NOT IN ('expired', 'deleted', 'erased');
-- A slot is one prompt of one campaign: one live take in it.
CREATE UNIQUE INDEX recordings_slot ON recordings (account_id, campaign_id, prompt_id)
    WHERE prompt_id IS NOT NULL
      AND state NOT IN ('replaced', 'rejected', 'withdrawn', 'expired', 'deleted', 'erased');
CREATE INDEX recordings_account ON recordings (account_id, id DESC);
CREATE INDEX recordings_campaign ON recordings (campaign_id, state);
CREATE INDEX recordings_sha256 ON recordings (sha256);
CREATE INDEX recordings_unfinished ON recordings (state, updated_at)
    WHERE state IN ('claimed', 'uploading', 'validating', 'failed');

-- What happened, numbered without gaps per account, so that a phone that reconnects misses nothing.
CREATE TABLE recording_events (
    account_id      uuid NOT NULL REFERENCES accounts,
    number          bigint NOT NULL,
    recording_id    uuid NOT NULL REFERENCES recordings,
    from_state      text,
    to_state        text NOT NULL,
    moved_by        text NOT NULL,
    because         text,
    at              timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (account_id, number)
);
CREATE INDEX recording_events_recording ON recording_events (recording_id, number);
CREATE TRIGGER recording_events_append_only BEFORE UPDATE OR DELETE ON recording_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Consent to one term sheet version for one recording; the newest row counts, older ones stay as history.
CREATE TABLE consents (
    id                  uuid PRIMARY KEY DEFAULT uuidv7(),
    recording_id        uuid NOT NULL REFERENCES recordings,
    account_id          uuid NOT NULL REFERENCES accounts,
    term_sheet_id       text NOT NULL,
    term_sheet_version  int NOT NULL,
    term_sheet_sha256   bytea NOT NULL,
    locale              text NOT NULL,
    -- use code -> 'given' or 'refused'
    decisions           jsonb NOT NULL,
    given_at            timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The hash is part of the key, so a consent that does not resolve to a published sheet cannot be stored.
    FOREIGN KEY (term_sheet_id, term_sheet_version, term_sheet_sha256) REFERENCES term_sheets (id, version, sha256)
);
CREATE INDEX consents_recording ON consents (recording_id, given_at DESC);
CREATE TRIGGER consents_append_only BEFORE UPDATE OR DELETE ON consents
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE FUNCTION recording_moves() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    event_number bigint;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'claimed' THEN
            RAISE EXCEPTION 'a recording begins as claimed, not %', NEW.state USING ERRCODE = 'check_violation';
        END IF;
    ELSIF NEW.state = OLD.state THEN
        RETURN NULL;
    ELSIF NOT EXISTS (SELECT FROM recording_edges WHERE from_state = OLD.state AND to_state = NEW.state) THEN
        RAISE EXCEPTION 'a recording cannot move from % to %', OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'recording_edges';
    ELSIF NEW.state = 'accepted' AND NOT EXISTS (SELECT FROM consents WHERE recording_id = NEW.id) THEN
        RAISE EXCEPTION 'a recording is accepted only with consent'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'recording_consent';
    END IF;
    -- Locking the account's row makes its events gap-free and visible in order; other accounts are not slowed.
    UPDATE accounts SET event_count = event_count + 1 WHERE id = NEW.account_id RETURNING event_count INTO event_number;
    INSERT INTO recording_events (account_id, number, recording_id, from_state, to_state, moved_by, because)
        VALUES (NEW.account_id, event_number, NEW.id, CASE WHEN TG_OP = 'UPDATE' THEN OLD.state END, NEW.state,
                NEW.moved_by, NEW.moved_because);
    PERFORM pg_notify('recording_events', NEW.account_id::text);
    RETURN NULL;
END $$;
CREATE FUNCTION touch_recording() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER recordings_touch BEFORE UPDATE ON recordings FOR EACH ROW EXECUTE FUNCTION touch_recording();
-- After, not before: the event refers to the recording's row.
CREATE TRIGGER recordings_move AFTER INSERT OR UPDATE OF state ON recordings
    FOR EACH ROW EXECUTE FUNCTION recording_moves();

-- The bytes on their way in.
CREATE TABLE uploads (
    id              uuid PRIMARY KEY DEFAULT uuidv7(),
    recording_id    uuid NOT NULL UNIQUE REFERENCES recordings,
    account_id      uuid NOT NULL REFERENCES accounts,
    length          bigint NOT NULL CHECK (length > 0),
    -- One writer at a time, without holding a connection: the holder's token, and when it lapses.
    busy_token      uuid,
    busy_until      timestamptz,
    completed_at    timestamptz,
    expires_at      timestamptz NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX uploads_account ON uploads (account_id);
CREATE INDEX uploads_expiry ON uploads (expires_at) WHERE completed_at IS NULL;

-- One row per stored chunk object; the row is written after the object, so a row means bytes.
CREATE TABLE upload_chunks (
    upload_id       uuid NOT NULL REFERENCES uploads ON DELETE CASCADE,
    start           bigint NOT NULL CHECK (start >= 0),
    size            int NOT NULL CHECK (size > 0),
    object_key      text NOT NULL,
    PRIMARY KEY (upload_id, start)
);

CREATE TABLE reports (
    recording_id    uuid NOT NULL REFERENCES recordings,
    attempt         int NOT NULL,
    report          jsonb NOT NULL,
    -- What can be seen of the recording itself (stills, spectrogram), encrypted under its contributor's key.
    glimpses        bytea,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (recording_id, attempt)
);

-- One key per contributor, wrapped by the service's master key: destroying the row erases every recording of theirs.
CREATE TABLE subject_keys (
    account_id      uuid PRIMARY KEY REFERENCES accounts,
    wrapped         bytea NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now()
);

-- Objects that no row needs any more, written in the transaction that let go of them.
CREATE TABLE doomed_objects (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    object_key      text NOT NULL,
    since           timestamptz NOT NULL DEFAULT now()
);

-- Renditions: the cleaned copies that buyers get, and what a recording's owner wants hidden in them.
-- depends: 0005.signing_keys

CREATE TABLE privacy (
    recording_id    uuid PRIMARY KEY REFERENCES recordings,
    -- Per kind what to do; `{}` is the default: metadata removed, faces blurred.
    choices         jsonb NOT NULL DEFAULT '{}',
    -- Every change is a new version; a rendition bears the version that it was made for.
    version         int NOT NULL DEFAULT 1 CHECK (version > 0),
    due             boolean NOT NULL DEFAULT false,
    -- Why these choices cannot be carried out.
    trouble         text,
    changed_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX privacy_due ON privacy (changed_at) WHERE due;

CREATE TABLE renditions (
    recording_id    uuid NOT NULL REFERENCES recordings,
    number          int NOT NULL CHECK (number > 0),
    -- Encrypted under the contributor's key, as the original is.
    object_key      text NOT NULL,
    sha256          bytea NOT NULL CHECK (octet_length(sha256) = 32),
    size_bytes      bigint NOT NULL CHECK (size_bytes > 0),
    media_type      text NOT NULL,
    edits           jsonb NOT NULL,
    removed_ms      bigint NOT NULL CHECK (removed_ms >= 0),
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (recording_id, number)
);

-- Triggers, because a recording is accepted, deleted and erased in several places, and none may be forgotten.
CREATE FUNCTION order_rendition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO privacy (recording_id, due) VALUES (NEW.id, true)
    ON CONFLICT (recording_id) DO UPDATE SET due = NOT EXISTS (
        SELECT FROM renditions WHERE recording_id = NEW.id AND number = privacy.version);
    RETURN NULL;
END $$;
CREATE TRIGGER recordings_order_rendition AFTER UPDATE OF state ON recordings
    FOR EACH ROW WHEN (NEW.state = 'accepted' AND OLD.state <> 'accepted') EXECUTE FUNCTION order_rendition();

CREATE FUNCTION doom_renditions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO doomed_objects (object_key) SELECT object_key FROM renditions WHERE recording_id = NEW.id;
    DELETE FROM renditions WHERE recording_id = NEW.id;
    DELETE FROM privacy WHERE recording_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER recordings_doom_renditions AFTER UPDATE OF state ON recordings
    FOR EACH ROW WHEN (NEW.state IN ('deleted', 'erased') AND OLD.state <> NEW.state) EXECUTE FUNCTION doom_renditions();
-- What is accepted already has no rendition yet.
INSERT INTO privacy (recording_id, due) SELECT id, true FROM recordings WHERE state IN ('accepted', 'held');

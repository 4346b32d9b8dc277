-- What recordings are compared by, what was found, and what their owners said to it.
-- depends: 0005.signing_keys

-- Material that is public already, registered by an operator: a copy of it is nobody's own recording.
CREATE TABLE public_works (
    id              uuid PRIMARY KEY DEFAULT uuidv7(),
    title           text NOT NULL,
    sha256          bytea NOT NULL UNIQUE CHECK (octet_length(sha256) = 32),
    added_at        timestamptz NOT NULL DEFAULT now()
);

-- One row per recording (or public work) and version: versions lie side by side while everything moves to a new one.
CREATE TABLE fingerprints (
    -- Drawn under a lock, so that whoever has seen all up to a number has missed none below it.
    number          int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    recording_id    uuid REFERENCES recordings,
    public_work_id  uuid REFERENCES public_works ON DELETE CASCADE,
    version         int NOT NULL,
    -- SHA-256 over the coded sound and picture, whatever file they are wrapped in.
    content         bytea NOT NULL CHECK (octet_length(content) = 32),
    seconds         double precision NOT NULL,
    audio           bytea,
    video           bytea,
    made_at         timestamptz NOT NULL DEFAULT now(),
    CHECK ((recording_id IS NULL) <> (public_work_id IS NULL)),
    UNIQUE (recording_id, version),
    UNIQUE (public_work_id, version)
);
CREATE INDEX fingerprints_content ON fingerprints (content);
-- They are packed already.
ALTER TABLE fingerprints ALTER COLUMN audio SET STORAGE EXTERNAL, ALTER COLUMN video SET STORAGE EXTERNAL;

-- Words of sound, twelve seconds to a row; GIN keeps for every word the list of rows that hold it. One partition per
-- version: an old version goes by dropping its partition, and is never vacuumed away row by row.
CREATE TABLE sound_words (
    fingerprint     int NOT NULL REFERENCES fingerprints ON DELETE CASCADE,
    version         int NOT NULL,
    block           int NOT NULL,
    words           int4[] NOT NULL,
    -- Where in the row's twelve seconds each word lies: uint16, little-endian, units of 16 ms.
    frames          bytea NOT NULL,
    PRIMARY KEY (fingerprint, block, version)
) PARTITION BY LIST (version);
-- Words of pictures, a key frame to a row.
CREATE TABLE picture_words (
    fingerprint     int NOT NULL REFERENCES fingerprints ON DELETE CASCADE,
    version         int NOT NULL,
    key_frame       int NOT NULL,
    words           int4[] NOT NULL,
    PRIMARY KEY (fingerprint, key_frame, version)
) PARTITION BY LIST (version);
-- The arrays lie aside, so that counting votes reads a hundred rows from a page; storage is a partition's own matter.
CREATE TABLE sound_words_1 PARTITION OF sound_words FOR VALUES IN (1) WITH (toast_tuple_target = 128);
CREATE TABLE picture_words_1 PARTITION OF picture_words FOR VALUES IN (1) WITH (toast_tuple_target = 128);
ALTER TABLE sound_words_1 ALTER COLUMN words SET STORAGE EXTERNAL, ALTER COLUMN frames SET STORAGE EXTERNAL;
ALTER TABLE picture_words_1 ALTER COLUMN words SET STORAGE EXTERNAL;
-- Without a list of pending entries, which every single look-up would have to read to its end.
CREATE INDEX sound_words_index ON sound_words USING gin (words) WITH (fastupdate = off);
CREATE INDEX picture_words_index ON picture_words USING gin (words) WITH (fastupdate = off);

-- Words that many recordings share, the most shared one first: they are asked for last. Counted on a sample by the clock.
CREATE TABLE common_words (
    media           text NOT NULL CHECK (media IN ('audio', 'video')),
    version         int NOT NULL,
    words           int4[] NOT NULL,
    counted_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (media, version)
);

-- Rows that share most words with a question, whose votes add up within a group. A word that thousands share (a jingle,
-- the same file again and again, a file made to fill one list) gives its first rows only, so that it costs no more than
-- any other. A sequential scan is never the way: the planner does not know how rare a word is.
CREATE FUNCTION sounds_alike(asked int4[], groups int4[], of_version int, longest int, most int)
RETURNS TABLE (grouped int4, fingerprint int4, place int4, votes int4) LANGUAGE sql STABLE SET enable_seqscan = off AS $$
    SELECT a.grouped, b.fingerprint, b.block, count(*)::int4
    FROM unnest(asked, groups) AS a (word, grouped)
    CROSS JOIN LATERAL (
        SELECT w.fingerprint, w.block FROM sound_words w
        WHERE w.version = of_version AND w.words @> ARRAY[a.word] LIMIT longest
    ) b
    GROUP BY 1, 2, 3 HAVING count(*) >= 2 ORDER BY 4 DESC, 2, 3 LIMIT most
$$;
CREATE FUNCTION pictures_alike(asked int4[], groups int4[], of_version int, longest int, most int)
RETURNS TABLE (grouped int4, fingerprint int4, place int4, votes int4) LANGUAGE sql STABLE SET enable_seqscan = off AS $$
    SELECT a.grouped, b.fingerprint, b.key_frame, count(*)::int4
    FROM unnest(asked, groups) AS a (word, grouped)
    CROSS JOIN LATERAL (
        SELECT w.fingerprint, w.key_frame FROM picture_words w
        WHERE w.version = of_version AND w.words @> ARRAY[a.word] LIMIT longest
    ) b
    GROUP BY 1, 2, 3 HAVING count(*) >= 2 ORDER BY 4 DESC, 2, 3 LIMIT most
$$;

-- What a recording shares with another one, as evidence that a person can check by listening or looking.
CREATE TABLE matches (
    id              uuid PRIMARY KEY DEFAULT uuidv7(),
    recording_id    uuid NOT NULL REFERENCES recordings,
    held_id         uuid REFERENCES recordings,
    public_work_id  uuid REFERENCES public_works ON DELETE CASCADE,
    -- Whether both are one contributor's; of anybody else's recording its owner's name is not even here.
    own             boolean NOT NULL,
    -- capture_validation.duplicates.evidence.Match
    evidence        jsonb NOT NULL,
    found_at        timestamptz NOT NULL DEFAULT now(),
    CHECK ((held_id IS NULL) <> (public_work_id IS NULL))
);
CREATE INDEX matches_recording ON matches (recording_id);
CREATE INDEX matches_held ON matches (held_id);

-- A contributor's objection to a decision; a person answers by moving the recording.
CREATE TABLE disputes (
    id              uuid PRIMARY KEY DEFAULT uuidv7(),
    recording_id    uuid NOT NULL REFERENCES recordings,
    account_id      uuid NOT NULL REFERENCES accounts,
    -- What was objected to, and by which evidence it had been decided: the threshold report reads these.
    because         text,
    evidence        jsonb NOT NULL DEFAULT '[]',
    text            text NOT NULL,
    opened_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    answered_at     timestamptz,
    outcome         text,
    answer          text,
    CHECK ((answered_at IS NULL) = (outcome IS NULL))
);
CREATE UNIQUE INDEX disputes_open ON disputes (recording_id) WHERE answered_at IS NULL;
CREATE INDEX disputes_recording ON disputes (recording_id, opened_at);

-- Whoever moves a disputed recording out of review has answered, by whatever route.
CREATE FUNCTION answer_dispute() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    answered uuid;
BEGIN
    UPDATE disputes SET answered_at = clock_timestamp(), outcome = NEW.state, answer = NEW.moved_because
        WHERE recording_id = NEW.id AND answered_at IS NULL RETURNING id INTO answered;
    IF answered IS NOT NULL AND NEW.moved_by = 'operator' THEN
        PERFORM tell(NEW.account_id, 'dispute.answered', NEW.id, 'operator',
                     jsonb_build_object('dispute', answered, 'outcome', NEW.state));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER recordings_answer AFTER UPDATE OF state ON recordings FOR EACH ROW
    WHEN (OLD.state = 'in_review' AND NEW.state <> 'in_review') EXECUTE FUNCTION answer_dispute();

-- A fingerprint and what it was found by go with their recording, at once and whoever lets it go.
CREATE FUNCTION forget_fingerprints() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM fingerprints WHERE recording_id = NEW.id;
    DELETE FROM matches WHERE recording_id = NEW.id OR held_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER recordings_forget AFTER UPDATE OF state ON recordings FOR EACH ROW
    WHEN (NEW.state IN ('deleted', 'erased')) EXECUTE FUNCTION forget_fingerprints();

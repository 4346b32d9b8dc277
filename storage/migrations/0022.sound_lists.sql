-- Sounds are found through lists of their own. A word that no change of speed or pitch alters is asked for once instead
-- of under twenty changes, and what was posted beside it tells the change and the time without reading anything else.
-- depends: 0007.fingerprints

DROP FUNCTION sounds_alike(int4[], int4[], int, int, int);
DROP TABLE sound_words;
DELETE FROM common_words WHERE media = 'audio';

-- The words of sound of each recording and what is posted beside them: what takes them out of the lists again.
ALTER TABLE fingerprints
    ADD COLUMN words  int4[] NOT NULL DEFAULT '{}',
    ADD COLUMN places int4[] NOT NULL DEFAULT '{}',
    ADD CHECK (cardinality(words) = cardinality(places));
ALTER TABLE fingerprints ALTER COLUMN words SET STORAGE EXTERNAL, ALTER COLUMN places SET STORAGE EXTERNAL;

-- A word, and 8 bytes for each time that it was heard: number of the fingerprint, and what was posted beside it. A row
-- lies in one piece on its page, with room to grow there, so that posting rewrites no index. One partition per version
-- of the fingerprint of sound: an old one goes with its partition.
CREATE TABLE sound_lists (
    version         int NOT NULL,
    word            int NOT NULL,
    postings        bytea NOT NULL,
    PRIMARY KEY (version, word)
) PARTITION BY LIST (version);
CREATE TABLE sound_lists_2 PARTITION OF sound_lists FOR VALUES IN (2)
    WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE sound_lists_2 ALTER COLUMN postings SET STORAGE PLAIN;

-- Lists follow the fingerprints at the end of the transaction that keeps or deletes one: whoever waits for this lock
-- holds all others already, so that nobody waits for each other. A list of 800 (6.4 kB) is full: a jingle, one file sent
-- ten thousand times and a file made for it cost no more than that, and are found by those that came first.
CREATE FUNCTION post_sounds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('sound lists', 0));
    INSERT INTO sound_lists AS held (version, word, postings)
        SELECT NEW.version / 100, heard.word, string_agg(int4send(NEW.number) || int4send(heard.place), ''::bytea)
        FROM unnest(NEW.words, NEW.places) AS heard (word, place) GROUP BY heard.word ORDER BY heard.word
    ON CONFLICT (version, word) DO UPDATE SET postings = held.postings || excluded.postings
        WHERE octet_length(held.postings) < 8 * 800;
    RETURN NULL;
END $$;
-- A list without one of its postings, which begin at every eighth byte.
CREATE FUNCTION without_posting(list bytea, posting bytea) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    start int := 1;
    found int;
BEGIN
    LOOP
        found := position(posting IN substring(list FROM start));
        IF found = 0 THEN
            RETURN list;
        END IF;
        start := start + found;
        IF start % 8 = 2 THEN
            RETURN overlay(list PLACING ''::bytea FROM start - 1 FOR 8);
        END IF;
    END LOOP;
END $$;
CREATE FUNCTION withdraw_sounds() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    heard record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('sound lists', 0));
    FOR heard IN
        SELECT word, int4send(OLD.number) || int4send(place) AS posting
        FROM unnest(OLD.words, OLD.places) AS posted (word, place) ORDER BY word
    LOOP
        UPDATE sound_lists SET postings = without_posting(postings, heard.posting)
            WHERE version = OLD.version / 100 AND word = heard.word AND position(heard.posting IN postings) > 0;
    END LOOP;
    DELETE FROM sound_lists
        WHERE version = OLD.version / 100 AND word = ANY (OLD.words) AND postings = ''::bytea;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER fingerprints_post AFTER INSERT ON fingerprints DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.words <> '{}') EXECUTE FUNCTION post_sounds();
CREATE CONSTRAINT TRIGGER fingerprints_withdraw AFTER DELETE ON fingerprints DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.words <> '{}') EXECUTE FUNCTION withdraw_sounds();

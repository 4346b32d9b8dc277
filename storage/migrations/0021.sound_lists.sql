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
CREATE FUNCTION withdraw_sounds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('sound lists', 0));
    UPDATE sound_lists AS held SET postings = coalesce((
            SELECT string_agg(substring(held.postings FROM at FOR 8), ''::bytea ORDER BY at)
            FROM generate_series(1, octet_length(held.postings), 8) AS at
            WHERE substring(held.postings FROM at FOR 4) <> int4send(OLD.number)
        ), ''::bytea)
        WHERE held.version = OLD.version / 100 AND held.word = ANY (OLD.words);
    DELETE FROM sound_lists AS held
        WHERE held.version = OLD.version / 100 AND held.word = ANY (OLD.words) AND held.postings = ''::bytea;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER fingerprints_post AFTER INSERT ON fingerprints DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.words <> '{}') EXECUTE FUNCTION post_sounds();
CREATE CONSTRAINT TRIGGER fingerprints_withdraw AFTER DELETE ON fingerprints DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.words <> '{}') EXECUTE FUNCTION withdraw_sounds();

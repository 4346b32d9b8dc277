-- A list of sounds that is full keeps a fair sample of what was heard, so that who comes last is found as well as who came
-- first. It took the first 800 and turned everybody else away for good: at 10⁵ minutes half of what is posted. A page has
-- room for 1,000.
-- depends: 0022.sound_lists

-- How many more were heard than are listed. A list that was full before this column has turned nobody away, as far as
-- it knows: newcomers get in easily until they have their share.
ALTER TABLE sound_lists ADD COLUMN left_out int NOT NULL DEFAULT 0 CHECK (left_out >= 0);

-- Whoever comes to a full list is let in by lot, as often as 1,000 go into everybody heard so far, and takes the place of
-- whoever lies there (Vitter, "Random sampling with a reservoir", ACM TOMS 1985, algorithm R). Only who gets in is
-- counted, for all who drew in vain since (Morris, "Counting large numbers of events in small registers", CACM 1978): a
-- common word is heard in every recording, and its list of 8 kB would otherwise be written anew each time.
CREATE OR REPLACE FUNCTION post_sounds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('sound lists', 0));
    INSERT INTO sound_lists AS held (version, word, postings)
        SELECT NEW.version / 100, heard.word, string_agg(int4send(NEW.number) || int4send(heard.place), ''::bytea)
        FROM unnest(NEW.words, NEW.places) AS heard (word, place) GROUP BY heard.word ORDER BY heard.word
    ON CONFLICT (version, word) DO UPDATE SET
        postings = CASE WHEN octet_length(held.postings) < 8 * 1000 THEN held.postings || excluded.postings
                        ELSE somewhere_instead(held.postings, excluded.postings) END,
        left_out = CASE WHEN octet_length(held.postings) < 8 * 1000 THEN held.left_out
                        ELSE held.left_out
                            + round(octet_length(excluded.postings) / 8 * (1 + held.left_out / 1000.0))::int END
        WHERE octet_length(held.postings) < 8 * 1000 OR random() * (1 + held.left_out / 1000.0) < 1;
    RETURN NULL;
END $$;
-- A list with some of its postings overwritten by others, wherever the lot falls.
CREATE FUNCTION somewhere_instead(list bytea, others bytea) RETURNS bytea LANGUAGE sql VOLATILE AS $$
    SELECT overlay(list PLACING others
                   FROM 1 + 8 * floor(random() * (1 + (octet_length(list) - octet_length(others)) / 8))::int)
$$;

-- A list without the postings of one fingerprint, which begin at every eighth byte.
CREATE FUNCTION without_number(list bytea, number int) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    start int := 1;
    found int;
BEGIN
    LOOP
        found := position(int4send(number) IN substring(list FROM start));
        IF found = 0 THEN
            RETURN list;
        END IF;
        start := start + found - 1;
        IF start % 8 = 1 THEN
            list := overlay(list PLACING ''::bytea FROM start FOR 8);
        ELSE
            start := start + 1;
        END IF;
    END LOOP;
END $$;
-- Postings that go take those along that they stood for, and leave room for whoever comes next.
CREATE OR REPLACE FUNCTION withdraw_sounds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('sound lists', 0));
    UPDATE sound_lists SET (postings, left_out) = (
            SELECT rest, round(left_out * (octet_length(rest)::float8 / octet_length(postings)))::int
            FROM without_number(postings, OLD.number) AS rest
        )
        WHERE version = OLD.version / 100 AND word = ANY (OLD.words) AND position(int4send(OLD.number) IN postings) > 0;
    DELETE FROM sound_lists
        WHERE version = OLD.version / 100 AND word = ANY (OLD.words) AND postings = ''::bytea;
    RETURN NULL;
END $$;
DROP FUNCTION without_posting(bytea, bytea);

-- What is posted beside the words is needed here only by those who come in while it is being posted: a day, and NULL.
ALTER TABLE fingerprints ALTER COLUMN places DROP NOT NULL;
CREATE INDEX fingerprints_places ON fingerprints (made_at) WHERE places IS NOT NULL;

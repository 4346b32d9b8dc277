-- A list of sounds that is full goes on on another page, up to four. At 10⁵ minutes a fifth of what is posted was turned
-- away, and most copies that were lost there were lost by that: see docs/decisions/0026.
-- depends: 0026.fair_lists

-- Lists that are there stay where they are, as page 0, and go on beside it. Making the new key takes seconds, in which
-- nobody posts or asks.
ALTER TABLE sound_lists ADD COLUMN page smallint NOT NULL DEFAULT 0 CHECK (page BETWEEN 0 AND 3);
ALTER TABLE sound_lists DROP CONSTRAINT sound_lists_pkey, ADD PRIMARY KEY (version, word, page);

-- The first of four pages that a list does not have, NULL when it has all. What is deleted may leave a gap.
CREATE FUNCTION missing_page(pages smallint[]) RETURNS smallint LANGUAGE sql IMMUTABLE AS $$
    SELECT min(page)::smallint FROM generate_series(0, 3) AS page WHERE pages IS NULL OR page <> ALL (pages)
$$;
-- Whoever comes is posted on the first page with room, else on one that is missing, else by lot on any of the four. There
-- lots are drawn again: each page is a fair sample of those who came to it, as a list was by itself.
CREATE OR REPLACE FUNCTION post_sounds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('sound lists', 0));
    INSERT INTO sound_lists AS held (version, word, page, postings)
        SELECT NEW.version / 100, heard.word,
            coalesce(known.open, missing_page(known.pages), floor(random() * 4)::smallint), heard.postings
        FROM (
            SELECT word, string_agg(int4send(NEW.number) || int4send(place), ''::bytea) AS postings
            FROM unnest(NEW.words, NEW.places) AS posted (word, place) GROUP BY word ORDER BY word
        ) AS heard, LATERAL (
            SELECT min(page) FILTER (WHERE octet_length(postings) < 8 * 1000) AS open, array_agg(page) AS pages
            FROM sound_lists WHERE version = NEW.version / 100 AND word = heard.word
        ) AS known
    ON CONFLICT (version, word, page) DO UPDATE SET
        postings = CASE WHEN octet_length(held.postings) < 8 * 1000 THEN held.postings || excluded.postings
                        ELSE somewhere_instead(held.postings, excluded.postings) END,
        left_out = CASE WHEN octet_length(held.postings) < 8 * 1000 THEN held.left_out
                        ELSE held.left_out
                            + round(octet_length(excluded.postings) / 8 * (1 + held.left_out / 1000.0))::int END
        WHERE octet_length(held.postings) < 8 * 1000 OR random() * (1 + held.left_out / 1000.0) < 1;
    RETURN NULL;
END $$;

-- Passports are written in less than half the time, and the lines of a sale are checked and noted a statement at a time:
-- a use that is withdrawn waits for a sale of a hundred thousand recordings.
-- depends: 0020.large_sales

-- What an entry's hash is taken of (RFC 8785). The members stand in their order already, so that nothing is sorted; `data`
-- is canonical itself.
CREATE FUNCTION entry_text(recording uuid, number int, kind text, noted_at timestamptz, data text, previous bytea)
RETURNS text LANGUAGE sql STABLE AS $$
    SELECT '{"at":"' || rfc3339(noted_at) || '","data":' || data || ',"kind":' || to_json(kind) || ',"number":' || number
        || ',"previous":' || coalesce('"' || encode(previous, 'hex') || '"', 'null') || ',"recording":"' || recording || '"}'
$$;

-- As before, with the text above.
CREATE OR REPLACE FUNCTION note_in_passport(recording uuid, kind text, data jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    head passport_heads;
    noted_at timestamptz;
    hash bytea;
BEGIN
    SELECT * INTO head FROM passport_heads WHERE recording_id = recording FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO passport_heads (recording_id, number) VALUES (recording, 0) ON CONFLICT DO NOTHING;
        SELECT * INTO head FROM passport_heads WHERE recording_id = recording FOR UPDATE;
    END IF;
    -- After the lock, so that later entries never carry earlier times.
    noted_at := clock_timestamp();
    hash := sha256(convert_to(
        entry_text(recording, head.number + 1, kind, noted_at, canonical_json(data), head.sha256), 'UTF8'));
    INSERT INTO passport_entries (recording_id, number, kind, at, data, previous, sha256)
        VALUES (recording, head.number + 1, kind, noted_at, data, head.sha256, hash);
    UPDATE passport_heads SET number = head.number + 1, sha256 = hash WHERE recording_id = recording;
END $$;

-- The last line of defence, as before: whatever writes a sale, every use of it has a consent that stands, and keeps
-- standing until the sale's transaction ends. Asked of all lines of a statement at once, after they are written.
DROP TRIGGER sale_lines_consent ON sale_lines;
CREATE OR REPLACE FUNCTION demand_consent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM made JOIN sales s ON s.id = made.sale_id
            JOIN consent_uses u ON u.recording_id = made.recording_id AND u.use_code = ANY (made.uses)
        WHERE u.status = 'given' AND u.expires_at >= s.ends_at
        ORDER BY u.recording_id, u.use_code FOR SHARE OF u;
    -- A statement of its own, because only it sees what was withdrawn while the locks were waited for.
    IF EXISTS (
        SELECT FROM made JOIN sales s ON s.id = made.sale_id
        WHERE cardinality(made.uses) <> (SELECT count(*) FROM consent_uses u
            WHERE u.recording_id = made.recording_id AND u.use_code = ANY (made.uses) AND u.status = 'given'
              AND u.expires_at >= s.ends_at))
    THEN
        RAISE EXCEPTION 'a recording is sold only with consent to every use'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'sale_consent';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER sale_lines_consent AFTER INSERT ON sale_lines REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION demand_consent();

-- New lines go into their passports together, each recording once in a statement; a delivery and an end one by one.
CREATE FUNCTION note_new_uses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO passport_heads (recording_id, number)
        SELECT recording_id, 0 FROM made WHERE NOT EXISTS (
            SELECT FROM passport_heads head WHERE head.recording_id = made.recording_id)
        ON CONFLICT DO NOTHING;
    PERFORM FROM passport_heads WHERE recording_id IN (SELECT recording_id FROM made)
        ORDER BY recording_id FOR UPDATE;
    -- A statement of its own for the heads as they are once they are locked.
    WITH entries AS (
        INSERT INTO passport_entries (recording_id, number, kind, at, data, previous, sha256)
        SELECT head.recording_id, head.number + 1, 'use.started', clock.noted_at, said.data::jsonb, head.sha256,
            sha256(convert_to(entry_text(head.recording_id, head.number + 1, 'use.started', clock.noted_at, said.data,
                head.sha256), 'UTF8'))
        FROM made JOIN passport_heads head USING (recording_id) JOIN sales s ON s.id = made.sale_id
            JOIN buyers b ON b.id = s.buyer_id JOIN datasets d ON d.id = s.dataset_id
            CROSS JOIN (SELECT clock_timestamp() AS noted_at) AS clock
            CROSS JOIN LATERAL (SELECT '{"buyer":' || to_json(b.legal_name)
                || ',"contributor_micros":' || made.contributor_micros || ',"country":' || to_json(b.country)
                || ',"currency":' || to_json(made.currency) || ',"dataset":' || to_json(d.slug)
                || ',"fee_micros":' || made.fee_micros || ',"from":"' || rfc3339(s.starts_at)
                || '","purpose":' || to_json(s.purpose) || ',"sale":"' || s.id || '","until":"' || rfc3339(s.ends_at)
                || '","uses":' || array_to_json(made.uses) || ',"version":' || s.version || '}' AS data
                -- Not pulled up, which would write it twice for each line.
                OFFSET 0) AS said
        RETURNING recording_id, number, sha256)
    UPDATE passport_heads head SET number = entries.number, sha256 = entries.sha256
        FROM entries WHERE head.recording_id = entries.recording_id;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION note_use() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.delivered_at IS NULL AND NEW.delivered_at IS NOT NULL THEN
        PERFORM note_in_passport(NEW.recording_id, 'use.delivered', jsonb_build_object('sale', NEW.sale_id));
    END IF;
    IF OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL THEN
        PERFORM note_in_passport(NEW.recording_id, 'use.ended', jsonb_build_object('sale', NEW.sale_id));
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER sale_lines_passport ON sale_lines;
CREATE TRIGGER sale_lines_passport AFTER UPDATE OF delivered_at, ended_at ON sale_lines
    FOR EACH ROW EXECUTE FUNCTION note_use();
CREATE TRIGGER sale_lines_started AFTER INSERT ON sale_lines REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION note_new_uses();

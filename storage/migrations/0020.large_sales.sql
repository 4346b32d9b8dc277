-- Sales of a hundred thousand recordings: told and paid in batches after the sale stands, and noted in half the time.
-- depends: 0009.licensing 0015.withdrawals 0016.earnings 0017.statements

-- A sale whose contributors are still to be told and paid; the row goes when that is done.
CREATE TABLE sale_settlements (
    sale_id         uuid PRIMARY KEY REFERENCES sales,
    -- Lines up to this recording are done.
    upto            uuid,
    -- Sales from before there were settlements have told everybody already.
    telling         boolean NOT NULL DEFAULT true,
    since           timestamptz NOT NULL DEFAULT now()
);

-- The `id/versions/n` of what its contributors agreed to: a buyer reads it with every page of a release.
ALTER TABLE sales ADD COLUMN term_sheets text[] NOT NULL DEFAULT '{}';
ALTER TABLE sales DISABLE TRIGGER USER;
UPDATE sales s SET term_sheets = coalesce((
    SELECT array_agg(DISTINCT c.term_sheet_id || '/versions/' || c.term_sheet_version)
    FROM sale_lines l JOIN consents c ON c.id = l.consent_id WHERE l.sale_id = s.id), '{}');
ALTER TABLE sales ENABLE TRIGGER USER;

-- As before, and only what has parts of its own is asked again.
CREATE OR REPLACE FUNCTION canonical_json(value jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN CASE jsonb_typeof(value)
        WHEN 'object' THEN '{' || coalesce((
            SELECT string_agg(to_json(member.key)::text || ':' || CASE
                WHEN jsonb_typeof(member.value) IN ('object', 'array') THEN canonical_json(member.value)
                ELSE member.value::text END, ',' ORDER BY member.key COLLATE "C")
            FROM jsonb_each(value) AS member), '') || '}'
        WHEN 'array' THEN '[' || coalesce((
            SELECT string_agg(CASE
                WHEN jsonb_typeof(item.value) IN ('object', 'array') THEN canonical_json(item.value)
                ELSE item.value::text END, ',' ORDER BY item.ordinality)
            FROM jsonb_array_elements(value) WITH ORDINALITY AS item), '') || ']'
        ELSE value::text
    END;
END $$;

-- As before, and a head is only made where there is none.
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
    hash := sha256(convert_to(canonical_json(jsonb_build_object(
        'recording', recording, 'number', head.number + 1, 'kind', kind, 'at', rfc3339(noted_at), 'data', data,
        'previous', encode(head.sha256, 'hex'))), 'UTF8'));
    INSERT INTO passport_entries (recording_id, number, kind, at, data, previous, sha256)
        VALUES (recording, head.number + 1, kind, noted_at, data, head.sha256, hash);
    UPDATE passport_heads SET number = head.number + 1, sha256 = hash WHERE recording_id = recording;
END $$;

-- Quotes, consent use by use with its receipt, withdrawal, and the passport's chain of hashes.
-- depends: 0005.signing_keys

-- A binding offer, made before recording. It keeps one of the campaign's places until it expires.
CREATE TABLE quotes (
    id                  uuid PRIMARY KEY,
    account_id          uuid NOT NULL REFERENCES accounts,
    campaign_id         uuid NOT NULL REFERENCES campaigns,
    rate_currency       text NOT NULL CHECK (rate_currency ~ '^[A-Z]{3}$'),
    rate_micros         bigint NOT NULL CHECK (rate_micros >= 0),
    rate_per_ms         bigint NOT NULL CHECK (rate_per_ms > 0),
    review_within       interval NOT NULL,
    term_sheet_id       text NOT NULL,
    term_sheet_version  int NOT NULL,
    term_sheet_sha256   bytea NOT NULL,
    jws                 text NOT NULL,
    created_at          timestamptz NOT NULL,
    expires_at          timestamptz NOT NULL CHECK (expires_at > created_at),
    -- Set by the claim that uses it; only this column ever changes.
    used_at             timestamptz,
    FOREIGN KEY (term_sheet_id, term_sheet_version, term_sheet_sha256) REFERENCES term_sheets (id, version, sha256)
);
CREATE INDEX quotes_account ON quotes (account_id, id DESC);
CREATE INDEX quotes_campaign ON quotes (campaign_id, expires_at);
CREATE FUNCTION keep_quote() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.used_at IS NOT NULL OR to_jsonb(NEW) - 'used_at' <> to_jsonb(OLD) - 'used_at' THEN
        RAISE EXCEPTION 'a quote binds: it can only be used, and once' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER quotes_bind BEFORE UPDATE OR DELETE ON quotes FOR EACH ROW EXECUTE FUNCTION keep_quote();

-- What a recording will be paid is fixed when it is claimed: by its quote, else by the campaign as it stood then.
ALTER TABLE recordings
    ADD COLUMN quote_id uuid REFERENCES quotes,
    ADD COLUMN rate_currency text CHECK (rate_currency ~ '^[A-Z]{3}$'),
    ADD COLUMN rate_micros bigint CHECK (rate_micros >= 0),
    ADD COLUMN rate_per_ms bigint CHECK (rate_per_ms > 0);
ALTER TABLE recordings DISABLE TRIGGER USER;
UPDATE recordings r SET rate_currency = c.rate_currency, rate_micros = c.rate_micros, rate_per_ms = c.rate_per_ms
    FROM campaigns c WHERE c.id = r.campaign_id;
ALTER TABLE recordings ENABLE TRIGGER USER;
ALTER TABLE recordings
    ALTER COLUMN rate_currency SET NOT NULL,
    ALTER COLUMN rate_micros SET NOT NULL,
    ALTER COLUMN rate_per_ms SET NOT NULL;
-- One quote pays for one recording, or for the take that replaced it.
CREATE UNIQUE INDEX recordings_quote ON recordings (quote_id)
    WHERE quote_id IS NOT NULL AND state NOT IN ('replaced', 'expired', 'deleted', 'erased');
CREATE FUNCTION pin_pay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.quote_id IS NOT NULL THEN
        SELECT rate_currency, rate_micros, rate_per_ms INTO NEW.rate_currency, NEW.rate_micros, NEW.rate_per_ms
            FROM quotes WHERE id = NEW.quote_id;
    ELSE
        SELECT rate_currency, rate_micros, rate_per_ms INTO NEW.rate_currency, NEW.rate_micros, NEW.rate_per_ms
            FROM campaigns WHERE id = NEW.campaign_id;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER recordings_pay BEFORE INSERT ON recordings FOR EACH ROW EXECUTE FUNCTION pin_pay();
CREATE TRIGGER recordings_pay_fixed BEFORE UPDATE OF quote_id, rate_currency, rate_micros, rate_per_ms ON recordings
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The rate of a recording, and the sheet by which it is paid: the one its contributor agreed to.
CREATE FUNCTION terms_of_pay(recording uuid) RETURNS TABLE (
    currency text, micros bigint, per_ms bigint, quote_id uuid, term_sheet_id text, term_sheet_version int
) LANGUAGE sql STABLE AS $$
    SELECT r.rate_currency, r.rate_micros, r.rate_per_ms, r.quote_id, c.term_sheet_id, c.term_sheet_version
    FROM recordings r
    LEFT JOIN LATERAL (SELECT term_sheet_id, term_sheet_version FROM consents WHERE recording_id = r.id
                       ORDER BY given_at DESC, id DESC LIMIT 1) c ON true
    WHERE r.id = recording
$$;

-- The places of a campaign that are given away: accepted recordings, and quotes that may still be used or whose
-- recording is not decided yet. `but` is the quote of whoever asks, whose own place is not in its way. Nobody keeps a
-- place for longer than a month by never sending a better take.
CREATE FUNCTION places_taken(campaign uuid, but uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT (SELECT count(*) FROM recordings WHERE campaign_id = campaign AND state IN ('accepted', 'held'))
         + (SELECT count(*) FROM quotes q WHERE q.campaign_id = campaign AND q.id IS DISTINCT FROM but AND CASE
                WHEN q.used_at IS NULL THEN q.expires_at > now()
                ELSE q.expires_at > now() - interval '30 days' AND EXISTS (
                    SELECT FROM recordings r WHERE r.quote_id = q.id AND r.state IN
                    ('claimed', 'uploading', 'validating', 'failed', 'needs_fix', 'needs_consent', 'in_review'))
                END)
$$;

-- Whether a campaign takes one more recording. Who was quoted gets what was quoted, also when the campaign has become
-- smaller since.
CREATE FUNCTION place_left(campaign uuid, quote uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM quotes q WHERE q.id = quote AND q.expires_at > now() - interval '30 days')
        OR places_taken(campaign, quote) < (SELECT quota_recordings FROM campaigns c WHERE c.id = campaign)
$$;

-- Consent, use by use, as it stands now: what a sale locks FOR SHARE and a withdrawal FOR UPDATE.
ALTER TABLE consents ADD COLUMN card_sha256 bytea CHECK (octet_length(card_sha256) = 32);
CREATE TABLE consent_uses (
    recording_id    uuid NOT NULL REFERENCES recordings,
    use_code        text NOT NULL,
    status          text NOT NULL CHECK (status IN ('given', 'refused', 'withdrawn')),
    consent_id      uuid NOT NULL REFERENCES consents,
    changed_at      timestamptz NOT NULL,
    -- The end of the sheet's term, counted from the consent: no grant is without an end.
    expires_at      timestamptz NOT NULL,
    -- When its contributor was told that it ends soon.
    expiry_told_at  timestamptz,
    PRIMARY KEY (recording_id, use_code)
);
CREATE INDEX consent_uses_expiry ON consent_uses (expires_at) WHERE status = 'given' AND expiry_told_at IS NULL;
CREATE FUNCTION spread_consent(given consents) RETURNS void LANGUAGE sql AS $$
    INSERT INTO consent_uses (recording_id, use_code, status, consent_id, changed_at, expires_at)
    SELECT given.recording_id, decided.key, decided.value, given.id, given.given_at,
           -- A sheet that names no duration grants nothing that lasts.
           given.given_at + coalesce(s.document #>> '{term,duration}', 'P0D')::interval
    FROM jsonb_each_text(given.decisions) AS decided
    JOIN term_sheets s ON s.id = given.term_sheet_id AND s.version = given.term_sheet_version
    ON CONFLICT (recording_id, use_code) DO UPDATE SET status = EXCLUDED.status, consent_id = EXCLUDED.consent_id,
        changed_at = EXCLUDED.changed_at, expires_at = EXCLUDED.expires_at, expiry_told_at = NULL
$$;
CREATE FUNCTION spread_new_consent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM spread_consent(NEW);
    RETURN NULL;
END $$;
DO $$ BEGIN PERFORM spread_consent(c) FROM consents c ORDER BY c.given_at, c.id; END $$;
CREATE TRIGGER consents_spread AFTER INSERT ON consents FOR EACH ROW EXECUTE FUNCTION spread_new_consent();

-- What the contributor keeps of a consent: signed, so that it can be shown to anybody.
CREATE TABLE consent_receipts (
    id              uuid PRIMARY KEY,
    consent_id      uuid NOT NULL UNIQUE REFERENCES consents,
    account_id      uuid NOT NULL REFERENCES accounts,
    jws             text NOT NULL,
    -- SHA-256 of the signed bytes.
    sha256          bytea NOT NULL CHECK (octet_length(sha256) = 32),
    issued_at       timestamptz NOT NULL
);
CREATE TRIGGER consent_receipts_append_only BEFORE UPDATE OR DELETE ON consent_receipts
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE FUNCTION demand_receipt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM consents c JOIN consent_receipts t ON t.consent_id = c.id WHERE c.recording_id = NEW.id)
    THEN
        RAISE EXCEPTION 'a recording is accepted only with a consent whose receipt was given out'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'recording_consent';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER recordings_receipt BEFORE UPDATE OF state ON recordings FOR EACH ROW
    WHEN (NEW.state = 'accepted' AND OLD.state <> 'accepted') EXECUTE FUNCTION demand_receipt();

CREATE TABLE withdrawals (
    id              uuid PRIMARY KEY DEFAULT uuidv7(),
    recording_id    uuid NOT NULL REFERENCES recordings,
    account_id      uuid NOT NULL REFERENCES accounts,
    uses            text[] NOT NULL CHECK (cardinality(uses) > 0),
    reason          text,
    -- Whether no use is left, so that the recording itself ended.
    ended           boolean NOT NULL,
    sales_stopped_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX withdrawals_account ON withdrawals (account_id, id DESC);
CREATE INDEX withdrawals_recording ON withdrawals (recording_id);

-- The canonical form of JSON (RFC 8785), for values without fractions: keys of ASCII, numbers that are whole.
CREATE FUNCTION canonical_json(value jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN CASE jsonb_typeof(value)
        WHEN 'object' THEN '{' || coalesce((
            SELECT string_agg(to_json(member.key)::text || ':' || canonical_json(member.value), ','
                              ORDER BY member.key COLLATE "C")
            FROM jsonb_each(value) AS member), '') || '}'
        WHEN 'array' THEN '[' || coalesce((
            SELECT string_agg(canonical_json(item.value), ',' ORDER BY item.ordinality)
            FROM jsonb_array_elements(value) WITH ORDINALITY AS item), '') || ']'
        ELSE value::text
    END;
END $$;
CREATE FUNCTION rfc3339(at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

-- The passport of a recording: every entry carries the hash of the one before it, so none can be changed or left out.
CREATE TABLE passport_heads (
    recording_id    uuid PRIMARY KEY REFERENCES recordings,
    number          int NOT NULL,
    sha256          bytea,
    -- The newest entry that a signed checkpoint covers.
    checkpointed    int NOT NULL DEFAULT 0
);
CREATE INDEX passport_heads_open ON passport_heads (recording_id) WHERE number > checkpointed;
CREATE TABLE passport_entries (
    recording_id    uuid NOT NULL REFERENCES recordings,
    number          int NOT NULL,
    kind            text NOT NULL CHECK (kind ~ '^[a-z_]+[.][a-z_]+$'),
    at              timestamptz NOT NULL,
    data            jsonb NOT NULL,
    previous        bytea,
    sha256          bytea NOT NULL,
    PRIMARY KEY (recording_id, number)
);
CREATE TRIGGER passport_entries_append_only BEFORE UPDATE OR DELETE ON passport_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The one way to add to a passport, in the transaction that did what is noted.
CREATE FUNCTION note_in_passport(recording uuid, kind text, data jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    head passport_heads;
    noted_at timestamptz;
    hash bytea;
BEGIN
    INSERT INTO passport_heads (recording_id, number) VALUES (recording, 0) ON CONFLICT DO NOTHING;
    SELECT * INTO head FROM passport_heads WHERE recording_id = recording FOR UPDATE;
    -- After the lock, so that later entries never carry earlier times.
    noted_at := clock_timestamp();
    hash := sha256(convert_to(canonical_json(jsonb_build_object(
        'recording', recording, 'number', head.number + 1, 'kind', kind, 'at', rfc3339(noted_at), 'data', data,
        'previous', encode(head.sha256, 'hex'))), 'UTF8'));
    INSERT INTO passport_entries (recording_id, number, kind, at, data, previous, sha256)
        VALUES (recording, head.number + 1, kind, noted_at, data, head.sha256, hash);
    UPDATE passport_heads SET number = head.number + 1, sha256 = hash WHERE recording_id = recording;
END $$;

CREATE FUNCTION note_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The reason stays out: it may be the contributor's own words, and nothing here can be erased.
    IF TG_OP = 'INSERT' OR NEW.state <> OLD.state THEN
        PERFORM note_in_passport(NEW.id, 'recording.' || NEW.state, jsonb_build_object('by', NEW.moved_by));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER recordings_passport AFTER INSERT OR UPDATE OF state ON recordings
    FOR EACH ROW EXECUTE FUNCTION note_move();

CREATE FUNCTION note_receipt() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    given consents;
BEGIN
    SELECT * INTO given FROM consents WHERE id = NEW.consent_id;
    PERFORM note_in_passport(given.recording_id, 'consent.given', jsonb_build_object(
        'receipt', NEW.id, 'receipt_sha256', encode(NEW.sha256, 'hex'), 'term_sheet', given.term_sheet_id,
        'version', given.term_sheet_version, 'sheet_sha256', encode(given.term_sheet_sha256, 'hex'),
        'decisions', given.decisions));
    RETURN NULL;
END $$;
CREATE TRIGGER consent_receipts_passport AFTER INSERT ON consent_receipts
    FOR EACH ROW EXECUTE FUNCTION note_receipt();

CREATE FUNCTION note_withdrawal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM note_in_passport(NEW.recording_id, 'consent.withdrawn', jsonb_build_object(
        'withdrawal', NEW.id, 'uses', NEW.uses, 'ended', NEW.ended));
    RETURN NULL;
END $$;
CREATE TRIGGER withdrawals_passport AFTER INSERT ON withdrawals FOR EACH ROW EXECUTE FUNCTION note_withdrawal();

-- Passports begin today for the recordings that are here already.
DO $$ BEGIN
    PERFORM note_in_passport(id, 'passport.opened', jsonb_build_object('state', state)) FROM recordings ORDER BY id;
END $$;

-- Once a day the newest hash of every passport that grew becomes a leaf of one signed Merkle tree (RFC 9162).
CREATE TABLE checkpoints (
    day             date PRIMARY KEY,
    made_at         timestamptz NOT NULL,
    leaves          int NOT NULL,
    root            bytea NOT NULL,
    -- The whole signed document, as it is published.
    document        jsonb NOT NULL,
    sha256          bytea NOT NULL
);
CREATE TRIGGER checkpoints_append_only BEFORE UPDATE OR DELETE ON checkpoints
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TABLE checkpoint_leaves (
    recording_id    uuid NOT NULL REFERENCES recordings,
    day             date NOT NULL REFERENCES checkpoints,
    number          int NOT NULL,
    sha256          bytea NOT NULL,
    position        int NOT NULL,
    -- The hashes that lead from this leaf to the root (RFC 9162, section 2.1.3), the nearest first.
    path            bytea[] NOT NULL,
    PRIMARY KEY (recording_id, day)
);

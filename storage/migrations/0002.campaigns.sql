-- What is being collected, under which terms.
-- depends: 0001.accounts

-- Published once and then immutable; the hash is SHA-256 over the RFC 8785 canonical form of the document.
CREATE TABLE term_sheets (
    id              text NOT NULL,
    version         int NOT NULL CHECK (version > 0),
    sha256          bytea NOT NULL CHECK (octet_length(sha256) = 32),
    document        jsonb NOT NULL,
    published_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, version),
    UNIQUE (id, version, sha256)
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER term_sheets_immutable BEFORE UPDATE OR DELETE ON term_sheets
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE campaigns (
    id                  uuid PRIMARY KEY DEFAULT uuidv7(),
    slug                text NOT NULL UNIQUE,
    title               text NOT NULL,
    brief               text NOT NULL,
    media               text NOT NULL CHECK (media IN ('audio', 'video')),
    languages           text[] NOT NULL DEFAULT '{}',
    -- The capture profile, and the campaign's own rules on top of it: check name -> limits and requirement.
    profile             text NOT NULL,
    rules               jsonb NOT NULL DEFAULT '{}',
    -- May only be less than what the service takes at all.
    max_bytes           bigint NOT NULL CHECK (max_bytes > 0),
    max_duration_ms     bigint NOT NULL CHECK (max_duration_ms > 0),
    review              text NOT NULL DEFAULT 'automatic' CHECK (review IN ('automatic', 'always')),
    -- A rational rate: rate_micros (1e-6 of the currency's major unit) for every rate_per_ms of accepted recording.
    rate_currency       text NOT NULL CHECK (rate_currency ~ '^[A-Z]{3}$'),
    rate_micros         bigint NOT NULL CHECK (rate_micros >= 0),
    rate_per_ms         bigint NOT NULL CHECK (rate_per_ms > 0),
    quota_recordings    int NOT NULL CHECK (quota_recordings >= 0),
    deadline            timestamptz,
    term_sheet_id       text NOT NULL,
    term_sheet_version  int NOT NULL,
    created_at          timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (term_sheet_id, term_sheet_version) REFERENCES term_sheets (id, version)
);

CREATE TABLE prompts (
    id              uuid PRIMARY KEY DEFAULT uuidv7(),
    campaign_id     uuid NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    position        int NOT NULL,
    language        text,
    text            text NOT NULL,
    UNIQUE (campaign_id, position),
    UNIQUE (campaign_id, id)
);

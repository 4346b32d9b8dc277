-- Who buys recordings, what is sold to whom, who objects to a recording, and what was erased.
-- depends: 0005.signing_keys

CREATE TABLE buyers (
    id                  uuid PRIMARY KEY DEFAULT uuidv7(),
    legal_name          text NOT NULL,
    country             text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    sector              text NOT NULL CHECK (sector ~ '^[a-z][a-z0-9_]*$'),
    -- What they say they do with recordings, in a sentence that contributors read.
    purpose             text NOT NULL,
    -- Only a cleared buyer is sold to. `pending` waits for a person, who looks at a name that is like a listed one.
    screening           text NOT NULL DEFAULT 'pending' CHECK (screening IN ('pending', 'cleared', 'refused')),
    screening_because   text NOT NULL DEFAULT 'not-screened',
    screening_list_id   uuid,
    webhook_url         text,
    -- The secret that signs what is posted there, wrapped by the service's master key.
    webhook_secret      bytea,
    created_at          timestamptz NOT NULL DEFAULT now()
);

-- Only the SHA-256 of a key is kept; `hint` is its end, so that a buyer knows which one it is.
CREATE TABLE buyer_keys (
    id              uuid PRIMARY KEY DEFAULT uuidv7(),
    buyer_id        uuid NOT NULL REFERENCES buyers,
    hash            bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    hint            text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    revoked_at      timestamptz
);
CREATE INDEX buyer_keys_buyer ON buyer_keys (buyer_id);

-- Whom nobody may sell to: the newest list counts, older ones show what a buyer was held against.
CREATE TABLE screening_lists (
    id              uuid PRIMARY KEY DEFAULT uuidv7(),
    sha256          bytea NOT NULL CHECK (octet_length(sha256) = 32),
    loaded_at       timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE screening_entries (
    list_id         uuid NOT NULL REFERENCES screening_lists,
    kind            text NOT NULL CHECK (kind IN ('name', 'country', 'sector')),
    -- A name is folded: its words without accents and legal forms, in the order of the alphabet.
    value           text NOT NULL,
    because         text NOT NULL,
    PRIMARY KEY (list_id, kind, value)
);
ALTER TABLE buyers ADD FOREIGN KEY (screening_list_id) REFERENCES screening_lists;

-- A person looked at a buyer whose name is like a listed one, and it is another company.
CREATE TABLE screening_clearances (
    buyer_id        uuid NOT NULL REFERENCES buyers,
    value           text NOT NULL,
    because         text NOT NULL,
    cleared_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (buyer_id, value)
);

CREATE TABLE datasets (
    id              uuid PRIMARY KEY DEFAULT uuidv7(),
    slug            text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    title           text NOT NULL,
    description     text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now()
);
-- A version is a list of recordings that never changes; `sha256` is over the ids, 16 bytes each, in their order.
CREATE TABLE dataset_versions (
    dataset_id      uuid NOT NULL REFERENCES datasets,
    version         int NOT NULL CHECK (version > 0),
    sha256          bytea NOT NULL CHECK (octet_length(sha256) = 32),
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (dataset_id, version)
);
CREATE TABLE dataset_recordings (
    dataset_id      uuid NOT NULL,
    version         int NOT NULL,
    recording_id    uuid NOT NULL REFERENCES recordings,
    PRIMARY KEY (dataset_id, version, recording_id),
    FOREIGN KEY (dataset_id, version) REFERENCES dataset_versions
);
CREATE INDEX dataset_recordings_recording ON dataset_recordings (recording_id);
CREATE TRIGGER dataset_versions_append_only BEFORE UPDATE OR DELETE ON dataset_versions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER dataset_recordings_append_only BEFORE UPDATE OR DELETE ON dataset_recordings
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The name of a recording outside of this service: 60 random bits, derived from nothing. Files that buyers get carry
-- it, so that somebody who hears a recording can say which one.
CREATE TABLE recording_codes (
    recording_id    uuid PRIMARY KEY REFERENCES recordings,
    code            text NOT NULL UNIQUE CHECK (code ~ '^[0-9A-HJKMNP-TV-Z]{12}$')
);

-- A licence: one buyer, one version of a dataset, some uses, a purpose and a term.
CREATE TABLE sales (
    id              uuid PRIMARY KEY DEFAULT uuidv7(),
    buyer_id        uuid NOT NULL REFERENCES buyers,
    dataset_id      uuid NOT NULL,
    version         int NOT NULL,
    uses            text[] NOT NULL CHECK (cardinality(uses) > 0),
    purpose         text NOT NULL,
    starts_at       timestamptz NOT NULL DEFAULT now(),
    ends_at         timestamptz NOT NULL CHECK (ends_at > starts_at),
    currency        text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    price_micros    bigint NOT NULL CHECK (price_micros >= 0),
    created_at      timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (dataset_id, version) REFERENCES dataset_versions
);
CREATE INDEX sales_release ON sales (buyer_id, dataset_id, version);
CREATE TRIGGER sales_append_only BEFORE UPDATE OR DELETE ON sales
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What a sale means for one recording: the fees of a sale's lines sum to its price exactly, and of each fee the
-- contributor gets the share that the term sheet of the line's consent promises.
CREATE TABLE sale_lines (
    sale_id             uuid NOT NULL REFERENCES sales,
    recording_id        uuid NOT NULL REFERENCES recordings,
    account_id          uuid NOT NULL REFERENCES accounts,
    -- The consent that stood when it was sold; it names the sheet.
    consent_id          uuid NOT NULL REFERENCES consents,
    uses                text[] NOT NULL,
    duration_ms         bigint NOT NULL CHECK (duration_ms >= 0),
    currency            text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    fee_micros          bigint NOT NULL CHECK (fee_micros >= 0),
    share_bps           int NOT NULL CHECK (share_bps BETWEEN 0 AND 10000),
    contributor_micros  bigint NOT NULL CHECK (contributor_micros BETWEEN 0 AND fee_micros),
    -- The buyer fetched the bytes for the first time.
    delivered_at        timestamptz,
    -- The buyer may not use it any more, before the sale's own end: withdrawn, a claim, an erasure.
    ended_at            timestamptz,
    PRIMARY KEY (sale_id, recording_id)
);
CREATE INDEX sale_lines_recording ON sale_lines (recording_id);
CREATE INDEX sale_lines_account ON sale_lines (account_id);

CREATE FUNCTION sale_line_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE'
        AND to_jsonb(NEW) - 'delivered_at' - 'ended_at' = to_jsonb(OLD) - 'delivered_at' - 'ended_at'
        AND (OLD.delivered_at IS NULL OR OLD.delivered_at = NEW.delivered_at)
        AND (OLD.ended_at IS NULL OR OLD.ended_at = NEW.ended_at)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'of a sale line only its delivery and its end are written, once'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER sale_lines_fixed BEFORE UPDATE OR DELETE ON sale_lines
    FOR EACH ROW EXECUTE FUNCTION sale_line_changes();

-- Whoever ends a recording ends every use of it in the same moment, and nobody can forget to.
CREATE FUNCTION end_uses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sale_lines SET ended_at = now() WHERE recording_id = NEW.id AND ended_at IS NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER recordings_end_uses AFTER UPDATE OF state ON recordings
    FOR EACH ROW WHEN (NEW.state IN ('withdrawn', 'erased') AND OLD.state <> NEW.state) EXECUTE FUNCTION end_uses();

-- What somebody without an account says about a recording: a bystander, a minor, a person whose voice or face it is.
CREATE TABLE third_party_claims (
    id              uuid PRIMARY KEY DEFAULT uuidv7(),
    kind            text NOT NULL CHECK (kind IN ('bystander', 'minor', 'identity')),
    where_heard     text NOT NULL,
    -- Cleared when the case is closed: nobody needs it any more.
    contact         text,
    -- Null while a person looks for the recording that is meant.
    recording_id    uuid REFERENCES recordings,
    -- Whether this claim took the recording out of sale by itself.
    held            boolean NOT NULL DEFAULT false,
    -- The case link is the claimant's only key; the network is counted, never shown.
    secret_hash     bytea NOT NULL UNIQUE CHECK (octet_length(secret_hash) = 32),
    network_hash    bytea NOT NULL,
    state           text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'upheld', 'dismissed')),
    -- What the claimant reads.
    answer          text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    resolved_at     timestamptz,
    resolved_by     uuid REFERENCES accounts,
    CHECK ((state = 'open') = (resolved_at IS NULL)),
    CHECK (state = 'open' OR contact IS NULL)
);
CREATE INDEX third_party_claims_open ON third_party_claims (recording_id) WHERE state = 'open';
CREATE INDEX third_party_claims_network ON third_party_claims (network_hash, created_at);

-- A stranger's claim moves a recording without being its contributor or an operator.
ALTER TABLE recordings DROP CONSTRAINT recordings_moved_by_check;
ALTER TABLE recordings ADD CONSTRAINT recordings_moved_by_check
    CHECK (moved_by IN ('contributor', 'operator', 'worker', 'clock', 'claimant'));

-- An erased account keeps its id and pseudonym, which ledger and receipts name, and nothing that leads to a person.
ALTER TABLE accounts ADD COLUMN erased_at timestamptz;
-- When every object of theirs was gone from the store.
ALTER TABLE accounts ADD COLUMN purged_at timestamptz;
CREATE INDEX accounts_unpurged ON accounts (erased_at) WHERE erased_at IS NOT NULL AND purged_at IS NULL;
ALTER TABLE accounts ALTER COLUMN email DROP NOT NULL;
ALTER TABLE accounts ADD CHECK ((email IS NULL) = (erased_at IS NOT NULL));

-- The words in an erased account's events (what somebody wrote in a dispute, whom they dealt with) go with the account.
-- That something happened, and when, stays: the numbers of a stream have no gaps.
CREATE FUNCTION refuse_change_but_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE'
        AND to_jsonb(NEW) - 'because' - 'data' = to_jsonb(OLD) - 'because' - 'data'
        AND NEW.because IS NULL AND NEW.data IS NULL
        AND EXISTS (SELECT FROM accounts WHERE id = OLD.account_id AND erased_at IS NOT NULL)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
DROP TRIGGER recording_events_append_only ON recording_events;
CREATE TRIGGER recording_events_append_only BEFORE UPDATE OR DELETE ON recording_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change_but_erasure();

-- Accounts, and the sessions that speak for them.
-- depends:

CREATE TABLE accounts (
    id              uuid PRIMARY KEY DEFAULT uuidv7(),
    -- What buyers and other contributors may see; never derived from the id or the address.
    pseudonym       text NOT NULL UNIQUE,
    -- Compared in lower case, so that a phone's auto-capitalised address signs in to the same account.
    email           text NOT NULL CHECK (email = lower(email)),
    password_hash   text NOT NULL,
    role            text NOT NULL DEFAULT 'contributor' CHECK (role IN ('contributor', 'operator')),
    -- The number of the account's newest event: incremented in the transaction that writes the event, so that events
    -- are gap-free and become visible in order.
    event_count     bigint NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX accounts_email ON accounts (email);

-- One sign-in on one device: a family of refresh tokens that lives and dies together.
CREATE TABLE sessions (
    id              uuid PRIMARY KEY DEFAULT uuidv7(),
    account_id      uuid NOT NULL REFERENCES accounts,
    device          text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    revoked_at      timestamptz,
    revoked_because text
);
CREATE INDEX sessions_account ON sessions (account_id);

-- Tokens are random 32-byte values; only their SHA-256 is kept.
CREATE TABLE access_tokens (
    hash            bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    session_id      uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
    expires_at      timestamptz NOT NULL
);
CREATE INDEX access_tokens_session ON access_tokens (session_id);
CREATE INDEX access_tokens_expiry ON access_tokens (expires_at);

CREATE TABLE refresh_tokens (
    hash            bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    session_id      uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
    expires_at      timestamptz NOT NULL,
    -- Set at rotation. A second use long after it means that the token was stolen.
    used_at         timestamptz
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);

-- Failed sign-ins, counted per account and address and per address alone; rows older than the window are pruned.
CREATE TABLE sign_in_failures (
    email_hash      bytea NOT NULL,
    address         text NOT NULL,
    at              timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sign_in_failures_email ON sign_in_failures (email_hash, address, at);
CREATE INDEX sign_in_failures_address ON sign_in_failures (address, at);

-- What was answered to a request that carried an Idempotency-Key, so that a repeat gets the same answer.
CREATE TABLE idempotency_keys (
    account_id      uuid NOT NULL REFERENCES accounts,
    key             text NOT NULL,
    request_hash    bytea NOT NULL,
    -- Null while the first request is still being answered.
    status          int,
    headers         jsonb,
    body            bytea,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

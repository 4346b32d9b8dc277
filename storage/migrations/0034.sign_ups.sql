-- How many accounts a network opened today, from where somebody has signed in before, and addresses in one spelling.
-- depends: 0001.accounts 0031.secrets_in_answers

-- Kept for a day. The hash is under a key that is not in the database: four billion addresses are hashed in minutes.
CREATE TABLE sign_ups (
    network_hash    bytea NOT NULL CHECK (octet_length(network_hash) = 32),
    at              timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sign_ups_network ON sign_ups (network_hash, at);
CREATE INDEX sign_ups_age ON sign_ups (at);

-- Whoever guesses from everywhere makes strangers wait, and not those who sign in from where they did before.
CREATE TABLE familiar_networks (
    account_id      uuid NOT NULL REFERENCES accounts,
    network_hash    bytea NOT NULL CHECK (octet_length(network_hash) = 32),
    seen_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, network_hash)
);
CREATE INDEX familiar_networks_age ON familiar_networks (seen_at);

-- Phones write ö as one character or as two. Where both have an account by now, both keep theirs.
UPDATE accounts SET email = normalize(email, NFC)
WHERE id IN (
    SELECT DISTINCT ON (normalize(email, NFC)) id FROM accounts
    WHERE email IS NOT NFC NORMALIZED AND normalize(email, NFC) = lower(normalize(email, NFC))
        AND NOT EXISTS (SELECT FROM accounts AS other WHERE other.email = normalize(accounts.email, NFC))
    ORDER BY normalize(email, NFC), id
);

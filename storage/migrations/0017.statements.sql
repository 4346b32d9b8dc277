-- Monthly statements, and what is withheld of earnings by whose rule.
-- depends: 0012.payouts 0016.earnings

CREATE TABLE statements (
    id              uuid PRIMARY KEY,
    account_id      uuid NOT NULL REFERENCES accounts,
    -- The first day of the month, which is counted in UTC.
    month           date NOT NULL CHECK (extract(day FROM month) = 1),
    currency        text NOT NULL REFERENCES currencies,
    opening_micros  bigint NOT NULL,
    closing_micros  bigint NOT NULL,
    lines           int NOT NULL CHECK (lines >= 0),
    -- Canonical JSON with its signature, byte for byte as it was issued.
    document        bytea NOT NULL,
    sha256          bytea NOT NULL CHECK (octet_length(sha256) = 32),
    issued_at       timestamptz NOT NULL,
    UNIQUE (account_id, currency, month)
);
CREATE INDEX statements_account ON statements (account_id, month DESC, id);
CREATE TRIGGER statements_immutable BEFORE UPDATE OR DELETE ON statements
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The paper of a statement as it was first set, and the signature over the hashes of all of its forms.
CREATE TABLE statement_papers (
    statement_id    uuid PRIMARY KEY REFERENCES statements,
    pdf             bytea NOT NULL,
    jws             text NOT NULL
);
CREATE TRIGGER statement_papers_immutable BEFORE UPDATE OR DELETE ON statement_papers
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The next month of each account and currency that has lines and no statement yet. It is issued two days after its end,
-- when nothing that began in it can still be on its way into it.
CREATE FUNCTION statements_due(most int) RETURNS TABLE (account_id uuid, currency text, month date)
LANGUAGE sql STABLE AS $$
    SELECT b.account_id, b.currency, min(date_trunc('month', b.created_at AT TIME ZONE 'UTC'))::date
    FROM balance_transactions b
    WHERE b.created_at >= coalesce((SELECT max(s.month) + interval '1 month' FROM statements s
                                    WHERE s.account_id = b.account_id AND s.currency = b.currency)
                                   AT TIME ZONE 'UTC', '-infinity')
      AND b.created_at < date_trunc('month', (now() - interval '2 days') AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
    GROUP BY b.account_id, b.currency ORDER BY 3, 1 LIMIT most
$$;

-- Where somebody lives for tax, and the number by which their tax office knows them, sealed under their key.
CREATE TABLE tax_profiles (
    account_id      uuid PRIMARY KEY REFERENCES accounts,
    residence       text NOT NULL CHECK (residence ~ '^[A-Z]{2}$'),
    tax_id          bytea,
    -- The last characters, so that its owner knows which one it is.
    tax_id_hint     text,
    updated_at      timestamptz NOT NULL DEFAULT now()
);

-- What is withheld: the newest rule that has begun and fits. '*' is everybody that no other rule names; a rule may want
-- a tax number, and then does not fit whoever gave none.
CREATE TABLE withholding_rules (
    code            text NOT NULL CHECK (code ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    residence       text NOT NULL CHECK (residence ~ '^([A-Z]{2}|\*)$'),
    needs_tax_id    boolean NOT NULL,
    bps             int NOT NULL CHECK (bps BETWEEN 0 AND 10000),
    since           timestamptz NOT NULL,
    because         text NOT NULL,
    PRIMARY KEY (residence, needs_tax_id, since)
);
CREATE TRIGGER withholding_rules_append_only BEFORE UPDATE OR DELETE ON withholding_rules
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
INSERT INTO withholding_rules (code, residence, needs_tax_id, bps, since, because) VALUES
    ('nothing-withheld', '*', false, 0, '-infinity', 'Nobody has to withhold tax from what you earn here; declare it where you live.');

CREATE FUNCTION withholding_rule(account uuid) RETURNS SETOF withholding_rules LANGUAGE sql STABLE AS $$
    SELECT rule.* FROM withholding_rules rule LEFT JOIN tax_profiles p ON p.account_id = account
    WHERE rule.since <= now() AND rule.residence IN (p.residence, '*')
      AND (NOT rule.needs_tax_id OR p.tax_id IS NOT NULL)
    -- A rule for the country before the one for everybody, one that a tax number earns before one without.
    ORDER BY rule.residence = '*', NOT rule.needs_tax_id, rule.since DESC LIMIT 1
$$;
CREATE OR REPLACE FUNCTION withholding(account uuid) RETURNS TABLE (bps int, rule text) LANGUAGE sql STABLE AS $$
    SELECT bps, code FROM withholding_rule(account)
$$;

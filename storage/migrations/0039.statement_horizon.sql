-- Which months want a statement is asked every hour, and was answered from every line that there ever was: seven seconds
-- for a million, and soon never within the time that a statement has. Every line before the horizon is in one.
-- depends: 0017.statements 0038.review_promises

CREATE TABLE statement_horizon (
    single          boolean PRIMARY KEY DEFAULT true CHECK (single),
    before          timestamptz NOT NULL
);
INSERT INTO statement_horizon (before) VALUES ('-infinity');
-- Lines are written in the order of time, so a few kilobytes tell where those of a month lie.
CREATE INDEX balance_transactions_created ON balance_transactions USING brin (created_at) WITH (pages_per_range = 16);

CREATE FUNCTION statements_end() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT date_trunc('month', (now() - interval '2 days') AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
$$;
-- As before: of each account and currency the first month that ended two days ago, has lines, and lies behind its newest
-- statement.
CREATE OR REPLACE FUNCTION statements_due(most int) RETURNS TABLE (account_id uuid, currency text, month date)
LANGUAGE sql STABLE AS $$
    SELECT m.account_id, m.currency, min(m.month)
    FROM (SELECT b.account_id, b.currency, date_trunc('month', b.created_at AT TIME ZONE 'UTC')::date AS month
          FROM balance_transactions b
          WHERE b.created_at >= (SELECT before FROM statement_horizon) AND b.created_at < statements_end()
          GROUP BY 1, 2, 3) AS m
    WHERE NOT EXISTS (SELECT FROM statements s
                      WHERE s.account_id = m.account_id AND s.currency = m.currency AND s.month >= m.month)
    GROUP BY m.account_id, m.currency ORDER BY 3, 1 LIMIT most
$$;
-- Never beyond the newest month that has a statement: a clock that was a year ahead for a minute would otherwise leave out
-- every line of that year.
CREATE FUNCTION statements_done() RETURNS boolean LANGUAGE sql AS $$
    WITH moved AS (
        UPDATE statement_horizon SET before = least(statements_end(), issued.until)
        FROM (SELECT (max(month) + interval '1 month') AT TIME ZONE 'UTC' AS until FROM statements) AS issued
        WHERE before < least(statements_end(), issued.until) AND issued.until IS NOT NULL
            AND NOT EXISTS (SELECT FROM statements_due(1))
        RETURNING before)
    SELECT EXISTS (SELECT FROM moved)
$$;

-- A campaign's budget is spent once, a card's rate is paid, what was upheld stays ended, nobody who owes is paid out,
-- and a sale is in a currency that can be posted.
-- depends: 0012.payouts 0016.earnings 0020.large_sales

-- As before, and a place whose recording was paid stays taken when it is withdrawn or its owner leaves: else one place
-- is paid as often as somebody records, takes the pay and withdraws. What was taken back from them is free again.
CREATE OR REPLACE FUNCTION places_taken(campaign uuid, but uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT (SELECT count(*) FROM recordings WHERE campaign_id = campaign AND state IN ('accepted', 'held'))
         + (SELECT count(*) FROM recordings r JOIN balance_transactions paid ON paid.recording_id = r.id
                AND paid.type = 'earning'
            WHERE r.campaign_id = campaign AND r.state IN ('withdrawn', 'deleted', 'erased')
              AND NOT EXISTS (SELECT FROM balance_transactions back WHERE back.reverses = paid.id))
         + (SELECT count(*) FROM quotes q WHERE q.campaign_id = campaign AND q.id IS DISTINCT FROM but AND CASE
                WHEN q.used_at IS NULL THEN q.expires_at > now()
                ELSE q.expires_at > now() - interval '30 days' AND EXISTS (
                    SELECT FROM recordings r WHERE r.quote_id = q.id AND r.state IN
                    ('claimed', 'uploading', 'validating', 'failed', 'needs_fix', 'needs_consent', 'in_review'))
                END)
$$;

-- As before, and never less than the sheet that its contributor agreed to says an hour pays. A recording may have been
-- announced before a campaign moved to a sheet that promises more; nobody can agree to the old one any more.
CREATE OR REPLACE FUNCTION terms_of_pay(recording uuid) RETURNS TABLE (
    currency text, micros bigint, per_ms bigint, quote_id uuid, term_sheet_id text, term_sheet_version int
) LANGUAGE sql STABLE AS $$
    SELECT r.rate_currency, coalesce(card.micros, r.rate_micros), coalesce(card.per_ms, r.rate_per_ms), r.quote_id,
        c.term_sheet_id, c.term_sheet_version
    FROM recordings r
    LEFT JOIN LATERAL (SELECT term_sheet_id, term_sheet_version FROM consents WHERE recording_id = r.id
                       ORDER BY given_at DESC, id DESC LIMIT 1) c ON true
    LEFT JOIN LATERAL (
        SELECT promised.micros, promised.per_ms
        FROM term_sheets s CROSS JOIN jsonb_array_elements(s.document #> '{price,rates}') AS rate
            CROSS JOIN LATERAL (SELECT coalesce((s.document #>> '{exclusivity,premium_bps}')::int, 0) AS bps) AS premium
            CROSS JOIN LATERAL (SELECT
                (rate ->> 'micros')::bigint * CASE bps WHEN 0 THEN 1 ELSE 10000 + bps END AS micros,
                CASE rate ->> 'per' WHEN 'PT1M' THEN 60000 ELSE 3600000 END
                    * CASE bps WHEN 0 THEN 1 ELSE 10000 END::bigint AS per_ms) AS promised
        WHERE s.id = c.term_sheet_id AND s.version = c.term_sheet_version AND rate ->> 'currency' = r.rate_currency
          AND promised.micros::numeric * r.rate_per_ms > r.rate_micros::numeric * promised.per_ms
        ORDER BY promised.micros::numeric / promised.per_ms DESC LIMIT 1) card ON true
    WHERE r.id = recording
$$;

-- A claim that was upheld ends a recording for good. One that had been rejected when it was decided could come back by a
-- dispute, past whoever knew of the claim.
CREATE INDEX third_party_claims_upheld ON third_party_claims (recording_id) WHERE state = 'upheld';
CREATE FUNCTION refuse_upheld() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM third_party_claims WHERE recording_id = NEW.id AND state = 'upheld') THEN
        RAISE EXCEPTION 'what a claim was upheld about is not accepted'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'recording_upheld';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER recordings_upheld BEFORE UPDATE OF state ON recordings FOR EACH ROW
    WHEN (NEW.state = 'accepted' AND OLD.state <> 'accepted') EXECUTE FUNCTION refuse_upheld();

-- What is owed is settled before anything is set aside for a payout, whatever code asks for it.
CREATE FUNCTION refuse_debtor() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM ledger_accounts a JOIN ledger_balances b ON b.account_id = a.id
               WHERE a.owner_id = NEW.account_id AND a.currency = NEW.currency
                 AND a.kind = 'contributor_receivable' AND b.debits > b.credits)
    THEN
        RAISE EXCEPTION 'whoever owes is not paid out'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payout_debts';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payouts_debts BEFORE INSERT ON payouts FOR EACH ROW EXECUTE FUNCTION refuse_debtor();

-- A sale of many recordings is settled after it stands. In a currency that nobody can post, that fails for ever, and
-- every sale behind it waits. Sales that were written before are left alone.
ALTER TABLE sales ADD CONSTRAINT sales_currency FOREIGN KEY (currency) REFERENCES currencies NOT VALID;

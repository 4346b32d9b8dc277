-- Which operator did what: every decision about recordings, money, campaigns, buyers and keys, noted by the tables that it
-- changes, so that no code can decide without a line. It names ids and no words: reasons, addresses and keys stay where
-- they are, and whoever is erased is gone from here with their account.
-- depends: 0044.rereading

CREATE TABLE operator_actions (
    id                  uuid PRIMARY KEY DEFAULT uuidv7(),
    at                  timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The account's id where it was asked over HTTP, else the name under which a command ran; where neither is said, the
    -- database's own user.
    operator            text NOT NULL,
    action              text NOT NULL,
    subject             text NOT NULL,
    facts               jsonb NOT NULL
);
CREATE INDEX operator_actions_subject ON operator_actions (subject, id DESC);
CREATE INDEX operator_actions_operator ON operator_actions (operator, id DESC);
CREATE TRIGGER operator_actions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON operator_actions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Who acts in this transaction or session; null where nobody said so.
CREATE FUNCTION acting_operator() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT nullif(current_setting('companion.operator', true), '')
$$;

CREATE FUNCTION note_action(action text, subject text, facts jsonb) RETURNS void LANGUAGE sql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    INSERT INTO operator_actions (operator, action, subject, facts)
        VALUES (coalesce(acting_operator(), session_user), action, subject, facts)
$$;

-- The first argument says what it is; the second what was done, or the column that says so; the third the column of its
-- name; the others are columns that are kept.
CREATE FUNCTION note_operator() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed jsonb := to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END);
    facts jsonb;
BEGIN
    SELECT coalesce(jsonb_object_agg(name, changed -> name), '{}') INTO facts FROM unnest(TG_ARGV[3:]) AS name;
    PERFORM note_action(TG_ARGV[0] || '.' || coalesce(changed ->> TG_ARGV[1], TG_ARGV[1]), changed ->> TG_ARGV[2], facts);
    RETURN NULL;
END $$;

CREATE TRIGGER recordings_operator AFTER UPDATE OF state ON recordings FOR EACH ROW
    WHEN (NEW.moved_by = 'operator' AND NEW.state <> OLD.state)
    EXECUTE FUNCTION note_operator('recording', 'state', 'id');
CREATE TRIGGER payouts_operator AFTER INSERT OR UPDATE OF state ON payouts FOR EACH ROW
    WHEN (NEW.moved_by = 'operator') EXECUTE FUNCTION note_operator('payout', 'state', 'id', 'currency', 'micros');
CREATE TRIGGER ledger_transactions_operator AFTER INSERT ON ledger_transactions FOR EACH ROW
    WHEN (NEW.kind IN ('clawback', 'adjustment', 'hold', 'unhold', 'buyer_payment'))
    EXECUTE FUNCTION note_operator('ledger', 'kind', 'id');
CREATE TRIGGER derivative_sales_operator AFTER INSERT ON derivative_sales FOR EACH ROW
    EXECUTE FUNCTION note_operator('sale', 'derived', 'sale_id', 'kind', 'currency', 'revenue_micros');
CREATE TRIGGER sales_operator AFTER INSERT ON sales FOR EACH ROW
    EXECUTE FUNCTION note_operator('sale', 'made', 'id', 'buyer_id', 'dataset_id', 'version', 'uses', 'ends_at', 'currency',
        'price_micros');
CREATE TRIGGER datasets_operator AFTER INSERT ON datasets FOR EACH ROW
    EXECUTE FUNCTION note_operator('dataset', 'created', 'id');
CREATE TRIGGER dataset_versions_operator AFTER INSERT ON dataset_versions FOR EACH ROW
    EXECUTE FUNCTION note_operator('dataset', 'published', 'dataset_id', 'version');
CREATE TRIGGER term_sheets_operator AFTER INSERT ON term_sheets FOR EACH ROW
    EXECUTE FUNCTION note_operator('term_sheet', 'published', 'id', 'version');
CREATE TRIGGER campaigns_operator AFTER INSERT ON campaigns FOR EACH ROW
    EXECUTE FUNCTION note_operator('campaign', 'opened', 'id');
CREATE TRIGGER campaigns_terms_operator AFTER UPDATE OF term_sheet_id, term_sheet_version ON campaigns FOR EACH ROW
    EXECUTE FUNCTION note_operator('campaign', 'terms_changed', 'id', 'term_sheet_id', 'term_sheet_version');
CREATE TRIGGER campaign_changes_operator AFTER INSERT ON campaign_changes FOR EACH ROW
    EXECUTE FUNCTION note_operator('campaign', 'changed', 'campaign_id', 'standing', 'quota', 'deadline');
-- A campaign's first rate has no reason: it is a part of opening it.
CREATE TRIGGER campaign_rates_operator AFTER INSERT ON campaign_rates FOR EACH ROW WHEN (NEW.because IS NOT NULL)
    EXECUTE FUNCTION note_operator('campaign', 'rate_changed', 'campaign_id', 'currency', 'micros', 'per_ms');
CREATE TRIGGER buyers_operator AFTER INSERT ON buyers FOR EACH ROW
    EXECUTE FUNCTION note_operator('buyer', 'registered', 'id');
CREATE TRIGGER buyers_webhook_operator AFTER UPDATE OF webhook_url ON buyers FOR EACH ROW
    EXECUTE FUNCTION note_operator('buyer', 'webhook_set', 'id');
CREATE TRIGGER buyer_keys_operator AFTER INSERT ON buyer_keys FOR EACH ROW
    EXECUTE FUNCTION note_operator('buyer_key', 'made', 'id', 'buyer_id');
CREATE TRIGGER buyer_keys_revoked_operator AFTER UPDATE OF revoked_at ON buyer_keys FOR EACH ROW
    WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL)
    EXECUTE FUNCTION note_operator('buyer_key', 'revoked', 'id', 'buyer_id');
CREATE TRIGGER screening_lists_operator AFTER INSERT ON screening_lists FOR EACH ROW
    EXECUTE FUNCTION note_operator('screening_list', 'loaded', 'id');
CREATE TRIGGER screening_clearances_operator AFTER INSERT OR UPDATE ON screening_clearances FOR EACH ROW
    EXECUTE FUNCTION note_operator('buyer', 'cleared', 'buyer_id');
CREATE TRIGGER third_party_claims_operator AFTER UPDATE OF state ON third_party_claims FOR EACH ROW
    WHEN (NEW.state <> OLD.state) EXECUTE FUNCTION note_operator('claim', 'state', 'id', 'recording_id');
CREATE TRIGGER third_party_claims_held_operator AFTER UPDATE OF recording_id ON third_party_claims FOR EACH ROW
    WHEN (NEW.held) EXECUTE FUNCTION note_operator('claim', 'on_hold', 'id', 'recording_id');
CREATE TRIGGER withholding_rules_operator AFTER INSERT ON withholding_rules FOR EACH ROW
    EXECUTE FUNCTION note_operator('tax_rule', 'added', 'code', 'residence', 'needs_tax_id', 'bps', 'since');
CREATE TRIGGER public_works_operator AFTER INSERT ON public_works FOR EACH ROW
    EXECUTE FUNCTION note_operator('public_work', 'registered', 'id');
CREATE TRIGGER public_works_forgotten_operator AFTER DELETE ON public_works FOR EACH ROW
    EXECUTE FUNCTION note_operator('public_work', 'forgotten', 'id');
CREATE TRIGGER signing_keys_operator AFTER INSERT ON signing_keys FOR EACH ROW
    EXECUTE FUNCTION note_operator('signing_key', 'made', 'kid');
-- What others do to the same tables bears no mark of its own: here whoever acts has to have said so.
CREATE TRIGGER withdrawal_notices_operator AFTER UPDATE OF state ON withdrawal_notices FOR EACH ROW
    WHEN (acting_operator() IS NOT NULL) EXECUTE FUNCTION note_operator('notice', 'state', 'id', 'buyer_id');
CREATE TRIGGER accounts_operator AFTER UPDATE OF password_hash ON accounts FOR EACH ROW
    WHEN (acting_operator() IS NOT NULL AND NEW.erased_at IS NULL)
    EXECUTE FUNCTION note_operator('account', 'password_set', 'id');
CREATE TRIGGER accounts_made_operator AFTER INSERT ON accounts FOR EACH ROW
    WHEN (NEW.role = 'operator') EXECUTE FUNCTION note_operator('account', 'operator_made', 'id');

-- Whoever was given rights by default may read it, and add to it through what it decides, and nothing else.
DO $$
DECLARE
    given record;
BEGIN
    FOR given IN
        SELECT DISTINCT pg_get_userbyid(entry.grantee) AS role
        FROM pg_class class CROSS JOIN LATERAL aclexplode(class.relacl) entry
        WHERE class.oid = 'operator_actions'::regclass AND entry.grantee NOT IN (0, class.relowner)
    LOOP
        EXECUTE format('REVOKE ALL ON operator_actions FROM %I', given.role);
        EXECUTE format('GRANT SELECT ON operator_actions TO %I', given.role);
    END LOOP;
END $$;

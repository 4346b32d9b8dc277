-- The ledger: every amount anybody was ever owed, paid or charged, as balanced transfers that cannot be changed.
-- depends: 0005.signing_keys

-- ISO 4217 with its minor unit: a payout can only be whole minor units (2 is a hundredth).
CREATE TABLE currencies (
    code            text PRIMARY KEY CHECK (code ~ '^[A-Z]{3}$'),
    exponent        smallint NOT NULL CHECK (exponent BETWEEN 0 AND 4)
);
INSERT INTO currencies (code, exponent) SELECT code, 2 FROM regexp_split_to_table(
    'AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP '
    'CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES '
    'KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK '
    'NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB '
    'TJS TMT TOP TRY TTD TWD TZS UAH USD UZS VED VES WST XCD XCG YER ZAR ZMW ZWG', '\s+') AS code;
INSERT INTO currencies (code, exponent) SELECT code, 0 FROM regexp_split_to_table(
    'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF', '\s+') AS code;
INSERT INTO currencies (code, exponent) SELECT code, 3 FROM regexp_split_to_table(
    'BHD IQD JOD KWD LYD OMR TND', '\s+') AS code;
INSERT INTO currencies (code, exponent) VALUES ('CLF', 4), ('UYW', 4);
-- What a campaign pays must be payable, or its first recording could not be accepted.
ALTER TABLE campaigns ADD CONSTRAINT campaigns_currency FOREIGN KEY (rate_currency) REFERENCES currencies;

-- The chart of accounts. `floor` says which side may never be outweighed: a contributor's money is credits, and never
-- less than the debits. A `streamed` kind has no balance row, because almost every posting touches it and would wait
-- for the last one; its balance is the newest checkpoint and what came after.
CREATE TABLE ledger_kinds (
    kind            text PRIMARY KEY,
    owned           boolean NOT NULL,
    floor           text NOT NULL CHECK (floor IN ('none', 'credits', 'debits')),
    streamed        boolean NOT NULL CHECK (NOT streamed OR floor = 'none'),
    meaning         text NOT NULL
);
INSERT INTO ledger_kinds (kind, owned, floor, streamed, meaning) VALUES
    ('contributor_pending', true, 'credits', false, 'earned, and held until its date'),
    ('contributor_available', true, 'credits', false, 'may be paid out now'),
    ('contributor_reserved', true, 'credits', false, 'set aside: a payout was asked for, or an operator holds it'),
    ('contributor_in_transit', true, 'credits', false, 'handed to a payment provider, not yet arrived'),
    ('contributor_paid', true, 'credits', false, 'arrived'),
    ('contributor_receivable', true, 'debits', false, 'taken back beyond what was there; later earnings settle it'),
    ('buyer', true, 'none', true, 'debits are what a buyer owes for sales, credits what it paid'),
    ('recording_costs', false, 'none', true, 'what accepted recordings cost us'),
    ('platform_share', false, 'none', true, 'our part of sales'),
    ('platform_fees', false, 'none', true, 'fees that a term sheet names'),
    ('tax_withheld', false, 'none', true, 'owed to a tax office'),
    ('provider_fees', false, 'none', true, 'what payment providers charged'),
    ('adjustments', false, 'none', true, 'corrections by an operator, each with its reason'),
    ('bank', false, 'none', true, 'money on our own bank accounts');

CREATE TABLE ledger_accounts (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind            text NOT NULL REFERENCES ledger_kinds,
    -- A contributor's account or a buyer; null for our own. No foreign key: money outlives whom it belonged to.
    owner_id        uuid,
    currency        text NOT NULL REFERENCES currencies,
    opened_at       timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (owner_id, kind, currency)
);

-- One narrow row per account that is not streamed. Debits and credits only ever grow; the floor is a constraint, so
-- that no interleaving of transactions can overdraw an account.
CREATE TABLE ledger_balances (
    account_id      bigint PRIMARY KEY REFERENCES ledger_accounts,
    floor           text NOT NULL,
    debits          bigint NOT NULL DEFAULT 0 CHECK (debits >= 0),
    credits         bigint NOT NULL DEFAULT 0 CHECK (credits >= 0),
    CONSTRAINT ledger_floor CHECK (CASE floor WHEN 'credits' THEN credits >= debits
                                              WHEN 'debits' THEN debits >= credits ELSE true END)
) WITH (fillfactor = 60);

CREATE TABLE ledger_transactions (
    id              uuid PRIMARY KEY DEFAULT uuidv7(),
    kind            text NOT NULL CHECK (kind IN (
        'accrual', 'royalty', 'release', 'clawback', 'receivable_settled', 'adjustment', 'reversal', 'hold', 'unhold',
        'tax_withholding', 'buyer_payment', 'payout_requested', 'payout_submitted', 'payout_paid', 'payout_failed',
        'payout_returned', 'payout_cancelled', 'provider_fee')),
    -- The same key is the same transaction, however often it is posted; the hash tells a repeat from another request.
    key             text NOT NULL UNIQUE CHECK (length(key) BETWEEN 1 AND 200),
    request_sha256  bytea NOT NULL CHECK (octet_length(request_sha256) = 32),
    reverses        uuid REFERENCES ledger_transactions,
    because         text,
    effective_at    timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    CHECK ((kind = 'reversal') = (reverses IS NOT NULL))
);

-- A transaction is reversed at most once.
CREATE UNIQUE INDEX ledger_transactions_reverses ON ledger_transactions (reverses) WHERE reverses IS NOT NULL;

-- One row is a debit and a credit of the same amount in one currency: no sum can ever be other than zero.
CREATE TABLE ledger_transfers (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id  uuid NOT NULL REFERENCES ledger_transactions,
    debit_id        bigint NOT NULL,
    credit_id       bigint NOT NULL,
    currency        text NOT NULL,
    micros          bigint NOT NULL CHECK (micros > 0),
    recording_id    uuid,
    CHECK (debit_id <> credit_id)
);
CREATE INDEX ledger_transfers_debit ON ledger_transfers (debit_id, id);
CREATE INDEX ledger_transfers_credit ON ledger_transfers (credit_id, id);
CREATE INDEX ledger_transfers_transaction ON ledger_transfers (transaction_id);

-- Up to here every transfer is settled: committed, or lost with its transaction. Counted by id and not by transaction
-- number, because ids survive a dump into another cluster.
CREATE TABLE ledger_horizons (
    upto            bigint PRIMARY KEY,
    at              timestamptz NOT NULL DEFAULT now()
);
-- The sums of a streamed account over all transfers up to a horizon.
CREATE TABLE ledger_checkpoints (
    account_id      bigint NOT NULL REFERENCES ledger_accounts,
    upto            bigint NOT NULL REFERENCES ledger_horizons,
    debits          bigint NOT NULL CHECK (debits >= 0),
    credits         bigint NOT NULL CHECK (credits >= 0),
    PRIMARY KEY (account_id, upto)
);

-- An account keeps its kind, owner and currency for ever; a balance is only ever changed by a transfer.
CREATE FUNCTION refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is not possible: post a reversal', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
DO $$
DECLARE
    relation text;
BEGIN
    FOREACH relation IN ARRAY ARRAY['ledger_accounts', 'ledger_transactions', 'ledger_transfers', 'ledger_horizons',
                                    'ledger_checkpoints'] LOOP
        EXECUTE format('CREATE TRIGGER %s_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %s
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change()', relation, relation);
    END LOOP;
END $$;
CREATE TRIGGER ledger_balances_stay BEFORE DELETE OR TRUNCATE ON ledger_balances
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change();

-- Balances follow transfers, whoever wrote them: not even the tables' owner can post without moving the balance.
CREATE FUNCTION ledger_apply() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    legs            int;
    payer           bigint;
    payee           bigint;
    amount          bigint;
    in_currency     text;
    touched         bigint[];
    debited         bigint[];
    credited        bigint[];
    amounts         bigint[];
BEGIN
    SELECT count(*), min(debit_id), min(credit_id), min(micros), min(currency)
        INTO legs, payer, payee, amount, in_currency FROM posted;
    IF legs = 1 THEN
        IF (SELECT count(*) FROM ledger_accounts WHERE id IN (payer, payee) AND currency = in_currency) <> 2 THEN
            RAISE EXCEPTION 'an account is unknown, or of another currency'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_accounts_match';
        END IF;
        -- Always in the order of ids, so that two transactions never wait for each other.
        IF payer < payee THEN
            UPDATE ledger_balances SET debits = debits + amount WHERE account_id = payer;
            UPDATE ledger_balances SET credits = credits + amount WHERE account_id = payee;
        ELSE
            UPDATE ledger_balances SET credits = credits + amount WHERE account_id = payee;
            UPDATE ledger_balances SET debits = debits + amount WHERE account_id = payer;
        END IF;
        RETURN NULL;
    END IF;
    IF EXISTS (SELECT FROM posted LEFT JOIN ledger_accounts debit ON debit.id = posted.debit_id
               LEFT JOIN ledger_accounts credit ON credit.id = posted.credit_id
               WHERE (debit.currency = posted.currency AND credit.currency = posted.currency) IS NOT TRUE) THEN
        RAISE EXCEPTION 'an account is unknown, or of another currency'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_accounts_match';
    END IF;
    SELECT array_agg(debit_id), array_agg(credit_id), array_agg(micros) INTO debited, credited, amounts FROM posted;
    SELECT array_agg(DISTINCT account) INTO touched FROM unnest(debited || credited) AS account;
    PERFORM FROM ledger_balances WHERE account_id = ANY (touched) ORDER BY account_id FOR NO KEY UPDATE;
    UPDATE ledger_balances balance SET debits = debits + moved.debit, credits = credits + moved.credit
    FROM (SELECT account, sum(debit)::bigint AS debit, sum(credit)::bigint AS credit
          FROM (SELECT account, micros AS debit, 0 AS credit FROM unnest(debited, amounts) AS leg (account, micros)
                UNION ALL
                SELECT account, 0, micros FROM unnest(credited, amounts) AS leg (account, micros)) sides
          GROUP BY account) moved
    WHERE balance.account_id = moved.account AND balance.account_id = ANY (touched);
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_transfers_apply AFTER INSERT ON ledger_transfers
    REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION ledger_apply();

-- Give the accounts of one kind and currency for these owners, in no particular order; opens the ones that are missing.
CREATE FUNCTION ledger_open(account_kind text, owners uuid[], account_currency text)
RETURNS TABLE (owner_id uuid, id bigint) LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF (SELECT count(*) FROM ledger_accounts a WHERE a.kind = account_kind AND a.currency = account_currency
        AND (a.owner_id = ANY (owners) OR a.owner_id IS NULL AND owners = ARRAY[NULL::uuid])) < cardinality(owners) THEN
        WITH made AS (
            INSERT INTO ledger_accounts (kind, owner_id, currency)
            -- In one order for everybody: two that open the same accounts wait for each other only one way.
            SELECT account_kind, owner, account_currency FROM unnest(owners) AS owner
            JOIN ledger_kinds k ON k.kind = account_kind AND k.owned = (owner IS NOT NULL)
            ORDER BY owner
            ON CONFLICT DO NOTHING RETURNING id)
        INSERT INTO ledger_balances (account_id, floor)
        SELECT made.id, k.floor FROM made JOIN ledger_kinds k ON k.kind = account_kind WHERE NOT k.streamed;
    END IF;
    RETURN QUERY SELECT a.owner_id, a.id FROM ledger_accounts a
        WHERE a.kind = account_kind AND a.currency = account_currency
        AND (a.owner_id = ANY (owners) OR a.owner_id IS NULL AND owners = ARRAY[NULL::uuid]);
END $$;

-- The only way in: legs as parallel arrays, any number of them in any currencies, all or none, safe to repeat.
-- The arrays of a call must not make PostgreSQL plan anew each time: one plan, by index, is right for every size; it
-- holds for what the trigger above does as well.
CREATE FUNCTION ledger_post(
    posting_key text, posting_kind text, debited bigint[], credited bigint[], amounts bigint[],
    recorded uuid[] DEFAULT NULL, reason text DEFAULT NULL, happened timestamptz DEFAULT now(),
    reversed uuid DEFAULT NULL
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    legs            int := cardinality(amounts);
    asked           bytea;
    made            uuid;
    known           bytea;
BEGIN
    IF legs = 0 OR (legs = cardinality(debited) AND legs = cardinality(credited)
                    AND (recorded IS NULL OR legs = cardinality(recorded))) IS NOT TRUE THEN
        RAISE EXCEPTION 'legs are arrays of one length, and there is at least one'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_legs';
    END IF;
    asked := sha256(convert_to(concat_ws('|', posting_kind, debited, credited, amounts, recorded, reversed), 'UTF8'));
    INSERT INTO ledger_transactions (kind, key, request_sha256, reverses, because, effective_at)
        VALUES (posting_kind, posting_key, asked, reversed, reason, happened)
        ON CONFLICT (key) DO NOTHING RETURNING id INTO made;
    IF made IS NULL THEN
        SELECT id, request_sha256 INTO made, known FROM ledger_transactions WHERE key = posting_key;
        IF known <> asked THEN
            RAISE EXCEPTION 'the key belongs to another posting'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_key';
        END IF;
        RETURN made;
    END IF;
    IF legs = 1 THEN
        INSERT INTO ledger_transfers (transaction_id, debit_id, credit_id, currency, micros, recording_id)
            SELECT made, debited[1], credited[1], currency, amounts[1], recorded[1]
            FROM ledger_accounts WHERE id = debited[1];
    ELSE
        INSERT INTO ledger_transfers (transaction_id, debit_id, credit_id, currency, micros, recording_id)
            SELECT made, leg.debit, leg.credit, account.currency, leg.micros, leg.recording
            FROM unnest(debited, credited, amounts, recorded) WITH ORDINALITY
                AS leg (debit, credit, micros, recording, place)
            JOIN ledger_accounts account ON account.id = leg.debit ORDER BY leg.place;
    END IF;
    GET DIAGNOSTICS legs = ROW_COUNT;
    IF legs <> cardinality(amounts) THEN
        RAISE EXCEPTION 'an account is unknown' USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_accounts_match';
    END IF;
    RETURN made;
END $$;

-- Undo a transaction, leg by leg the other way round, in whatever currencies it was.
CREATE FUNCTION ledger_reverse(posting_key text, undone uuid, reason text) RETURNS uuid LANGUAGE sql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    SELECT ledger_post(posting_key, 'reversal', array_agg(credit_id ORDER BY id), array_agg(debit_id ORDER BY id),
                       array_agg(micros ORDER BY id), array_agg(recording_id ORDER BY id), reason, now(), undone)
    FROM ledger_transfers WHERE transaction_id = undone
$$;

-- The sums of any account as they stand.
CREATE FUNCTION ledger_balance(account bigint) RETURNS TABLE (debits bigint, credits bigint) LANGUAGE sql STABLE
    SET search_path = public, pg_temp AS $$
    WITH base AS (
        (SELECT upto, debits, credits FROM ledger_checkpoints WHERE account_id = account ORDER BY upto DESC LIMIT 1)
        UNION ALL SELECT 0, 0, 0 ORDER BY upto DESC LIMIT 1)
    SELECT debits, credits FROM ledger_balances WHERE account_id = account
    UNION ALL
    SELECT base.debits + (SELECT coalesce(sum(micros), 0) FROM ledger_transfers
                          WHERE debit_id = account AND id > base.upto)::bigint,
           base.credits + (SELECT coalesce(sum(micros), 0) FROM ledger_transfers
                           WHERE credit_id = account AND id > base.upto)::bigint
    FROM base WHERE NOT EXISTS (SELECT FROM ledger_balances WHERE account_id = account)
$$;

-- Note up to where every transfer is settled. The lock waits for whoever is posting and is held for an instant: the
-- sums are taken later, in a transaction of their own.
CREATE FUNCTION ledger_settle_horizon() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    newest          bigint;
BEGIN
    LOCK TABLE ledger_transfers IN SHARE ROW EXCLUSIVE MODE;
    SELECT max(id) INTO newest FROM ledger_transfers;
    INSERT INTO ledger_horizons (upto) SELECT newest WHERE newest IS NOT NULL ON CONFLICT DO NOTHING;
    RETURN newest;
END $$;

-- Roll every streamed account up to the newest horizon; return how many were moved forward.
CREATE FUNCTION ledger_checkpoint() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH horizon AS (SELECT max(upto) AS upto FROM ledger_horizons),
    taken AS (
        INSERT INTO ledger_checkpoints (account_id, upto, debits, credits)
        SELECT account.id, horizon.upto,
            coalesce(base.debits, 0) + (SELECT coalesce(sum(micros), 0) FROM ledger_transfers
                WHERE debit_id = account.id AND id > coalesce(base.upto, 0) AND id <= horizon.upto)::bigint,
            coalesce(base.credits, 0) + (SELECT coalesce(sum(micros), 0) FROM ledger_transfers
                WHERE credit_id = account.id AND id > coalesce(base.upto, 0) AND id <= horizon.upto)::bigint
        FROM horizon CROSS JOIN ledger_accounts account JOIN ledger_kinds USING (kind)
        LEFT JOIN LATERAL (SELECT upto, debits, credits FROM ledger_checkpoints
                           WHERE account_id = account.id ORDER BY upto DESC LIMIT 1) base ON true
        WHERE streamed AND horizon.upto > coalesce(base.upto, 0)
        ON CONFLICT DO NOTHING RETURNING 1)
    SELECT count(*) FROM taken
$$;

-- What must never be: accounts whose balance, or whose newest checkpoint, is not the sum of their transfers.
CREATE VIEW ledger_drift AS
    WITH stated AS (
        SELECT account_id, debits, credits, NULL::bigint AS upto FROM ledger_balances
        UNION ALL SELECT account_id, debits, credits, upto FROM ledger_checkpoints)
    SELECT stated.account_id, stated.debits, stated.credits, seen.debits AS debits_seen, seen.credits AS credits_seen
    FROM stated CROSS JOIN LATERAL (
        SELECT (SELECT coalesce(sum(micros), 0) FROM ledger_transfers
                WHERE debit_id = stated.account_id AND (upto IS NULL OR id <= upto))::bigint AS debits,
               (SELECT coalesce(sum(micros), 0) FROM ledger_transfers
                WHERE credit_id = stated.account_id AND (upto IS NULL OR id <= upto))::bigint AS credits) seen
    WHERE (stated.debits, stated.credits) <> (seen.debits, seen.credits);

-- Whoever was given rights by default may read, and call the functions above, and nothing else.
DO $$
DECLARE
    given record;
BEGIN
    FOR given IN
        SELECT DISTINCT class.relname, pg_get_userbyid(entry.grantee) AS role
        FROM pg_class class CROSS JOIN LATERAL aclexplode(class.relacl) entry
        WHERE class.relnamespace = 'public'::regnamespace AND entry.grantee NOT IN (0, class.relowner)
          AND class.relname IN ('currencies', 'ledger_kinds', 'ledger_accounts', 'ledger_balances', 'ledger_transactions',
                                'ledger_transfers', 'ledger_horizons', 'ledger_checkpoints', 'ledger_drift')
    LOOP
        EXECUTE format('REVOKE ALL ON %I FROM %I', given.relname, given.role);
        EXECUTE format('GRANT SELECT ON %I TO %I', given.relname, given.role);
    END LOOP;
END $$;

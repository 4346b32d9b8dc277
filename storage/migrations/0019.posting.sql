-- A posting costs less: one look at what was posted in place of one for each question, and none for a foreign key.
-- depends: 0011.ledger

-- Transactions are never deleted, so the key's only use was to refuse a transfer without one; `ledger_apply` does that.
ALTER TABLE ledger_transfers DROP CONSTRAINT ledger_transfers_transaction_id_fkey;

-- Balances follow transfers, whoever wrote them: not even the tables' owner can post without moving the balance.
CREATE OR REPLACE FUNCTION ledger_apply() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    legs            int;
    payer           bigint;
    payee           bigint;
    amount          bigint;
    matched         boolean;
    touched         bigint[];
    debited         bigint[];
    credited        bigint[];
    amounts         bigint[];
BEGIN
    -- By key, row by row: a join would be planned once, while the tables are small, and then scan them whole for ever.
    SELECT count(*), min(debit_id), min(credit_id), min(micros), bool_and((
            (SELECT a.currency FROM ledger_accounts a WHERE a.id = debit_id) = currency
            AND (SELECT a.currency FROM ledger_accounts a WHERE a.id = credit_id) = currency
            AND (SELECT true FROM ledger_transactions t WHERE t.id = transaction_id)) IS TRUE)
        INTO legs, payer, payee, amount, matched FROM posted;
    IF NOT matched THEN
        RAISE EXCEPTION 'an account or the transaction is unknown, or an account is of another currency'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_accounts_match';
    END IF;
    IF legs = 1 THEN
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

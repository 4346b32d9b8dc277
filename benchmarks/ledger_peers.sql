-- What the ledger is measured against, in a schema of its own.

CREATE SCHEMA peers;
SET search_path = peers;

-- In the manner of pgledger (github.com/pgr0ss/pgledger, MIT), written anew: accounts that hold their balance, a
-- transfer, and two entries with the balance before and after. As there, identifiers are ULIDs that SQL encodes, every
-- account is locked first, in order, and each rule of an account is checked by a function.
CREATE FUNCTION new_id(prefix text) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    bits            bit(130) := (B'00' || ('x' || replace(uuidv7()::text, '-', ''))::bit(128))::bit(130);
    written         text := prefix;
BEGIN
    FOR place IN 0..25 LOOP
        written := written || substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ',
                                     substring(bits FROM place * 5 + 1 FOR 5)::bit(5)::int + 1, 1);
    END LOOP;
    RETURN written;
END $$;
CREATE TABLE accounts (
    id              text PRIMARY KEY,
    currency        text NOT NULL,
    balance         numeric NOT NULL DEFAULT 0,
    version         bigint NOT NULL DEFAULT 0,
    allow_negative  boolean NOT NULL,
    updated_at      timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE transfers (
    id              text PRIMARY KEY DEFAULT peers.new_id('t_'),
    from_account    text NOT NULL REFERENCES accounts,
    to_account      text NOT NULL REFERENCES accounts,
    amount          numeric NOT NULL CHECK (amount > 0),
    created_at      timestamptz NOT NULL DEFAULT now(),
    event_at        timestamptz NOT NULL DEFAULT now(),
    CHECK (from_account <> to_account)
);
CREATE INDEX ON transfers (from_account);
CREATE INDEX ON transfers (to_account);
CREATE INDEX ON transfers (event_at);
CREATE TABLE entries (
    id              text PRIMARY KEY DEFAULT peers.new_id('e_'),
    account_id      text NOT NULL REFERENCES accounts,
    transfer_id     text NOT NULL REFERENCES transfers,
    amount          numeric NOT NULL,
    previous        numeric NOT NULL,
    current         numeric NOT NULL,
    version         bigint NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON entries (account_id);
CREATE INDEX ON entries (transfer_id);

CREATE FUNCTION demand_floor(account peers.accounts) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF account.balance < 0 AND NOT account.allow_negative THEN
        RAISE EXCEPTION 'too little on %', account.id;
    END IF;
END $$;
CREATE FUNCTION transfers(source text, targets text[], moved numeric) RETURNS SETOF peers.transfers LANGUAGE plpgsql AS $$
DECLARE
    payer           peers.accounts;
    payee           peers.accounts;
    account         text;
    made            text;
    all_made        text[] := '{}';
BEGIN
    FOR account IN SELECT DISTINCT one FROM unnest(source || targets) AS one ORDER BY one LOOP
        PERFORM FROM peers.accounts WHERE id = account FOR UPDATE;
    END LOOP;
    FOREACH account IN ARRAY targets LOOP
        UPDATE peers.accounts SET balance = balance - moved, version = version + 1, updated_at = now()
            WHERE id = source RETURNING * INTO payer;
        PERFORM peers.demand_floor(payer);
        UPDATE peers.accounts SET balance = balance + moved, version = version + 1, updated_at = now()
            WHERE id = account RETURNING * INTO payee;
        PERFORM peers.demand_floor(payee);
        IF payer.currency <> payee.currency THEN
            RAISE EXCEPTION 'two currencies';
        END IF;
        INSERT INTO peers.transfers (from_account, to_account, amount) VALUES (source, account, moved)
            RETURNING id INTO made;
        all_made := array_append(all_made, made);
        INSERT INTO peers.entries (account_id, transfer_id, amount, previous, current, version)
            VALUES (source, made, -moved, payer.balance + moved, payer.balance, payer.version);
        INSERT INTO peers.entries (account_id, transfer_id, amount, previous, current, version)
            VALUES (account, made, moved, payee.balance - moved, payee.balance, payee.version);
    END LOOP;
    RETURN QUERY SELECT * FROM peers.transfers WHERE id = ANY (all_made) ORDER BY id;
END $$;

-- A bare balance column: nothing is written down, nothing can be explained, repeated or proved.
CREATE TABLE purses (
    id              bigint PRIMARY KEY,
    balance         bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 60);
CREATE FUNCTION move(source bigint, target bigint, moved bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF source < target THEN
        UPDATE peers.purses SET balance = balance - moved WHERE id = source;
        UPDATE peers.purses SET balance = balance + moved WHERE id = target;
    ELSE
        UPDATE peers.purses SET balance = balance + moved WHERE id = target;
        UPDATE peers.purses SET balance = balance - moved WHERE id = source;
    END IF;
END $$;
CREATE FUNCTION moves(source bigint, targets bigint[], moved bigint) RETURNS void LANGUAGE sql AS $$
    UPDATE peers.purses SET balance = balance - moved * cardinality(targets) WHERE id = source;
    UPDATE peers.purses SET balance = balance + moved WHERE id = ANY (targets);
$$;
RESET search_path;

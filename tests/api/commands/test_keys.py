"""Keys that others may know are replaced while everything goes on, and what they closed stays readable."""

import base64
import os
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from api.idempotency import Sealing
from api.settings import Settings
from api.tickets import opened, signed
from storage import buyers, encryption, idempotency, push_keys, push_subscriptions, signing_keys
from storage.buyers import Registration
from storage.database import Connection, Pool, transaction
from storage.encryption import wrap
from storage.errors import MediaDamaged
from storage.idempotency import Kept, Taken
from storage.master_key import MasterKey
from storage.push_subscriptions import Address
from tests.api.commands.conftest import Say
from tests.api.test_push_subscriptions import session_of

Client = httpx.AsyncClient


@pytest.fixture
def keys(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> MasterKey:
    """Another key in the place of the one that every other test's secrets lie under, in an operator's shell."""
    new = os.urandom(32)
    monkeypatch.setenv("COMPANION_MASTER_KEY", base64.b64encode(new).decode())
    monkeypatch.setenv("COMPANION_MASTER_KEY_BEFORE", base64.b64encode(settings.master_key).decode())
    for name in ("S3_ENDPOINT", "S3_ACCESS_KEY", "S3_SECRET_KEY"):
        monkeypatch.setenv(name, getattr(settings, name.lower()))
    return MasterKey.replacing(new, bytes(settings.master_key))


class Secrets:
    """One secret of every kind, closed under a key."""

    def __init__(self, account: UUID, buyer: UUID, session: UUID) -> None:
        self.account, self.buyer, self.session, self.answer = account, buyer, session, f"answer-{uuid4()}"

    async def close(self, connection: Connection, key: bytes) -> dict[str, bytes]:
        taken = await idempotency.take(connection, self.account, self.answer, bytes(32))
        assert isinstance(taken, Taken)
        body = Sealing(self.account, key).seal(b"shown once")
        await idempotency.keep(connection, self.account, self.answer, taken, 201, [], body)
        await buyers.post_to(connection, key, self.buyer, "https://buyer.example/")
        await encryption.subject_key(connection, key, self.account)
        address = Address("https://push.example.org/1", b"p" * 65, b"a" * 16)
        await push_subscriptions.store(connection, key, self.account, self.session, address)
        return await self.open(connection, key)

    async def open(self, connection: Connection, key: bytes) -> dict[str, bytes]:
        kept = await idempotency.take(connection, self.account, self.answer, bytes(32))
        assert isinstance(kept, Kept)
        await connection.execute(
            "UPDATE push_subscriptions SET due_at = '-infinity' WHERE session_id = %s", [self.session]
        )
        [due] = await push_subscriptions.take_due(connection, 1)
        return {
            "subject": await encryption.subject_key(connection, key, self.account),
            "webhook": await buyers.webhook_secret(connection, key, self.buyer) or b"",
            "phone": push_subscriptions.address_of(key, due).auth,
            "push": (await push_keys.find(connection, key)).private,
            "answer": Sealing(self.account, key).open(kept.body or b""),
        }


@pytest.fixture
async def secrets(contributor: Client, database: Pool) -> Secrets:
    account, session = UUID((await contributor.get("/v1/me")).json()["id"]), await session_of(contributor)
    async with transaction(database) as connection:
        buyer = await buyers.register(connection, Registration(f"Keys {uuid4()}", "DE", "speech_technology", "Tests."))
    return Secrets(account, buyer.id, session)


async def test_a_master_key_is_replaced_and_nothing_is_lost(
    say: Say, contributor: Client, database: Pool, settings: Settings, keys: MasterKey, secrets: Secrets
):
    """Both are known while everything is closed anew; then the new one is enough, and the old one opens nothing."""
    async with transaction(database) as connection:
        before = await secrets.close(connection, settings.master_key)
        meanwhile = await secrets.open(connection, keys)
    plain = await contributor.post(f"/v1/campaigns/{uuid4()}/quotes", headers={"Idempotency-Key": "x"})

    first, again = await say("keys", "rewrap"), await say("keys", "rewrap")

    try:
        async with transaction(database) as connection:
            after = await secrets.open(connection, bytes(keys))
            signs = await signing_keys.newest(connection, bytes(keys))
            with pytest.raises(MediaDamaged):
                await encryption.subject_key(connection, settings.master_key, secrets.account)
    finally:
        await put_back(say, settings, keys)

    assert 404 == plain.status_code
    assert before == meanwhile == after
    assert (0, True) == (first[0], "Contributors' keys: " in first[1])
    assert signs is not None
    assert signs.kid in first[1]
    assert again[1].startswith("Contributors' keys: 0 closed anew.")
    assert signs.kid not in again[1]


async def put_back(say: Say, settings: Settings, keys: MasterKey) -> None:
    """Let every other test have its key again."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("COMPANION_MASTER_KEY", base64.b64encode(settings.master_key).decode())
        environment.setenv("COMPANION_MASTER_KEY_BEFORE", base64.b64encode(bytes(keys)).decode())
        assert 0 == (await say("keys", "rewrap"))[0]


async def test_what_neither_key_opens_is_named(
    say: Say, database: Pool, settings: Settings, keys: MasterKey, secrets: Secrets
):
    """And everything else is done all the same."""
    async with transaction(database) as connection:
        await secrets.close(connection, settings.master_key)
        lost = wrap(os.urandom(32), secrets.account, os.urandom(32))
        query = "UPDATE subject_keys SET wrapped = %s WHERE account_id = %s RETURNING wrapped"
        await connection.execute(query, [lost, secrets.account])

    status, said = await say("keys", "rewrap")
    try:
        async with transaction(database) as connection:
            assert await buyers.webhook_secret(connection, bytes(keys), secrets.buyer)
            await connection.execute("DELETE FROM subject_keys WHERE account_id = %s", [secrets.account])
    finally:
        await put_back(say, settings, keys)

    assert (1, True) == (status, str(secrets.account) in said)


async def test_a_link_outlives_the_key_it_was_made_with(settings: Settings, keys: MasterKey):
    """For its quarter of an hour, while the key before is known."""
    ticket = signed(settings.master_key, b"a purpose", b"facts")

    assert b"facts" == opened(keys, b"a purpose", ticket, 5)
    assert opened(bytes(keys), b"a purpose", ticket, 5) is None


async def test_a_key_is_only_replaced_where_there_is_one_before(
    say: Say, keys: MasterKey, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("COMPANION_MASTER_KEY_BEFORE")

    assert 2 == (await say("keys", "rewrap"))[0]


async def test_another_key_signs_and_the_one_before_stays_published(
    say: Say, client: Client, settings: Settings, keys: MasterKey, monkeypatch: pytest.MonkeyPatch
):
    """What was signed years ago can still be checked."""
    monkeypatch.setenv("COMPANION_MASTER_KEY", base64.b64encode(settings.master_key).decode())
    monkeypatch.delenv("COMPANION_MASTER_KEY_BEFORE")
    before = await published(client)

    status, said = await say("keys", "renew")

    after = await published(client)
    assert 0 == status
    assert said.split()[0] == after[0]
    assert before == after[1:]


async def published(client: Client) -> list[str]:
    answer: dict[str, Any] = (await client.get("/.well-known/jwks.json")).json()
    return [key["kid"] for key in answer["keys"]]


async def test_a_buyer_s_letters_are_signed_with_another_secret(
    say: Say, database: Pool, settings: Settings, secrets: Secrets, keys: MasterKey
):
    """Printed once; what is no address, and nobody, is refused."""
    status, said = await say("buyers", "webhook", str(secrets.buyer), "https://new.example/hooks")
    refused = [
        await say("buyers", "webhook", *words) for words in ((str(secrets.buyer), "new"), (str(uuid4()), "https://x/"))
    ]

    async with transaction(database) as connection:
        stored = await buyers.webhook_secret(connection, keys, secrets.buyer)
    assert (0, stored) == (status, base64.b64decode(said.strip().removeprefix("whsec_")))
    assert [2, 1] == [status for status, _ in refused]

"""Push subscriptions: what a device may say, and when it is woken no more."""

from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from litestar import Litestar

from api.settings import Settings
from storage import push_keys, push_subscriptions, sessions
from storage.database import Pool, one, transaction
from storage.encryption import unwrap
from storage.push_subscriptions import DEVICES, Address
from tests.api.clients import client_of
from tests.api.devices import subscription
from tests.api.taking import slug

Client = httpx.AsyncClient
PATH = "/v1/sessions/current/push-subscription"


class Row(msgspec.Struct):
    """What lies in the database."""

    sealed: bytes
    service: str


async def session_of(client: Client) -> UUID:
    """The session that a client speaks with."""
    listed = (await client.get("/v1/sessions")).json()["data"]
    return UUID(next(session["id"] for session in listed if session["current"]))


async def test_a_device_subscribes_and_its_owner_sees_through_whom(contributor: Client):
    """Said again it is the same; taken back it is gone, and taking it back twice is nothing."""
    assert slug(await contributor.get(PATH)) == "push-subscription-missing"
    asked = subscription()

    answers = [await contributor.put(PATH, json=asked), await contributor.put(PATH, json=asked)]
    answers.append(await contributor.get(PATH))

    assert [200] * 3 == [answer.status_code for answer in answers]
    assert {"push.example.org"} == {answer.json()["service"] for answer in answers}
    assert answers[0].json()["delivered_at"] is None
    assert "gAAAAABk" not in answers[-1].text
    assert [204, 204] == [(await contributor.delete(PATH)).status_code for _ in range(2)]
    assert 404 == (await contributor.get(PATH)).status_code


async def test_the_address_lies_encrypted(contributor: Client, database: Pool, settings: Settings):
    """Whoever has the address can wake the phone, and whoever has its secret can read what it is told."""
    asked = subscription()
    await contributor.put(PATH, json=asked)
    session = await session_of(contributor)

    async with transaction(database) as connection:
        query = "SELECT sealed, service FROM push_subscriptions WHERE session_id = %(id)s"
        row = await one(connection, Row, query, id=session)

    assert row is not None
    assert b"push.example.org" not in row.sealed
    opened = msgspec.msgpack.decode(unwrap(settings.master_key, session, row.sealed), type=Address)
    assert opened.endpoint == asked["endpoint"]


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": "http://push.example.org/1"},
        {"endpoint": "ftp://push.example.org/1"},
        {"endpoint": "https://"},
        {"endpoint": "https://[::1"},
        {"endpoint": "not an address"},
        {"keys": {"p256dh": "A" * 87, "auth": "tBHItJI5svbpez7KI4CCXg"}},
    ],
)
async def test_what_nothing_could_be_sent_to_is_refused(contributor: Client, change: dict[str, Any]):
    """At once, and not at the first message; with a sentence that an app can act on."""
    refused = await contributor.put(PATH, json=subscription() | change)

    assert (422, "push-address-refused") == (refused.status_code, slug(refused)), refused.text


async def test_a_device_that_is_signed_out_is_woken_no_more(
    app: Litestar, contributor: Client, database: Pool, settings: Settings
):
    """By its owner from another device, by itself, or because its tokens were copied: one trigger for all of them."""
    lost = await session_of(contributor)
    await contributor.put(PATH, json=subscription())
    async with transaction(database) as connection:
        account = await sessions.speaks_for(connection, lost)
        assert account is not None
        _, tokens = await sessions.start(connection, account, "another phone")

    async with client_of(app, tokens.access_token) as another:
        await another.delete(f"/v1/sessions/{lost}")

    async with transaction(database) as connection:
        assert await push_subscriptions.find(connection, lost) is None


async def test_a_phone_that_somebody_else_signs_in_on_tells_of_nobody_else(contributor: Client, other: Client):
    """The same address and secret are the same phone: whoever was signed in before is not told of on it."""
    asked = subscription()
    await contributor.put(PATH, json=asked)

    await other.put(PATH, json=asked)

    assert 404 == (await contributor.get(PATH)).status_code
    assert 200 == (await other.get(PATH)).status_code


async def test_nobody_ends_a_subscription_by_knowing_its_address(contributor: Client, other: Client):
    """The secret takes part: it never leaves the phone and this service."""
    asked = subscription()
    await contributor.put(PATH, json=asked)

    await other.put(PATH, json=subscription(asked["endpoint"]))

    assert 200 == (await contributor.get(PATH)).status_code


async def test_so_many_devices_of_one_account_are_woken(contributor: Client, database: Pool, settings: Settings):
    """Each is a request to a server that somebody chose: the oldest makes room, and nobody is turned away."""
    await contributor.put(PATH, json=subscription())
    async with transaction(database) as connection:
        account = await sessions.speaks_for(connection, await session_of(contributor))
        assert account is not None
        for number in range(DEVICES):
            assert 200 == (await contributor.get(PATH)).status_code
            session, _ = await sessions.start(connection, account, f"phone {number}")
            address = Address(f"https://push.example.org/{number}", b"p" * 65, bytes([number]) * 16)
            await push_subscriptions.store(connection, settings.master_key, account, session, address)

    assert 404 == (await contributor.get(PATH)).status_code


async def test_the_key_stays_the_same(client: Client, database: Pool, settings: Settings):
    """Phones can be woken with no other key than the one that they subscribed with."""
    keys = [(await client.get("/v1/push-key")).json()["public_key"] for _ in range(2)]

    async with transaction(database) as connection:
        known = await push_keys.find(connection, settings.master_key)

    assert keys[0] == keys[1]
    assert 87 == len(keys[0])
    assert 65 == len(known.public_key)

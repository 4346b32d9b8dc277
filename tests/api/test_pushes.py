"""Pushes: a phone hears of what happened while nobody looked, once, and not at night."""

import os
import time
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from datetime import time as dt_time
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from api.push_encryption import CAPACITY
from api.pushes import WAKING, kinds, message, push_due
from api.settings import Settings
from storage import push_subscriptions, sessions
from storage.database import Pool, run, transaction
from storage.events import Event, tell
from storage.notification_settings import NotificationSettings
from tests.api.devices import Device, device
from tests.api.test_push_subscriptions import session_of

Client = httpx.AsyncClient
BECAUSE = {"payout": "0199", "currency": "EUR", "micros": 5_000_000}


class Phone(msgspec.Struct):
    """A contributor with a phone that can be woken, and the clock's hand."""

    client: Client
    device: Device
    session: UUID
    account: UUID
    database: Pool
    settings: Settings

    async def happens(self, kind: str, by: Any = "worker", **data: Any) -> None:
        """Something happens to the contributor."""
        async with transaction(self.database) as connection:
            await tell(connection, self.account, kind, by=by, data=data or BECAUSE)

    async def woken(self) -> list[list[str]]:
        """Move the clock's hand when whatever waits is due; the kinds of events in each message since the start."""
        async with transaction(self.database) as connection:
            due = "UPDATE push_subscriptions SET due_at = now() WHERE session_id = %(id)s AND due_at < now() + '1 h'"
            await run(connection, due, id=self.session)
        while await push_due(self.database, self.settings):
            pass
        return self.device.kinds


@pytest.fixture
async def phone(contributor: Client, database: Pool, settings: Settings) -> AsyncIterator[Phone]:
    """A signed-in contributor's phone, asleep."""
    session = await session_of(contributor)
    here = msgspec.structs.replace(settings, webhooks_anywhere=True, public_url="https://companion.example")
    with device() as woken:
        async with transaction(database) as connection:
            # Whatever other tests left would be sent as well.
            await run(connection, "DELETE FROM push_subscriptions")
            account = await push_subscriptions.one(
                connection, Owner, "SELECT account_id FROM sessions WHERE id = %(id)s", id=session
            )
            assert account is not None
            await push_subscriptions.store(connection, settings.master_key, account.account_id, session, woken.address)
        yield Phone(contributor, woken, session, account.account_id, database, here)


class Owner(msgspec.Struct):
    """Whose a session is."""

    account_id: UUID


async def test_what_happened_before_wakes_nobody(phone: Phone):
    """A phone that was just signed in has seen the list."""
    assert [] == await phone.woken()


async def test_what_happens_together_is_told_together_and_once(phone: Phone):
    """The page is the one that `GET /v1/events` gives; what does not matter to a sleeping person is not in it."""
    for kind in ("use.started", "earning.created", "payout.paid"):
        await phone.happens(kind)

    assert [["use.started", "payout.paid"]] == await phone.woken()
    assert [["use.started", "payout.paid"]] == await phone.woken()

    page = phone.device.pages[0]
    listed = (await phone.client.get("/v1/events")).json()
    assert [page["data"][0], page["data"][1]] == [listed["data"][0], listed["data"][2]]
    assert (page["next_cursor"], page["more"]) == ("3", False)
    shown = (await phone.client.get("/v1/sessions/current/push-subscription")).json()
    assert shown["delivered_at"] is not None
    assert shown["failing_since"] is None


async def test_nobody_is_told_what_they_did_themselves(phone: Phone):
    """But for what may have been somebody else with their password."""
    await phone.happens("claim.opened", by="contributor")
    assert [] == await phone.woken()

    await phone.happens("password.changed", by="contributor")
    assert [["password.changed"]] == await phone.woken()
    assert "high" == phone.device.requests[0][0]["urgency"]


async def test_a_push_service_knows_who_sends(phone: Phone):
    """The token of RFC 8292 is signed by the key that phones subscribe with, for this service, for hours."""
    await phone.happens("payout.paid")
    await phone.woken()
    headers, _ = phone.device.requests[0]

    scheme, _, rest = headers["authorization"].partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    head, claims, signature = parts["t"].split(".")
    read = msgspec.json.decode(padded(claims))

    assert "vapid" == scheme
    assert parts["k"] == (await phone.client.get("/v1/push-key")).json()["public_key"]
    assert read["aud"] == phone.device.address.endpoint.rsplit("/p/", 1)[0]
    assert read["sub"] == "https://companion.example"
    assert time.time() < read["exp"] <= time.time() + 24 * 3600
    raw = padded(signature)
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), padded(parts["k"]))
    numbers = (int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key.verify(encode_dss_signature(*numbers), f"{head}.{claims}".encode(), ec.ECDSA(SHA256()))
    assert ("aes128gcm", "events", "normal") == tuple(
        headers[name] for name in ("content-encoding", "topic", "urgency")
    )
    assert int(headers["ttl"]) > 3600


def padded(text: str) -> bytes:
    """Read base64url."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


async def test_a_push_service_that_is_away_is_asked_again(phone: Phone):
    """Its owner sees since when and why; what happened meanwhile comes with it, once."""
    phone.device.status = 503
    await phone.happens("payout.paid")
    await phone.woken()
    failing = (await phone.client.get("/v1/sessions/current/push-subscription")).json()
    phone.device.status = 201
    await phone.happens("use.started")

    assert [["payout.paid"], ["payout.paid", "use.started"]] == await phone.woken()

    assert ("answered 503", None) == (failing["failed_because"], failing["delivered_at"])
    assert failing["failing_since"] is not None
    mended = (await phone.client.get("/v1/sessions/current/push-subscription")).json()
    assert (None, None) == (mended["failing_since"], mended["failed_because"])


@pytest.mark.parametrize("status", [404, 410])
async def test_a_subscription_that_is_gone_is_forgotten(phone: Phone, status: int):
    """RFC 8030, section 7.3: the app was removed, or has another address by now."""
    phone.device.status = status
    await phone.happens("payout.paid")

    assert 1 == len(await phone.woken())

    assert 404 == (await phone.client.get("/v1/sessions/current/push-subscription")).status_code


async def test_an_address_that_was_left_meanwhile_is_not_forgotten(phone: Phone):
    """The old one is gone because the phone has a new one, which it may tell while a message is on its way."""
    await phone.happens("payout.paid")
    async with transaction(phone.database) as connection:
        await run(connection, "UPDATE push_subscriptions SET due_at = now()")
        [due] = await push_subscriptions.take_due(connection, 1)
        master_key = phone.settings.master_key
        await push_subscriptions.store(connection, master_key, phone.account, phone.session, phone.device.address)
        await push_subscriptions.gone(connection, due)

    assert [["payout.paid"]] == await phone.woken()


async def test_one_that_refuses_for_a_week_is_given_up(phone: Phone):
    """Nothing is sent for ever to where nobody takes it."""
    phone.device.status = 403
    await phone.happens("payout.paid")
    await phone.woken()
    async with transaction(phone.database) as connection:
        assert 0 == await push_subscriptions.give_up(connection)
        await run(connection, "UPDATE push_subscriptions SET failing_since = now() - interval '8 days'")
        assert 1 == await push_subscriptions.give_up(connection)

    assert 404 == (await phone.client.get("/v1/sessions/current/push-subscription")).status_code


async def test_quiet_hours_hold_back_what_can_wait(phone: Phone):
    """Until they end, or until something comes that cannot; then everything comes with it."""
    now = datetime.now(UTC)
    hours = {"begin": f"{(now.hour - 1) % 24:02}:00", "end": f"{(now.hour + 3) % 24:02}:00", "time_zone": "Etc/UTC"}
    await phone.client.put("/v1/me/notifications", json={"quiet_hours": hours})
    await phone.happens("payout.paid")
    assert [] == await phone.woken()

    await phone.happens("payout_destination.added", by="contributor")

    assert [["payout.paid", "payout_destination.added"]] == await phone.woken()


async def test_hours_that_are_given_up_hold_nothing_back_any_more(phone: Phone):
    """What waited for the morning is told now."""
    now = datetime.now(UTC)
    hours = {"begin": f"{(now.hour - 1) % 24:02}:00", "end": f"{(now.hour + 3) % 24:02}:00", "time_zone": "Etc/UTC"}
    await phone.client.put("/v1/me/notifications", json={"quiet_hours": hours})
    await phone.happens("payout.paid")
    await phone.woken()

    await phone.client.put("/v1/me/notifications", json={})

    assert [["payout.paid"]] == await phone.woken()


async def test_quiet_hours_whose_end_is_read_as_past_are_looked_at_again_in_a_minute(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
):
    """As where an hour comes twice: the clock would ask again and again until that hour is over."""
    await phone.happens("payout.paid")
    monkeypatch.setattr(push_subscriptions, "QUIET", "SELECT now() - interval '1 hour' AS until")
    night = NotificationSettings([], dt_time(22), dt_time(1, 30), "Europe/Dublin")
    async with transaction(phone.database) as connection:
        await run(connection, "UPDATE push_subscriptions SET due_at = now()")
        [due] = await push_subscriptions.take_due(connection, 1)
        assert await push_subscriptions.wait_for_morning(connection, due, night)
        assert [] == await push_subscriptions.take_due(connection, 1)


async def test_a_phone_that_cannot_be_reached_takes_no_other_s_place(phone: Phone):
    """It has waited for longer, and a push service that lets us wait is waited for."""
    async with transaction(phone.database) as connection:
        session, _ = await sessions.start(connection, phone.account, "another phone")
        address = msgspec.structs.replace(phone.device.address, auth=os.urandom(16))
        await push_subscriptions.store(connection, phone.settings.master_key, phone.account, session, address)
    await phone.happens("payout.paid")
    async with transaction(phone.database) as connection:
        await run(connection, "UPDATE push_subscriptions SET due_at = now()")
        old = "UPDATE push_subscriptions SET attempts = 5, due_at = now() - interval '1 hour' WHERE session_id = %(id)s"
        await run(connection, old, id=phone.session)
        [first] = await push_subscriptions.take_due(connection, 1)

    assert session == first.session


async def test_a_phone_whose_address_cannot_be_read_is_given_up_like_any_other(phone: Phone):
    """Under a master key that was lost; it fails for a week and is forgotten, and keeps nobody else waiting."""
    await phone.happens("payout.paid")
    async with transaction(phone.database) as connection:
        await run(connection, "UPDATE push_subscriptions SET sealed = %(other)s", other=os.urandom(200))

    assert [] == await phone.woken()

    shown = (await phone.client.get("/v1/sessions/current/push-subscription")).json()
    assert shown["failing_since"] is not None


async def test_a_muted_topic_wakes_nobody(phone: Phone):
    """What else happens does; and what was muted is not told later."""
    await phone.client.put("/v1/me/notifications", json={"muted": ["money"]})
    for kind in ("payout.paid", "use.started"):
        await phone.happens(kind)
    assert [["use.started"]] == await phone.woken()

    await phone.client.put("/v1/me/notifications", json={})

    assert [["use.started"]] == await phone.woken()


async def test_what_comes_while_a_message_is_on_its_way_is_told_next(phone: Phone):
    """An event that is written after the page was read, and before it is noted as told, is not lost."""
    await phone.happens("payout.paid")
    async with transaction(phone.database) as connection:
        await run(connection, "UPDATE push_subscriptions SET due_at = now()")
        [due] = await push_subscriptions.take_due(connection, 1)
    await phone.happens("use.started")
    async with transaction(phone.database) as connection:
        await push_subscriptions.told(connection, due, delivered=True)

    assert [["use.started"]] == await phone.woken()


def event(number: int, **more: Any) -> Event:
    """An event."""
    data = {"sale": "0199aaaa-0000-7000-8000-000000000000", "buyer": "Harbour Speech GmbH", **more}
    return Event(number, "use.started", None, None, None, "worker", None, data, datetime(2026, 11, 30, tzinfo=UTC))


@pytest.mark.parametrize("count", [1, 2, 10, 40, 41])
def test_a_message_holds_what_fits(count: int):
    """The oldest events, and whether there are more; one alone that is too long comes without its facts."""
    found = [event(number, note="x" * 300) for number in range(count)]

    page = msgspec.json.decode(message(found))

    assert len(message(found)) <= CAPACITY
    shown = len(page["data"])
    assert shown == count or (shown >= 5 and page["more"])
    assert page["next_cursor"] == str(shown - 1)
    assert page["more"] == (shown < count)
    assert None is msgspec.json.decode(message([event(1, note="x" * 5000)]))["data"][0]["data"]


def test_what_wakes_a_phone_is_documented():
    """Every kind that wakes a phone is one that `GET /v1/events` lists."""
    from api.events import read_events

    text = read_events.fn.__doc__ or ""

    for kind in kinds(NotificationSettings()):
        noun = kind.partition(".")[0]
        assert kind in text or (noun in {"recording", "payout"} and f"`{noun}." in text), kind
    assert {"recordings", "uses", "money", "campaigns"} == set(WAKING)

"""Push subscriptions: where one signed-in device is woken, and up to which event it was told.

An event makes the subscriptions of its account due (a trigger of the database), the clock takes those that are, and
what was told is noted afterwards. A worker that dies in between has told, or will tell, twice: events have numbers. A
subscription ends with its session, by a trigger too, and when its push service says that it is gone.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from msgspec import Struct

from storage.database import Connection, every, one, run
from storage.encryption import unwrap, wrap
from storage.events import COLUMNS, Event
from storage.notification_settings import NotificationSettings

#: Events of one message at most; the phone lists further ones.
EVENTS = 40
#: Devices of one account that are woken: more are no person's, and each of them is a request to a stranger's server.
DEVICES = 20
#: A push service that has refused for so long will not take anything any more.
GIVEN_UP_DAYS = 7


class Address(Struct, frozen=True):
    """Where and for whom: what a browser or a UnifiedPush distributor gives (W3C Push API, RFC 8291)."""

    endpoint: str
    #: The device's public key, 65 bytes, and a secret of 16.
    p256dh: bytes
    auth: bytes


class PushSubscription(Struct, frozen=True):
    """One device's subscription, as its owner sees it; the address itself is told to nobody."""

    service: str
    created_at: datetime
    delivered_at: datetime | None
    failing_since: datetime | None
    failed_because: str | None


class Due(Struct, frozen=True):
    """A device that is to be told now: the events after `told` up to `reached`."""

    session: UUID
    account: UUID
    sealed: bytes
    told: int
    reached: int


class _Quiet(Struct, frozen=True):
    until: datetime | None


FIND = """
    SELECT service, created_at, delivered_at, failing_since, failed_because FROM push_subscriptions
    WHERE session_id = %(session)s
"""
# What happened before is in the list of events; only what happens from now on wakes anybody.
STORE = """
    INSERT INTO push_subscriptions (session_id, account_id, sealed, fingerprint, service, told, reached)
    SELECT %(session)s, id, %(sealed)s, %(fingerprint)s, %(service)s, event_count, event_count
    FROM accounts WHERE id = %(account)s
    ON CONFLICT (session_id) DO UPDATE
        SET sealed = %(sealed)s, fingerprint = %(fingerprint)s, service = %(service)s, attempts = 0,
            failing_since = NULL, failed_because = NULL,
            due_at = CASE WHEN push_subscriptions.due_at IS NOT NULL THEN now() END
"""
ELSEWHERE = "DELETE FROM push_subscriptions WHERE fingerprint = %(fingerprint)s AND session_id <> %(session)s"
BEYOND = f"""
    DELETE FROM push_subscriptions WHERE session_id IN (
        SELECT session_id FROM push_subscriptions WHERE account_id = %(account)s
        ORDER BY created_at DESC OFFSET {DEVICES})
"""
REMOVE = "DELETE FROM push_subscriptions WHERE session_id = %(session)s"
GONE = f"{REMOVE} AND sealed = %(sealed)s"
# Tries double their distance from half a minute to an hour. First tries come first: a thousand phones whose service of
# pushes lets us wait would otherwise take the place of all others for minutes of every hour.
TAKE = """
    UPDATE push_subscriptions SET attempts = attempts + 1,
        due_at = now() + least(interval '30 seconds' * 2 ^ least(attempts, 10), interval '1 hour')
    WHERE session_id IN (
        SELECT session_id FROM push_subscriptions WHERE due_at <= now()
        ORDER BY attempts, due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    RETURNING session_id AS session, account_id AS account, sealed, told, reached
"""
NEWS = f"""
    SELECT {COLUMNS} FROM recording_events
    WHERE account_id = %(account)s AND number > %(told)s AND number <= %(reached)s
        AND coalesce(kind, 'recording.' || to_state) = ANY(%(kinds)s)
        AND (moved_by <> 'contributor' OR coalesce(kind, '') = ANY(%(always)s))
    ORDER BY number LIMIT %(limit)s
"""
QUIET = "SELECT quiet_end(now(), %(quiet_from)s, %(quiet_until)s, %(time_zone)s) AS until"
# Where an hour comes twice, its end may be read as the first of both, and lie behind us: Irish summer time is the usual
# one in some versions of the time zones, and then the earlier hour is meant.
WAIT = """
    UPDATE push_subscriptions SET due_at = greatest(%(until)s, now() + interval '1 minute'), attempts = 0
    WHERE session_id = %(session)s
"""
# Whatever was added meanwhile is due now; where it is not committed yet, this waits for it.
TOLD = """
    UPDATE push_subscriptions SET told = %(reached)s, attempts = 0, failing_since = NULL, failed_because = NULL,
        delivered_at = CASE WHEN %(delivered)s THEN clock_timestamp() ELSE delivered_at END,
        due_at = CASE WHEN reached > %(reached)s THEN now() END
    WHERE session_id = %(session)s
"""
FAILED = """
    UPDATE push_subscriptions SET failing_since = coalesce(failing_since, now()), failed_because = %(because)s
    WHERE session_id = %(session)s
"""
GIVE_UP = f"DELETE FROM push_subscriptions WHERE failing_since < now() - interval '{GIVEN_UP_DAYS} days'"


async def find(connection: Connection, session: UUID) -> PushSubscription | None:
    """Give a device's subscription; None when it has none."""
    return await one(connection, PushSubscription, FIND, session=session)


async def store(connection: Connection, master_key: bytes, account: UUID, session: UUID, address: Address) -> None:
    """Have a device woken from now on. It is told no more of whoever was signed in on it before.

    Of an account that has DEVICES already, the one that came first is woken no more.
    """
    fingerprint = hashlib.sha256(address.endpoint.encode() + address.auth).digest()
    await run(connection, ELSEWHERE, fingerprint=fingerprint, session=session)
    sealed = wrap(master_key, session, msgspec.msgpack.encode(address))
    service = urlsplit(address.endpoint).hostname or ""
    facts = {"sealed": sealed, "fingerprint": fingerprint, "service": service}
    await run(connection, STORE, session=session, account=account, **facts)
    await run(connection, BEYOND, account=account)


async def remove(connection: Connection, session: UUID) -> None:
    """Wake a device no more; nothing happens where it has no subscription."""
    await run(connection, REMOVE, session=session)


async def take_due(connection: Connection, limit: int) -> list[Due]:
    """Take devices that are to be told now; the next try of each is set before it is made."""
    return await every(connection, Due, TAKE, limit=limit)


def address_of(master_key: bytes, due: Due) -> Address:
    """Open where a device is woken. Raises MediaDamaged when the master key is not the one it had."""
    return msgspec.msgpack.decode(unwrap(master_key, due.session, due.sealed), type=Address)


async def news(connection: Connection, due: Due, kinds: list[str], always: list[str]) -> list[Event]:
    """List the events of these kinds that a device was not told of, oldest first, at most EVENTS and one.

    What its owner did is no news to them, unless it is a kind that is told `always`.
    """
    facts = {"account": due.account, "told": due.told, "reached": due.reached}
    return await every(connection, Event, NEWS, **facts, kinds=kinds, always=always, limit=EVENTS + 1)


async def wait_for_morning(connection: Connection, due: Due, settings: NotificationSettings) -> bool:
    """Put a device off until its owner's quiet hours end; False where none hold now."""
    if settings.time_zone is None:
        return False
    hours = {"quiet_from": settings.quiet_from, "quiet_until": settings.quiet_until, "time_zone": settings.time_zone}
    quiet = await one(connection, _Quiet, QUIET, **hours)
    if quiet is None or quiet.until is None:
        return False
    await run(connection, WAIT, session=due.session, until=quiet.until)
    return True


async def told(connection: Connection, due: Due, *, delivered: bool) -> None:
    """Note that a device knows what it was due to hear; `delivered` says whether that took a message."""
    await run(connection, TOLD, session=due.session, reached=due.reached, delivered=delivered)


async def failed(connection: Connection, due: Due, because: str) -> None:
    """Note why a message did not arrive; it is sent again at the time that `take_due` has set."""
    await run(connection, FAILED, session=due.session, because=because)


async def gone(connection: Connection, due: Due) -> None:
    """Forget an address that its push service does not know any more, unless the device has left another meanwhile."""
    await run(connection, GONE, session=due.session, sealed=due.sealed)


async def give_up(connection: Connection) -> int:
    """Forget the devices whose push service has refused for GIVEN_UP_DAYS; return how many."""
    return await run(connection, GIVE_UP)

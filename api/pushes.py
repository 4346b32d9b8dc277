"""Pushes: phones are told of what happened while nobody looked (Web Push, RFC 8030).

    event → its account's devices are due → taken by the clock → quiet hours? → encrypted, sent → noted

A message is the page of events that the device would have got by asking, of the kinds worth waking somebody for.
Events wait for each other a few seconds, and an older message that still waits at the push service is replaced.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from api import vapid, webhooks
from api.events import EventPage
from api.push_encryption import CAPACITY, encrypt
from api.settings import Settings
from storage import notification_settings, push_keys, push_subscriptions
from storage.database import Pool, transaction
from storage.errors import MediaDamaged
from storage.events import Event
from storage.notification_settings import NotificationSettings, Topic
from storage.push_keys import PushKey
from storage.push_subscriptions import EVENTS, Due

logger = logging.getLogger("companion.pushes")

#: What wakes a phone, by the topics that its owner can mute. What is not here waits until somebody looks.
WAKING: dict[Topic, tuple[str, ...]] = {
    "recordings": (
        "recording.accepted", "recording.rejected", "recording.needs_fix", "recording.needs_consent",
        "recording.in_review", "recording.failed", "recording.held", "rendition.impossible", "dispute.answered",
    ),
    "uses": (
        "use.started", "use.ended", "withdrawal.buyer_updated", "claim.opened", "claim.resolved", "consent.expiring",
    ),
    "money": (
        "payout.paid", "payout.failed", "payout.returned", "payout.cancelled", "statement.issued", "earning.reversed",
        "balance.adjusted", "balance.held", "balance.freed", "tax.action_required",
    ),
    "campaigns": ("campaign.changed", "term_sheet.published"),
}  # fmt: skip
#: What may be somebody else's doing wakes everybody at any time.
ALWAYS = ("password.changed", "payout_destination.added", "payout_destination.removed", "consent.resumed")
#: Devices that are told at once.
AT_ONCE = 20
#: Seconds for which a push service keeps a message for a phone that is off: a week.
TTL_S = 7 * 24 * 3600
#: Of messages of one topic only the newest is kept (RFC 8030, section 5.4): a phone that was off is woken once.
TOPIC = "events"
GONE = {404, 410}


class Sender(Struct, frozen=True):
    """What a message is sent with."""

    database: Pool
    master_key: bytes
    key: PushKey
    contact: str
    anywhere: bool


async def push_due(database: Pool, settings: Settings) -> int:
    """Tell the devices that are due; return how many were looked at.

    At once, so that a push service that is slow lets no other phone wait; and one that fails keeps no other.
    """
    async with transaction(database) as connection:
        due = await push_subscriptions.take_due(connection, AT_ONCE)
        if not due:
            return 0
        key = await push_keys.find(connection, settings.master_key)
    sender = Sender(database, settings.master_key, key, contact_of(settings), settings.webhooks_anywhere)
    done = await asyncio.gather(*(pushed(sender, one) for one in due), return_exceptions=True)
    for one, error in zip(due, done, strict=True):
        if isinstance(error, BaseException):
            logger.error("a push failed", extra={"session": str(one.session)}, exc_info=error)
    return len(due)


def contact_of(settings: Settings) -> str:
    """Give where a push service reaches whoever runs this service; empty when nobody said."""
    public = settings.public_url
    return settings.push_contact or (public if public.startswith("https:") else "")


async def pushed(sender: Sender, due: Due) -> None:
    """Tell one device, or find that there is nothing to tell it, or not now."""
    async with transaction(sender.database) as connection:
        settings = await notification_settings.find(connection, due.account)
        found = await push_subscriptions.news(connection, due, kinds(settings), [*ALWAYS])
        if not found:
            await push_subscriptions.told(connection, due, delivered=False)
            return
        urgent = any(event.kind in ALWAYS for event in found)
        if not urgent and await push_subscriptions.wait_for_morning(connection, due, settings):
            return
    try:
        status = await sent(sender, due, message(found), urgent=urgent)
    except (webhooks.NotDelivered, MediaDamaged) as error:
        # An address that cannot be read any more is given up in the end as well.
        await note_failure(sender, due, str(error))
    else:
        await note(sender, due, status)


def kinds(settings: NotificationSettings) -> list[str]:
    """List the kinds of events that wake this contributor's phones."""
    return [*ALWAYS, *(kind for topic, them in WAKING.items() if topic not in settings.muted for kind in them)]


def message(found: Sequence[Event]) -> bytes:
    """Write as many events as one message carries, the oldest first; the phone asks for the others.

    One event alone that would be too long is told without its facts.
    """
    shown = list(found[:EVENTS])
    while len(body := page(shown, len(found))) > CAPACITY and len(shown) > 1:
        shown = shown[: max(1, len(shown) * CAPACITY // len(body))]
    if len(body) > CAPACITY:
        body = page([msgspec.structs.replace(shown[0], data=None, because=None)], len(found))
    return body


def page(shown: Sequence[Event], of: int) -> bytes:
    """Write a page of events as `GET /v1/events` does."""
    return msgspec.json.encode(EventPage([*shown], str(shown[-1].number), of > len(shown)))


async def sent(sender: Sender, due: Due, body: bytes, *, urgent: bool) -> int:
    """Send one message; gives the push service's status. Raises NotDelivered."""
    address = push_subscriptions.address_of(sender.master_key, due)
    headers = {
        "TTL": str(TTL_S),
        "Topic": TOPIC,
        "Urgency": "high" if urgent else "normal",
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "Authorization": vapid.authorization(sender.key, address.endpoint, sender.contact),
    }
    sealed = encrypt(body, address.p256dh, address.auth)
    return await webhooks.answered(address.endpoint, headers, sealed, anywhere=sender.anywhere)


async def note(sender: Sender, due: Due, status: int) -> None:
    """Note what the push service answered: arrived, gone for ever, or to be tried again."""
    if status in GONE:
        async with transaction(sender.database) as connection:
            await push_subscriptions.gone(connection, due)
    elif 200 <= status < 300:
        async with transaction(sender.database) as connection:
            await push_subscriptions.told(connection, due, delivered=True)
    else:
        await note_failure(sender, due, f"answered {status}")


async def note_failure(sender: Sender, due: Due, because: str) -> None:
    """Note why a message did not arrive; it is sent again."""
    logger.warning("a push did not arrive", extra={"session": str(due.session), "because": because})
    async with transaction(sender.database) as connection:
        await push_subscriptions.failed(connection, due, because)

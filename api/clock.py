"""What happens by the clock: everything that no request and no job begins.

One table says what is done how often. Any number of workers keep the clock; each hand takes a lock, or skips rows that
another worker has, so that nothing happens twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from msgspec import Struct
from procrastinate import App

from api.checkpoints import make
from api.matching import count_common
from api.provider_events import ask_silent, submit_approved
from api.pushes import push_due
from api.receipts import issue_missing
from api.settings import Settings
from api.signing import Signatures
from api.statements import issue_due
from api.transparency import publish
from api.validation import Workplace
from api.withdrawal_notices import post_due
from storage import (
    attempts,
    campaign_changes,
    consents,
    disputes,
    erasures,
    fingerprints,
    idempotency,
    notices,
    push_subscriptions,
    queue,
    renditions,
    reviews,
    sale_ends,
    sessions,
    withdrawn,
)
from storage.database import singly, transaction
from storage.errors import Unavailable
from storage.ledger import checkpoints
from storage.recordings import expire
from storage.rereading import reread
from storage.settling import release, settle, settle_sales
from storage.sweeping import forget_left_over, remove_doomed, remove_orphans

logger = logging.getLogger("companion.clock")


class Tower(Struct, frozen=True):
    """What the hands of the clock need."""

    app: App
    place: Workplace
    settings: Settings
    signing: Signatures


async def retry_stalled(tower: Tower) -> None:
    """Hand the jobs of dead workers to living ones."""
    async with transaction(tower.place.database) as connection:
        await queue.retry_stalled(tower.app, connection)


async def expire_claims(tower: Tower) -> None:
    """End claims whose bytes never came."""
    async with transaction(tower.place.database) as connection:
        await expire(connection)


async def clear_away(tower: Tower) -> None:
    """Remove objects that no row needs any more."""
    while await remove_doomed(tower.place.database, tower.place.store):
        pass


async def purge_erased(tower: Tower) -> None:
    """Remove what is left of erased accounts."""
    await erasures.purge(tower.place.database, tower.place.store)


async def clear_orphans(tower: Tower) -> None:
    """Remove objects that never got a row, and those of rows that nobody needs."""
    await forget_left_over(tower.place.database)
    await remove_orphans(tower.place.database, tower.place.store)


async def forget_expired(tower: Tower) -> None:
    """Forget tokens, kept answers, failed sign-ins and phones that nobody can wake, which no longer count."""
    async with transaction(tower.place.database) as connection:
        await sessions.prune(connection)
        await idempotency.prune(connection)
        await attempts.prune(connection)
        await push_subscriptions.give_up(connection)


async def release_money(tower: Tower) -> None:
    """Make available what was held until now."""
    await release(tower.place.database)


async def order_renditions(tower: Tower) -> None:
    """Have the cleaned copies made of what was accepted, and of what is to be hidden differently."""
    async with transaction(tower.place.database) as connection:
        for recording in await renditions.due(connection):
            await queue.enqueue_rendition(connection, recording)


async def tell_campaign_changes(tower: Tower) -> None:
    """Tell contributors what an operator has changed of a campaign that they take part in."""
    told = 1
    while told:
        async with transaction(tower.place.database) as connection:
            told = await campaign_changes.tell_next(connection)


async def tell_ended_uses(tower: Tower) -> None:
    """Tell contributors whose recordings a buyer may not use any more, because the licence is over."""
    told = 1
    while told:
        async with transaction(tower.place.database) as connection:
            told = await sale_ends.tell_next(connection)


async def settle_large_sales(tower: Tower) -> None:
    """Tell and pay the contributors of sales that were too large to do so at once."""
    await settle_sales(tower.place.database)


async def settle_money(tower: Tower) -> None:
    """Pay for what was accepted or sold and is not paid yet."""
    await settle(tower.place.database)


async def sum_up(tower: Tower) -> None:
    """Take checkpoints of the ledger's busy accounts."""
    await checkpoints.take(tower.place.database)


async def submit_payouts(tower: Tower) -> None:
    """Hand approved payouts to the payment provider, where there is one; else an operator does it with files."""
    if url := tower.settings.payout_provider_url:
        await submit_approved(tower.place.database, tower.settings.master_key, url)


async def ask_for_payouts(tower: Tower) -> None:
    """Ask the payment provider for payouts of which it has said nothing for long."""
    if url := tower.settings.payout_provider_url:
        await ask_silent(tower.place.database, url)


async def issue_statements(tower: Tower) -> None:
    """Close the months that have ended."""
    await issue_due(tower.place.database, tower.signing)


async def post_notices(tower: Tower) -> None:
    """Tell buyers what they may not use any more."""
    await post_due(tower.place.database, tower.place.master_key, anywhere=tower.settings.webhooks_anywhere)


async def push(tower: Tower) -> None:
    """Wake the phones of those to whom something happened."""
    while await push_due(tower.place.database, tower.settings):
        pass


async def clear_withdrawn(tower: Tower) -> None:
    """End what nobody may use any more, and let go of our own copies in the time that the terms promise."""
    async with transaction(tower.place.database) as connection:
        await withdrawn.end(connection)
    async with transaction(tower.place.database) as connection:
        await withdrawn.clear(connection)


async def watch_due_dates(tower: Tower) -> None:
    """Move notices whose answer is late, and tell contributors whose consent ends soon."""
    for late in (notices.by_the_clock, consents.tell_ending):
        async with transaction(tower.place.database) as connection:
            await late(connection)


async def issue_receipts(tower: Tower) -> None:
    """Give out the receipts of consents that were given before there were receipts."""
    base = tower.settings.public_url or f"http://{tower.settings.host}:{tower.settings.port}"
    await issue_missing(tower.place.database, await tower.signing.signer(), base)


async def count_words(tower: Tower) -> None:
    """Count which words of fingerprints many recordings share, so that questions ask for rarer ones first."""
    await count_common(tower.place.database)


async def forget_places(tower: Tower) -> None:
    """Forget of fingerprints that everybody has been compared with what only those at the same moment need."""
    async with transaction(tower.place.database) as connection:
        await fingerprints.forget_places(connection)


async def close_day(tower: Tower) -> None:
    """Sign the head of every chain that grew, once a day."""
    signer = await tower.signing.signer()
    async with transaction(tower.place.database) as connection:
        await make(connection, signer)


async def reread_stored(tower: Tower) -> None:
    """Read again what was stored long ago, whether it is still what was sent."""
    while await reread(tower.place.database, tower.place.store, tower.place.master_key):
        pass


async def keep_review_promises(tower: Tower) -> None:
    """Accept what nobody looked at in the time that its quote promised, or its terms for an objection."""
    database, done = tower.place.database, True
    while done:
        async with transaction(database) as connection:
            overdue, unanswered = await reviews.overdue(connection), await disputes.unanswered(connection)
        done = bool(
            await singly(database, overdue, reviews.accept_overdue)
            + await singly(database, unanswered, disputes.accept_unanswered)
        )


async def publish_report(tower: Tower) -> None:
    """Count what became of everybody's recordings, claims and money, once a day."""
    async with transaction(tower.place.database) as connection:
        await publish(connection)


#: How often, in seconds, and what.
HANDS: tuple[tuple[float, Callable[[Tower], Awaitable[None]]], ...] = (
    (1, retry_stalled),
    (2, order_renditions),
    (2, settle_large_sales),
    (2, tell_campaign_changes),
    (5, clear_away),
    (2, push),
    (10, post_notices),
    (10, release_money),
    (30, expire_claims),
    (30, purge_erased),
    (30, submit_payouts),
    (60, ask_for_payouts),
    (60, watch_due_dates),
    (60, tell_ended_uses),
    (60, keep_review_promises),
    (60, reread_stored),
    (300, close_day),
    (300, publish_report),
    (300, clear_withdrawn),
    (300, sum_up),
    (3600, clear_orphans),
    (3600, count_words),
    (3600, forget_places),
    (3600, forget_expired),
    (3600, settle_money),
    (3600, issue_receipts),
    (3600, issue_statements),
)


async def every_so_often(seconds: float, name: str, work: Callable[[], Awaitable[object]]) -> None:
    """Do something again and again; a failure is logged and the next time comes all the same."""
    while True:
        try:
            await work()
        except Unavailable as error:
            # An engine that is away is in everybody's log already.
            logger.warning("%s waits for an engine: %s", name, error)
        except Exception:
            # The clock must not stop for anything: what expires, stalls or is to be removed would wait for ever.
            logger.exception("%s failed; it is tried again in %s seconds", name, seconds)
        await asyncio.sleep(seconds)


def wound(app: App, place: Workplace, settings: Settings) -> list[asyncio.Task[None]]:
    """Start every hand; whoever winds the clock cancels the tasks."""
    tower = Tower(app, place, settings, Signatures(place.database, place.master_key))
    return [
        asyncio.create_task(every_so_often(seconds, hand.__name__, partial(hand, tower))) for seconds, hand in HANDS
    ]

"""What the payment provider reports: the way of a payout after it has left us."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta
from typing import Any

from litestar import Request, post
from litestar.status_codes import HTTP_204_NO_CONTENT

from api.dependencies import Configuration, Database
from api.errors import PayoutRefused, ProviderEventRefused
from api.payout_providers import Instruction, hooked
from api.problems import problems
from storage import payouts
from storage.database import Connection, Pool, transaction
from storage.errors import MediaDamaged
from storage.payout_destinations import bank_account
from storage.payout_errors import DestinationMissing, PayoutMissing, PayoutMoveRefused
from storage.payouts import Payout, State

#: How long nothing may be heard of a payout before its provider is asked.
QUIET = timedelta(minutes=10)
#: When one that was not taken is handed over again: longer than an answer may take, so that no two workers do at once.
AGAIN = timedelta(seconds=30)
logger = logging.getLogger("companion.payouts")

STATES: dict[hooked.Reported, State] = {
    "payout.in_transit": "in_transit",
    "payout.paid": "paid",
    "payout.failed": "failed",
    "payout.returned": "returned",
}


@post(
    "/v1/provider-events",
    opt={"public": True},
    status_code=HTTP_204_NO_CONTENT,
    responses=problems(ProviderEventRefused, PayoutMissing, public=True),
    tags=["Payouts"],
)
async def hear_provider(request: Request[Any, Any, Any], database: Database, settings: Configuration) -> None:
    """Hear of a payout from the payment provider (Standard Webhooks: signed, at most 300 seconds old, heard once).

    An event that comes twice, or after a later one, changes nothing.
    """
    event_id, event = hooked.read(settings.payout_provider_secret, request.headers, await request.body())
    async with transaction(database) as connection:
        if await payouts.heard_first(connection, hooked.NAME, event_id):
            payout = await payouts.handed_to(connection, hooked.NAME, event.data.end_to_end_id)
            await _learn(connection, payout, STATES[event.type], event.data.because, event.data.code)


async def _learn(connection: Connection, payout: Payout, to: State, because: str | None, code: str | None) -> None:
    """Move a payout to where its provider says it is, however often and in whatever order it says so."""
    facts = {"payout": str(payout.id), "state": payout.state, "reported": to}
    if (payout.state, to) == ("paid", "failed"):
        # Some call it so when another bank sends back what had arrived.
        to = "returned"
    try:
        if to == "returned" and payout.state in {"submitted", "in_transit"}:
            # What came back had arrived: the report of that was lost, or comes later.
            await payouts.move(connection, payout.id, "paid", by="worker")
        code = code if to in {"failed", "returned"} else None
        await payouts.move(connection, payout.id, to, by="worker", because=because, code=code)
    except PayoutMoveRefused:
        if (payout.state, to) == ("failed", "paid"):
            # Its owner has had the money back and may have been paid again: a person has to look.
            logger.exception("paid after it failed", extra=facts)
        else:
            # `in_transit` after `paid`: what is known already is newer.
            logger.info("late", extra=facts)


async def submit_approved(database: Pool, master_key: bytes, url: str) -> int:
    """Hand every approved payout to the provider and return how many it took. Raises ProviderUnavailable.

    It is on its way from before the provider is asked, so that nobody can cancel it meanwhile; one whose answer got
    lost has no reference yet, and is handed over again under the same number. One that is not taken holds up nobody.
    """
    await _let_go(database)
    async with transaction(database) as connection:
        waiting = await payouts.without_reference(connection, hooked.NAME, AGAIN)
    return sum([await _handed_over(database, master_key, url, payout) for payout in waiting])


async def _let_go(database: Pool) -> None:
    """Put approved payouts on their way; one that is called back in this moment stays with its owner."""
    async with transaction(database) as connection:
        approved = await payouts.in_state(connection, "approved", limit=100)
    for payout in approved:
        with suppress(PayoutMoveRefused):
            async with transaction(database) as connection:
                await payouts.move(connection, payout.id, "submitted", by="worker", provider=hooked.NAME)


async def _handed_over(database: Pool, master_key: bytes, url: str, payout: Payout) -> bool:
    """Hand one payout over; False when it was not taken, or another worker hands it over."""
    async with transaction(database) as connection:
        if not await payouts.take(connection, payout):
            return False
    try:
        reference = await hooked.submit(url, await instruction(database, master_key, payout))
    except PayoutRefused as no:
        await _refused(database, url, payout, no)
        return False
    except DestinationMissing:
        # Its owner was erased anew after a restore; if the provider has nothing of it, the money is theirs again.
        await _refused(database, url, payout, PayoutRefused(None, None))
        return False
    except MediaDamaged:
        logger.error("its bank account cannot be read", extra={"payout": str(payout.id)})  # noqa: TRY400
        return False
    if reference is None:
        logger.warning("not taken by its provider", extra={"payout": str(payout.id)})
        return False
    async with transaction(database) as connection:
        await payouts.refer(connection, payout.id, reference)
    return True


async def _refused(database: Pool, url: str, payout: Payout, no: PayoutRefused) -> None:
    """Let a payout that is refused fail, and its owner read why, unless the provider has it.

    It has it when its first answer was lost, and refuses the second handing over of the same. Raises
    ProviderUnavailable.
    """
    logger.warning("refused by its provider", extra={"payout": str(payout.id), "code": no.code})
    standing = await hooked.poll(url, payout.id)
    await _report(database, payout, standing or hooked.Standing("failed", no.because, no.code))


async def ask_silent(database: Pool, url: str, quiet: timedelta = QUIET) -> int:
    """Ask for payouts of which nothing was heard for long, and return how many that was. Raises ProviderUnavailable.

    One that the provider does not know stays as it is, and is logged: whether it was paid has to be found out by hand.
    """
    async with transaction(database) as connection:
        waiting = await payouts.silent(connection, hooked.NAME, quiet)
    return sum([await _asked(database, url, payout) for payout in waiting])


async def _asked(database: Pool, url: str, payout: Payout) -> bool:
    """Ask for one payout; False when another worker does, or when it has moved on."""
    async with transaction(database) as connection:
        if not await payouts.take(connection, payout):
            return False
    standing = await hooked.poll(url, payout.id)
    if standing is None:
        logger.warning("unknown to its provider", extra={"payout": str(payout.id), "state": payout.state})
    else:
        await _report(database, payout, standing)
    return True


async def _report(database: Pool, payout: Payout, standing: hooked.Standing) -> None:
    """Learn what a provider answers about a payout."""
    if standing.state == "accepted":
        return
    async with transaction(database) as connection:
        # Read again: its event may have come while we asked.
        newest = await payouts.handed_to(connection, hooked.NAME, payout.id)
        await _learn(connection, newest, standing.state, standing.because, standing.code)


async def instruction(database: Pool, master_key: bytes, payout: Payout) -> Instruction:
    """Read where a payout is to go. Raises DestinationMissing, MediaDamaged."""
    async with transaction(database) as connection:
        bank = await bank_account(connection, master_key, payout.destination_id)
    return Instruction(payout.id, payout.currency, payout.micros, bank)


handlers = [hear_provider]

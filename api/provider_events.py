"""What the payment provider reports: the way of a payout after it has left us."""

from __future__ import annotations

import logging
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
from storage.errors import PayoutMissing, PayoutMoveRefused
from storage.payout_destinations import bank_account
from storage.payouts import Payout, State

#: How long nothing may be heard of a payout before its provider is asked.
QUIET = timedelta(minutes=10)
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
    try:
        if to == "returned" and payout.state in {"submitted", "in_transit"}:
            # What came back had arrived: the report of that was lost, or comes later.
            await payouts.move(connection, payout.id, "paid", by="worker")
        code = code if to in {"failed", "returned"} else None
        await payouts.move(connection, payout.id, to, by="worker", because=because, code=code)
    except PayoutMoveRefused:
        # `in_transit` after `paid`: what is known already is newer.
        logger.info("late", extra={"payout": str(payout.id), "state": payout.state, "reported": to})


async def submit_approved(database: Pool, master_key: bytes, url: str) -> int:
    """Hand every approved payout to the provider and return how many it took. Raises ProviderUnavailable.

    It is on its way from before the provider is asked, so that nobody can cancel it meanwhile; one whose answer got
    lost has no reference yet, and is handed over again under the same number. One that is not taken holds up nobody.
    """
    async with transaction(database) as connection:
        for payout in await payouts.in_state(connection, "approved", 100):
            await payouts.move(connection, payout.id, "submitted", by="worker", provider=hooked.NAME)
    async with transaction(database) as connection:
        waiting = await payouts.without_reference(connection, hooked.NAME)
    return sum([await _handed_over(database, master_key, url, payout) for payout in waiting])


async def _handed_over(database: Pool, master_key: bytes, url: str, payout: Payout) -> bool:
    """Hand one payout over; False when it was not taken. One that is refused has failed, and its owner reads why."""
    to = await instruction(database, master_key, payout)
    try:
        reference = await hooked.submit(url, to)
    except PayoutRefused as no:
        logger.warning("refused by its provider", extra={"payout": str(payout.id), "code": no.code})
        async with transaction(database) as connection:
            await payouts.move(connection, payout.id, "failed", by="worker", because=no.because, code=no.code)
        return False
    if reference is None:
        logger.warning("not taken by its provider", extra={"payout": str(payout.id)})
        return False
    async with transaction(database) as connection:
        await payouts.refer(connection, payout.id, reference)
    return True


async def ask_silent(database: Pool, url: str, quiet: timedelta = QUIET) -> int:
    """Ask for payouts of which nothing was heard for long, and return how many were. Raises ProviderUnavailable.

    One that the provider does not know stays as it is, and is logged: whether it was paid has to be found out by hand.
    """
    async with transaction(database) as connection:
        asked = await payouts.silent(connection, hooked.NAME, quiet)
    for payout in asked:
        standing = await hooked.poll(url, payout.id)
        if standing is None:
            logger.warning("unknown to its provider", extra={"payout": str(payout.id), "state": payout.state})
        elif standing.state != "accepted":
            async with transaction(database) as connection:
                # Read again: its event may have come while we asked.
                newest = await payouts.handed_to(connection, hooked.NAME, payout.id)
                await _learn(connection, newest, standing.state, standing.because, standing.code)
    return len(asked)


async def instruction(database: Pool, master_key: bytes, payout: Payout) -> Instruction:
    """Read where a payout is to go. Raises DestinationMissing, MediaDamaged."""
    async with transaction(database) as connection:
        bank = await bank_account(connection, master_key, payout.destination_id)
    return Instruction(payout.id, payout.currency, payout.micros, bank)


handlers = [hear_provider]

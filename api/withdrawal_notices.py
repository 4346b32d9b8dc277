"""Notices of withdrawals as buyers get them: posted to their webhook, listed for their key, and answered with it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from api import webhooks
from api.dependencies import Buying, Database
from api.errors import CursorInvalid
from api.pages import Cursor, Limit, Page, page, position_of
from api.problems import problems
from storage import buyers, notices
from storage.database import Pool, transaction
from storage.errors import NoticeMissing, NoticeMoveRefused
from storage.notices import Answer, Letter, Order

logger = logging.getLogger("companion.notices")

BUYER = {"buyer": True}
TYPE = "withdrawal.requested"


class BuyerAnswer(Struct, frozen=True):
    """What a buyer has done: read it, deleted every copy, or kept what a trained model holds of it."""

    state: Answer
    statement: Annotated[str, Meta(max_length=4000, examples=["Deleted from every store and from the backups."])] | (
        None
    ) = None


@get("/v1/withdrawal-notices", opt=BUYER, responses=problems(CursorInvalid), tags=["Buyers"])
async def list_notices(keyholder: Buying, database: Database, cursor: Cursor = None, limit: Limit = 50) -> Page[Order]:
    """List what contributors have withdrawn from your licences, newest first; reading it counts as being told."""
    async with transaction(database) as connection:
        found = await notices.of_buyer(connection, keyholder.id, before=position_of(cursor), limit=limit)
    return page(found, limit, lambda order: order.id)


@post(
    "/v1/withdrawal-notices/{notice:uuid}/answers",
    opt=BUYER,
    responses=problems(NoticeMissing, NoticeMoveRefused),
    tags=["Buyers"],
)
async def answer_notice(
    notice: FromPath[UUID], data: JSONBody[BuyerAnswer], keyholder: Buying, database: Database
) -> Order:
    """Acknowledge a withdrawal, attest that you have deleted, or say what a trained model still holds.

    The contributor reads the answer with your name, and it is noted in the recording's passport.
    """
    async with transaction(database) as connection:
        return await notices.answer(connection, keyholder.id, notice, data.state, data.statement)


async def post_due(database: Pool, master_key: bytes, *, anywhere: bool) -> int:
    """Post the letters that are due and move the ones that arrived; return how many did.

    At once, so that a buyer whose receiver is slow lets nobody else's wait; and one that fails keeps no other.
    """
    async with transaction(database) as connection:
        due = await notices.take_due(connection)
    telling = (told(database, master_key, letter, anywhere=anywhere) for letter in due)
    arrived = await asyncio.gather(*telling, return_exceptions=True)
    for letter, error in zip(due, arrived, strict=True):
        if isinstance(error, BaseException):
            logger.error("a notice failed", extra={"notice": str(letter.order.id)}, exc_info=error)
    return sum(one is True for one in arrived)


async def told(database: Pool, master_key: bytes, letter: Letter, *, anywhere: bool) -> bool:
    """Post one letter, and note when it arrived."""
    arrived = await posted(database, master_key, letter, anywhere=anywhere)
    if arrived:
        # Its answer may have been quicker than ours to write down that it was told.
        with suppress(NoticeMoveRefused):
            async with transaction(database) as connection:
                await notices.move(connection, letter.order.id, "notified")
    return arrived


async def posted(database: Pool, master_key: bytes, letter: Letter, *, anywhere: bool) -> bool:
    """Post one letter, signed with the buyer's own secret; False when it did not arrive, which is tried again."""
    async with transaction(database) as connection:
        secret = await buyers.webhook_secret(connection, master_key, letter.buyer_id)
    if secret is None:
        return False
    body = msgspec.json.encode({"type": TYPE, "timestamp": letter.order.withdrawn_at, "data": letter.order})
    try:
        await webhooks.post(letter.url, secret, str(letter.order.id), body, anywhere=anywhere)
    except webhooks.NotDelivered as error:
        logger.warning("a notice did not arrive", extra={"notice": str(letter.order.id), "because": str(error)})
        return False
    return True


handlers: list[Any] = [list_notices, answer_notice]

"""Notices: every buyer who holds what was withdrawn is told, and its answer is waited for by the clock.

    queued → notified → acknowledged → deletion_attested | kept_in_trained_model
    any that is late → overdue → escalated

The allowed moves are rows of `notice_edges`. A trigger refuses every other one, tells the contributor of each that
happens and notes it in the recording's passport.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import psycopg.errors
from msgspec import Meta, Struct

from storage.database import Connection, every, one, run
from storage.errors import NoticeMissing, NoticeMoveRefused

State = Literal[
    "queued", "notified", "acknowledged", "deletion_attested", "kept_in_trained_model", "overdue", "escalated"
]
#: What a buyer answers; what is kept in a trained model is said and not hidden.
Answer = Literal["acknowledged", "deletion_attested", "kept_in_trained_model"]


class Notice(Struct, frozen=True):
    """What one buyer was told, by when, and where that stands."""

    id: UUID
    sale: UUID
    buyer: Annotated[str, Meta(examples=["Harbour Speech GmbH"])]
    country: Annotated[str, Meta(examples=["DE"])]
    dataset: Annotated[str, Meta(examples=["Read speech, English"])]
    version: Annotated[int, Meta(examples=[1])]
    uses: Annotated[list[str], Meta(examples=[["asr_training"]])]
    state: State
    notify_by: datetime
    delete_by: datetime
    delivered_at: datetime | None
    notified_at: datetime | None
    settled_at: datetime | None
    statement: Annotated[str, Meta(examples=["Deleted from every store and from the backups."])] | None


class Order(Struct, frozen=True):
    """What a buyer is asked to do; `code` is the recording's name in the files that the buyer has."""

    id: UUID
    sale: UUID
    dataset: UUID
    version: Annotated[int, Meta(examples=[1])]
    code: Annotated[str, Meta(examples=["7K3M9QXA2PV4"])] | None
    uses: Annotated[list[str], Meta(examples=[["asr_training"]])]
    state: State
    withdrawn_at: datetime
    delete_by: datetime


class Letter(Struct, frozen=True):
    """An order that is to be posted to a buyer's webhook now."""

    order: Order
    buyer_id: UUID
    url: str


OF_WITHDRAWAL = """
    SELECT n.id, n.sale_id AS sale, b.legal_name AS buyer, b.country, d.title AS dataset, s.version, n.uses, n.state,
        n.notify_by, n.delete_by, line.delivered_at, n.notified_at, n.settled_at, n.statement
    FROM withdrawal_notices n
    JOIN buyers b ON b.id = n.buyer_id
    JOIN sales s ON s.id = n.sale_id
    JOIN datasets d ON d.id = s.dataset_id
    JOIN sale_lines line ON line.sale_id = n.sale_id AND line.recording_id = n.recording_id
"""
ORDER = """
    n.id, n.sale_id AS sale, s.dataset_id AS dataset, s.version, k.code, n.uses, n.state,
    w.sales_stopped_at AS withdrawn_at, n.delete_by
"""
ORDERS = f"""
    SELECT {ORDER}
    FROM withdrawal_notices n
    JOIN withdrawals w ON w.id = n.withdrawal_id
    JOIN sales s ON s.id = n.sale_id
    LEFT JOIN recording_codes k ON k.recording_id = n.recording_id
"""
#: Tries double their distance from a minute to an hour, so a buyer's short outage costs minutes of its day. First tries
#: come first: thousands of letters to a receiver that is gone would otherwise take every place of those to others.
TAKE_DUE = """
    UPDATE withdrawal_notices SET attempts = attempts + 1,
        next_attempt_at = now() + least(interval '1 minute' * 2 ^ least(attempts, 10), interval '1 hour')
    WHERE id IN (
        SELECT n.id FROM withdrawal_notices n JOIN buyers b ON b.id = n.buyer_id
        WHERE n.notified_at IS NULL AND n.state IN ('queued', 'overdue', 'escalated') AND n.next_attempt_at <= now()
          AND b.webhook_url IS NOT NULL
        ORDER BY n.attempts, n.notify_by LIMIT %(limit)s FOR UPDATE OF n SKIP LOCKED)
    RETURNING id
"""
MOVE = "UPDATE withdrawal_notices SET state = %(to)s, statement = coalesce(%(statement)s, statement) WHERE id = %(id)s"
# Late in telling is ours, late in deleting the buyer's; a contributor sees both.
LATE = """
    UPDATE withdrawal_notices SET state = 'overdue'
    WHERE (state = 'queued' AND notify_by < now()) OR (state IN ('notified', 'acknowledged') AND delete_by < now())
"""
ESCALATE = """
    UPDATE withdrawal_notices SET state = 'escalated' WHERE state = 'overdue' AND moved_at < now() - interval '7 days'
"""


class _Id(Struct, frozen=True):
    id: UUID


class _Address(Struct, frozen=True):
    buyer_id: UUID
    url: str


async def of_withdrawal(connection: Connection, withdrawal: UUID) -> list[Notice]:
    """List what each buyer was told of a withdrawal of the caller's own, at most 1,000."""
    query = OF_WITHDRAWAL + "WHERE n.withdrawal_id = %(withdrawal)s ORDER BY n.id LIMIT 1000"
    return await every(connection, Notice, query, withdrawal=withdrawal)


OF_BUYER = f"""
    {ORDERS} WHERE n.buyer_id = %(buyer)s AND (%(before)s::uuid IS NULL OR n.id < %(before)s)
    ORDER BY n.id DESC LIMIT %(limit)s
"""
READ = """
    UPDATE withdrawal_notices SET state = 'notified'
    WHERE id = ANY(%(read)s) AND notified_at IS NULL AND state IN ('queued', 'overdue', 'escalated')
"""


async def of_buyer(connection: Connection, buyer: UUID, *, before: UUID | None, limit: int) -> list[Order]:
    """List what a buyer was asked, newest first, with one more than `limit` where there is one.

    Whatever it reads here, it has been told: the `limit` that it is given, and not the pages that it may never ask for.
    """
    wanted = {"buyer": buyer, "before": before, "limit": limit + 1}
    found = await every(connection, Order, OF_BUYER, **wanted)
    await run(connection, READ, read=[order.id for order in found[:limit]])
    return await every(connection, Order, OF_BUYER, **wanted)


async def open_ones(connection: Connection) -> list[Notice]:
    """List what is not settled for an operator, the most urgent first, at most 1,000."""
    unsettled = "WHERE n.state NOT IN ('deletion_attested', 'kept_in_trained_model')"
    return await every(connection, Notice, f"{OF_WITHDRAWAL} {unsettled} ORDER BY n.delete_by, n.id LIMIT 1000")


async def ignored(connection: Connection, buyer: UUID) -> bool:
    """Whether a buyer has let a withdrawal escalate: until it answers, nothing more is sold to it."""
    query = "SELECT id FROM withdrawal_notices WHERE buyer_id = %(buyer)s AND state = 'escalated' LIMIT 1"
    return await one(connection, _Id, query, buyer=buyer) is not None


async def take_due(connection: Connection, limit: int = 20) -> list[Letter]:
    """Take the letters that are to be posted now; the next try of each is set before it is made."""
    letters = []
    for due in await every(connection, _Id, TAKE_DUE, limit=limit):
        order = await one(connection, Order, ORDERS + "WHERE n.id = %(id)s", id=due.id)
        address = await one(
            connection,
            _Address,
            """
            SELECT b.id AS buyer_id, b.webhook_url AS url FROM withdrawal_notices n JOIN buyers b ON b.id = n.buyer_id
            WHERE n.id = %(id)s
            """,
            id=due.id,
        )
        if order is not None and address is not None:
            letters.append(Letter(order, address.buyer_id, address.url))
    return letters


async def answer(connection: Connection, buyer: UUID, notice: UUID, to: Answer, statement: str | None) -> Order:
    """Write down a buyer's answer. Raises NoticeMissing for another buyer's notice too, NoticeMoveRefused.

    Who answers has been told.
    """
    query = ORDERS + "WHERE n.id = %(id)s AND n.buyer_id = %(buyer)s FOR UPDATE OF n"
    found = await one(connection, Order, query, id=notice, buyer=buyer)
    if found is None:
        raise NoticeMissing
    if found.state == "queued":
        await move(connection, notice, "notified")
    await move(connection, notice, to, statement)
    answered = await one(connection, Order, query, id=notice, buyer=buyer)
    return answered or found


async def move(connection: Connection, notice: UUID, to: State, statement: str | None = None) -> None:
    """Move a notice; moving it to where it is changes nothing. Raises NoticeMissing, NoticeMoveRefused."""
    try:
        async with connection.transaction():
            touched = await run(connection, MOVE, id=notice, to=to, statement=statement)
    except psycopg.errors.CheckViolation as error:
        raise NoticeMoveRefused(to=to) from error
    if not touched:
        raise NoticeMissing


async def by_the_clock(connection: Connection) -> int:
    """Move what is late; return how many were."""
    return await run(connection, LATE) + await run(connection, ESCALATE)

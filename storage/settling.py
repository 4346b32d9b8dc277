"""Settling: what the clock does for contributors' money, in small transactions that can be killed between any two.

Acceptances pay in their own transactions, and so do sales of a few recordings; large sales are paid here, some at a
time. What else is found unpaid was made by an older version of the service. What is due becomes available.
"""

from __future__ import annotations

import logging
from uuid import UUID

from msgspec import Struct

from storage import accruals, availability, royalties
from storage.database import Pool, reading, singly, transaction
from storage.errors import Unavailable

logger = logging.getLogger("companion.settling")


class Settled(Struct, frozen=True):
    """How many recordings and sales were paid late, and how many amounts became available."""

    recordings: int
    sales: int
    released: int


async def settle(database: Pool) -> Settled:
    """Pay what is unpaid and release what is due, until nothing is left. Safe to run anywhere, and at once."""
    paid = 0
    while count := await _catch_up(database):
        paid += count
    async with transaction(database) as connection:
        for sale in await royalties.unsettled(connection):
            await royalties.open_settlement(connection, sale, telling=False)
    return Settled(paid, await settle_sales(database), await release(database))


async def settle_sales(database: Pool) -> int:
    """Tell and pay the contributors of every sale that waits for that; return how many sales were finished.

    Each batch is a transaction of its own and holds the accounts in it for that long, and nobody else's. The sales take
    turns, so that one of a hundred thousand keeps nobody else's waiting, nor one that cannot be settled.
    """
    going_on = before = await _waiting(database)
    while going_on:
        going_on = await singly(database, going_on, royalties.settle_next)
    return len(set(before) - set(await _waiting(database)))


async def _waiting(database: Pool) -> list[UUID]:
    async with reading(database) as connection:
        return await royalties.waiting(connection)


async def _catch_up(database: Pool) -> int:
    async with reading(database) as connection:
        unpaid = await accruals.unpaid(connection)
    return len(await singly(database, unpaid, accruals.accrue))


async def release(database: Pool) -> int:
    """Make everything available that is due; return how many amounts that was.

    Where one line cannot be, so that the batch fails that it is in, everybody is released alone.
    """
    released = 0
    try:
        while count := await _release(database):
            released += count
    except Unavailable:
        raise
    except Exception:
        logger.exception("a batch could not be released")
        async with reading(database) as connection:
            owners = await availability.owners(connection)
        released += len(await singly(database, owners, availability.release))
    return released


async def _release(database: Pool) -> int:
    async with transaction(database) as connection:
        return await availability.release(connection)

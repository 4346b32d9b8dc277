"""Settling: what the clock does for contributors' money, in small transactions that can be killed between any two.

Acceptances and sales pay in their own transactions; what is found unpaid here was made by an older version of the
service. What is due becomes available.
"""

from __future__ import annotations

from msgspec import Struct

from storage import accruals, availability, royalties
from storage.database import Pool, transaction


class Settled(Struct, frozen=True):
    """How many recordings and sales were paid late, and how many amounts became available."""

    recordings: int
    sales: int
    released: int


async def settle(database: Pool) -> Settled:
    """Pay what is unpaid and release what is due, until nothing is left. Safe to run anywhere, and at once."""
    paid, sold = 0, 0
    while count := await _catch_up(database):
        paid += count
    async with transaction(database) as connection:
        open_sales = await royalties.unsettled(connection)
    for sale in open_sales:
        async with transaction(database) as connection:
            sold += bool(await royalties.settle_sale(connection, sale))
    return Settled(paid, sold, await release(database))


async def _catch_up(database: Pool) -> int:
    async with transaction(database) as connection:
        return await accruals.catch_up(connection)


async def release(database: Pool) -> int:
    """Make everything available that is due; return how many amounts that was."""
    released = 0
    while count := await _release(database):
        released += count
    return released


async def _release(database: Pool) -> int:
    async with transaction(database) as connection:
        return await availability.release(connection)

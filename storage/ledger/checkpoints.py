"""Checkpoints: the sums of the busiest accounts up to a point, so that reading one stays quick.

Almost every posting touches our own accounts, so they have no balance row to wait for. Their balance is the newest
checkpoint and the transfers after it.
"""

from __future__ import annotations

from msgspec import Struct

from storage.database import Pool, one, run, transaction


class Taken(Struct, frozen=True):
    """How many accounts were rolled forward."""

    accounts: int


async def take(database: Pool) -> int:
    """Roll every busy account forward; return how many moved.

    Two transactions: the first waits for postings in flight and notes the horizon, and its lock ends with it; the
    second adds up, for as long as that takes, beside whoever posts.
    """
    async with transaction(database) as connection:
        await run(connection, "SELECT ledger_settle_horizon()")
    async with transaction(database) as connection:
        await run(connection, "SET LOCAL statement_timeout = '10min'")
        taken = await one(connection, Taken, "SELECT ledger_checkpoint() AS accounts")
    return taken.accounts if taken else 0

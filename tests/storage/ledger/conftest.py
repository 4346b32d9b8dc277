"""A pool of the service's own role, and accounts to post between."""

from collections.abc import AsyncIterator
from typing import NamedTuple
from uuid import UUID, uuid4

import pytest

from storage.database import Pool, pool, transaction
from storage.ledger import accounts
from storage.ledger.posting import Leg, post


@pytest.fixture(scope="session")
async def database(database_url: str) -> AsyncIterator[Pool]:
    """Connections of the role that has no right to write a ledger row."""
    async with pool(database_url, largest=20) as opened:
        yield opened


class Purse(NamedTuple):
    """A new contributor's accounts in one currency, and ours that pays."""

    owner: UUID
    pending: int
    available: int
    costs: int


async def purse(database: Pool, currency: str = "EUR") -> Purse:
    """Open the accounts of somebody new."""
    owner = uuid4()
    async with transaction(database) as connection:
        return Purse(
            owner,
            await accounts.of(connection, owner, "contributor_pending", currency),
            await accounts.of(connection, owner, "contributor_available", currency),
            await accounts.ours(connection, "recording_costs", currency),
        )


async def paid_in(database: Pool, to: Purse, micros: int) -> UUID:
    """Let somebody earn an amount that is available at once."""
    async with transaction(database) as connection:
        return await post(connection, f"test {uuid4()}", "accrual", [Leg(to.costs, to.available, micros)])


async def balance(database: Pool, account: int) -> int:
    """Credits minus debits of an account, in micros."""
    async with transaction(database) as connection:
        return (await accounts.sums(connection, account)).balance

"""The payout race: sixteen clients empty one account as fast as they can, and none ever gets what is not there.

With COMPANION_FAULT_RACES each asks as often as that says, 10,000 times in the target; otherwise some dozen times.
"""

import asyncio
import os
import random
from uuid import uuid4

import pytest

from storage.database import Pool, transaction
from storage.ledger import accounts
from storage.ledger.errors import Overdrawn
from storage.ledger.posting import Leg, post
from tests.storage.ledger.conftest import balance, paid_in, purse

CLIENTS = 16
ASKED = int(os.environ.get("COMPANION_FAULT_RACES", "40"))
#: Enough for about half of what is asked for.
FUNDS = CLIENTS * ASKED * 25

pytestmark = pytest.mark.timeout(120 + ASKED)


async def test_sixteen_clients_never_take_more_than_there_is(database: Pool):
    mine = await purse(database)
    await paid_in(database, mine, FUNDS)
    async with transaction(database) as connection:
        reserved = await accounts.of(connection, mine.owner, "contributor_reserved", "EUR")

    async def client() -> tuple[int, int]:
        taken, refused = 0, 0
        for _ in range(ASKED):
            micros = random.randint(1, 100)
            try:
                async with transaction(database) as connection:
                    leg = Leg(mine.available, reserved, micros)
                    await post(connection, f"race {uuid4()}", "payout_requested", [leg])
                taken += micros
            except Overdrawn:
                refused += 1
        return taken, refused

    answers = await asyncio.gather(*(client() for _ in range(CLIENTS)))
    taken, refused = sum(taken for taken, _ in answers), sum(refused for _, refused in answers)
    print(f"{CLIENTS} clients asked {ASKED} times each: {refused} refused, 0 overdrawn")

    assert refused
    assert taken == await balance(database, reserved)
    assert 0 <= FUNDS - taken == await balance(database, mine.available)

"""The clock: every hand works on an empty day, and one that fails stops nothing."""

import asyncio

import pytest
from litestar import Litestar

from api import clock
from api.clock import HANDS, Tower
from api.settings import Settings
from api.signing import Signatures
from api.validation import Workplace
from storage.queue import application


@pytest.mark.parametrize("hand", [hand for _, hand in HANDS], ids=lambda hand: hand.__name__)
async def test_every_hand_can_be_moved(app: Litestar, place: Workplace, settings: Settings, hand: object) -> None:
    """Twice in a row: what there was to do is done, and the second time finds nothing."""
    async with application(settings.database_url).open_async() as queue:
        tower = Tower(queue, place, settings, Signatures(place.database, place.master_key))
        for _ in range(2):
            await hand(tower)  # type: ignore[operator]


async def test_a_hand_that_fails_moves_again() -> None:
    """The clock must not stop for anything."""
    moved = asyncio.Event()
    tries = 0

    async def failing() -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise RuntimeError
        moved.set()

    hand = asyncio.create_task(clock.every_so_often(0.01, "failing", failing))
    await asyncio.wait_for(moved.wait(), 5)
    hand.cancel()
    await asyncio.gather(hand, return_exceptions=True)

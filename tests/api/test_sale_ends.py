"""The end of a licence is told to everybody in it, once, and to nobody whose use had ended before."""

import time
from typing import Any

import httpx
import pytest

from api.pushes import WAKING
from storage import sale_ends
from storage.database import Pool, run, transaction
from storage.errors import DatabaseBusy
from tests.api import trading
from tests.api.owning import Sold

Client = httpx.AsyncClient
OVER = "UPDATE sale_ends SET ends_at = now() WHERE sale_id IN (SELECT id FROM sales WHERE buyer_id = %(buyer)s)"


async def over(database: Pool, sold: Sold) -> None:
    """Let the time of a buyer's licences be over, and the clock tell of it."""
    async with transaction(database) as connection:
        await run(connection, OVER, buyer=sold.buyer_id)
    told = 1
    while told:
        async with transaction(database) as connection:
            told = await sale_ends.tell_next(connection)


async def ends(client: Client) -> list[dict[str, Any]]:
    events = (await client.get("/v1/events")).json()["data"]
    return [event for event in events if event["kind"] == "use.ended"]


async def test_the_end_of_a_licence_is_told_as_its_beginning_was(sold: Sold, contributor: Client, database: Pool):
    """Once; before its time nobody hears of it."""
    events = (await contributor.get("/v1/events")).json()["data"]
    began = next(event for event in events if event["kind"] == "use.started")
    assert [] == await ends(contributor)

    await over(database, sold)
    await over(database, sold)

    told = await ends(contributor)
    assert [(sold.recording, "clock")] == [(event["recording"], event["moved_by"]) for event in told]
    assert told[0]["data"].items() <= began["data"].items()
    assert "use.ended" in WAKING["uses"]


async def test_what_was_withdrawn_before_does_not_end_again(sold: Sold, contributor: Client, database: Pool):
    assert (await trading.withdraw(contributor, sold.recording)).is_success

    await over(database, sold)

    assert [] == await ends(contributor)


async def test_a_long_licence_is_told_of_piece_by_piece(
    sold: Sold, contributor: Client, database: Pool, monkeypatch: Any
):
    """Whoever keeps the clock may die in between."""
    monkeypatch.setattr(sale_ends, "BATCH", 1)
    async with transaction(database) as connection:
        await run(connection, OVER, buyer=sold.buyer_id)
        assert 1 == await sale_ends.tell_next(connection)
    assert 1 == len(await ends(contributor))

    await over(database, sold)

    assert 1 == len(await ends(contributor))


async def test_it_gives_way_to_whoever_holds_a_recording(sold: Sold, contributor: Client, database: Pool):
    """A contributor who withdrew waited in a circle with the clock, and one of them heard 503; it is told later."""
    async with transaction(database) as connection:
        await run(connection, OVER, buyer=sold.buyer_id)
    async with transaction(database) as withdrawing:
        await run(withdrawing, "SELECT FROM recordings WHERE id = %(id)s FOR UPDATE", id=sold.recording)
        began = time.monotonic()
        with pytest.raises(DatabaseBusy):
            async with transaction(database) as connection:
                await sale_ends.tell_next(connection)
        took_s = time.monotonic() - began
    assert took_s < 5

    await over(database, sold)

    assert 1 == len(await ends(contributor))

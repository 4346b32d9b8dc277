"""Settling: what a large sale tells and pays piece by piece, whatever else happens to its recordings meanwhile."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from api.validation import Workplace
from storage import accounts, corrections, royalties, sales
from storage.database import Pool, every, one, run, transaction
from storage.ledger.audit import audit
from storage.royalties import Settlement
from storage.settling import settle_sales
from tests.api import trading
from tests.api.earning import owner

Client = httpx.AsyncClient


@pytest.fixture(autouse=True)
async def screening_list(database: Pool) -> None:
    await trading.listed(database)


@pytest.fixture
async def recording(place: Workplace, contributor: Client, campaign: dict[str, Any]) -> str:
    return await trading.accepted(place, contributor, campaign)


async def test_a_large_sale_is_told_and_paid_a_few_recordings_at_a_time(
    place: Workplace,
    contributor: Client,
    operator: Client,
    campaign: dict[str, Any],
    recording: str,
    database: Pool,
    monkeypatch: pytest.MonkeyPatch,
):
    """The sale itself holds no account; what is settled piece by piece adds up, once, whoever settles how often."""
    monkeypatch.setattr(sales, "SETTLED_AT_ONCE", 2)
    monkeypatch.setattr(royalties, "BATCH", 2)
    mine = [recording, *[await trading.accepted(place, contributor, campaign) for _ in range(2)]]
    sold = await trading.sell(
        operator, (await trading.buyer(operator))["id"], await trading.version(operator, mine), price_micros=100
    )
    before = await standing(database, sold.json()["id"])
    async with transaction(database) as connection:
        settlement = await one(connection, Settlement, royalties.HELD, sale=sold.json()["id"])
        assert settlement is not None
        first = await royalties.settle_some(connection, settlement)
    await settle_sales(database)
    after = await standing(database, sold.json()["id"])
    await settle_sales(database)

    events = (await contributor.get("/v1/events")).json()["data"]
    told = [event["recording"] for event in events if event["kind"] == "use.started"]
    paid = [event for event in events if event["kind"] == "earning.created" and event["data"]["net"]["micros"] < 100]
    assert (3, []) == (sold.json()["recordings"], before)
    assert 2 == first
    assert [16, 16, 17] == sorted(after)
    assert sorted(mine) == sorted(told)
    assert (3, list(range(1, len(events) + 1))) == (len(paid), [event["number"] for event in events])
    assert after == await standing(database, sold.json()["id"])


async def test_what_is_taken_back_while_its_sale_is_settled_is_not_paid_by_it(
    place: Workplace,
    contributor: Client,
    other: Client,
    operator: Client,
    campaign: dict[str, Any],
    database: Pool,
    monkeypatch: pytest.MonkeyPatch,
):
    """The claim was upheld between two batches; everybody else is paid as if nothing had happened."""
    monkeypatch.setattr(sales, "SETTLED_AT_ONCE", 0)
    mine, theirs = [await trading.accepted(place, client, campaign) for client in (contributor, other)]
    dataset = await trading.version(operator, [mine, theirs])
    sold = await trading.sell(operator, (await trading.buyer(operator))["id"], dataset)

    async with transaction(database) as connection:
        assert 2 == await corrections.claw_back_recording(connection, UUID(mine), "It is somebody else's voice.")
    await settle_sales(database)

    async with transaction(database) as connection:
        query = "SELECT net_micros AS gross_micros FROM balance_transactions WHERE recording_id = %(recording)s"
        lines = [
            [line.gross_micros for line in await every(connection, trading.Paid, query, recording=recording)]
            for recording in (mine, theirs)
        ]
        findings = await audit(connection)
    assert [] == [finding for finding in findings if finding.wrong]
    assert (4, 0) == (len(lines[0]), sum(lines[0]))
    assert 25_000_000 in lines[1]
    assert [25_000_000] * 2 == await standing(database, sold.json()["id"])


async def test_whoever_withdraws_meanwhile_waits_in_no_circle(
    operator: Client, recording: str, database: Pool, monkeypatch: pytest.MonkeyPatch
):
    """A withdrawal holds its recording and then its owner; settling waits for the one before it takes the other."""
    monkeypatch.setattr(sales, "SETTLED_AT_ONCE", 0)
    dataset = await trading.version(operator, [recording])
    sold = await trading.sell(operator, (await trading.buyer(operator))["id"], dataset)
    mine = await owner(database, recording)

    async with transaction(database) as withdrawing:
        await run(withdrawing, "SELECT FROM recordings WHERE id = %(id)s FOR UPDATE", id=recording)
        settling = asyncio.create_task(settle_sales(database))
        await waits(database)
        await accounts.lock(withdrawing, [mine])

    assert 1 == await settling
    assert [50_000_000] == await standing(database, sold.json()["id"])


async def waits(database: Pool) -> None:
    """Go on once somebody waits for a lock in this database."""
    for _ in range(200):
        async with transaction(database) as connection:
            row = await connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            if ((await row.fetchone()) or (0,))[0]:
                return
        await asyncio.sleep(0.05)
    raise AssertionError("nobody waits")


async def standing(database: Pool, sale: str) -> list[int]:
    """What was paid for a sale, line by line."""
    async with transaction(database) as connection:
        query = "SELECT gross_micros FROM balance_transactions WHERE type = 'royalty' AND sale_id = %(sale)s"
        return [line.gross_micros for line in await every(connection, trading.Paid, query, sale=sale)]

"""Track records and transparency reports: what everybody may know of how others fared, and nothing of anybody."""

import os
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from api.transparency import publish
from storage import payouts, reviews, track_records, transparency
from storage.database import Connection, Pool, run, transaction
from storage.recordings import State, move
from storage.track_records import FEWEST, of_campaign
from storage.validations import RESULT
from tests.api import trading
from tests.api.owning import Sold
from tests.api.paying import account_of, destination, earned
from tests.api.taking import agree, claim
from tests.api.test_quotes import opened

Client = httpx.AsyncClient
Campaign = dict[str, Any]
MINUTE = 60_000
DECIDED = ("accepted", "rejected", "needs_fix")


def today() -> date:
    return datetime.now(UTC).date()


async def decided(database: Pool, client: Client, campaign: Campaign, *states: State, ms: int = MINUTE) -> UUID:
    """A recording that was examined and then moved through these states, by a person from the second one on."""
    claimed = await claim(client, campaign, os.urandom(100))
    assert 201 == claimed.status_code, claimed.text
    recording = UUID(claimed.json()["id"])
    await agree(client, campaign, str(recording))
    async with transaction(database) as connection:
        for state in ("uploading", "validating"):
            await move(connection, recording, state, by="contributor", because=None)
        await run(connection, RESULT, recording=recording, object_key=str(uuid4()), duration_ms=ms)
        await move(connection, recording, states[0], by="worker", because="passed")
    for state in states[1:]:
        async with transaction(database) as connection:
            if state in DECIDED:
                await reviews.decide(connection, recording, state, "It is fine.")
            else:
                await move(connection, recording, state, by="contributor", because="Please listen.")
    return recording


async def counted(database: Pool) -> transparency.Report:
    async with transaction(database) as connection:
        return await transparency.counted(connection, today())


async def keep(connection: Connection, day: date) -> None:
    await track_records.keep(connection, day)
    await transparency.keep(connection, await transparency.counted(connection, day))


async def test_a_campaign_tells_how_it_went_for_others(database: Pool, contributor: Client, client: Client):
    """Each recording counts as its newest decision left it, and an hour earns less the more of it is turned away."""
    campaign = await opened(database, client, 100)
    assert campaign["track_record"] is None
    for states in [
        *[("accepted",)] * 6,
        *[("in_review", "accepted")] * 2,
        *[("needs_fix",)] * 2,
        ("in_review", "rejected"),
        ("rejected", "in_review", "accepted"),
    ]:
        await decided(database, contributor, campaign, *states)

    async with transaction(database) as connection:
        await keep(connection, today())

    told = (await client.get(campaign["url"])).json()["track_record"]
    assert (9, 2, 1, 4) == tuple(told[name] for name in ("accepted", "returned", "rejected", "reviewed"))
    assert (today().isoformat(), 90) == (told["until"], told["days"])
    assert None not in (told["examined_in"], told["reviewed_in"])
    rate = campaign["rate"]
    hourly = rate["micros"] * 3_600_000 // rate["per_ms"]
    assert told["earned_per_hour"]["micros"] == pytest.approx(hourly * 9 / 12, abs=60)
    assert rate["currency"] == told["earned_per_hour"]["currency"]

    listed = (await client.get("/v1/transparency", params={"limit": 1})).json()
    assert today().isoformat() == listed["data"][0]["day"]
    with pytest.raises(psycopg.errors.RestrictViolation):
        async with transaction(database) as connection:
            await connection.execute("UPDATE transparency_reports SET document = '{}'")


async def test_of_a_few_recordings_nothing_is_told(database: Pool, contributor: Client, client: Client):
    """One bad day would look like a habit, and one person could be meant."""
    campaign = await opened(database, client, 100)
    for _ in range(FEWEST - 1):
        await decided(database, contributor, campaign, "needs_fix")

    async with transaction(database) as connection:
        await keep(connection, day := today() + timedelta(days=1))
        few = await of_campaign(connection, UUID(campaign["id"]))
        assert await run(connection, "SELECT FROM track_records WHERE day = %(day)s AND returned = 9", day=day)
        raise psycopg.Rollback  # Other tests ask for the newest day.

    assert few is None


@pytest.mark.parametrize(("later", "found"), [(-1, 0), (0, 1), (89, 1), (90, 0)])
async def test_a_season_ends(database: Pool, contributor: Client, client: Client, later: int, found: int):
    """What was decided after the day, or ninety days before it, does not count."""
    campaign = await opened(database, client, 100)
    await decided(database, contributor, campaign, "accepted")

    async with transaction(database) as connection:
        day = today() + timedelta(days=later)
        await track_records.keep(connection, day)
        query = "SELECT FROM track_records WHERE campaign_id = %(campaign)s"
        kept = await run(connection, query, campaign=campaign["id"])
        raise psycopg.Rollback

    assert found == kept


async def test_disputes_withdrawals_licences_and_money_are_counted(
    database: Pool, contributor: Client, operator: Client, client: Client, sold: Sold
):
    """A difference for everything that happens, in the figure that is meant by it."""
    before = await counted(database)
    disputed = await decided(database, contributor, await opened(database, client, 100), "rejected")
    answer = await contributor.post(f"/v1/recordings/{disputed}/disputes", json={"text": "It is the fridge."})
    assert 201 == answer.status_code, answer.text
    waiting = await counted(database)
    async with transaction(database) as connection:
        await reviews.decide(connection, disputed, "accepted", "You are right.")
    assert 202 == (await trading.withdraw(contributor, sold.recording)).status_code
    account = await account_of(contributor, database)
    await earned(database, account, 50_000_000)
    target = await destination(contributor, database, account)
    payout = await contributor.post("/v1/payouts", json={"destination": target})
    assert 201 == payout.status_code, payout.text
    async with transaction(database) as connection:
        for state in ("approved", "submitted", "paid"):
            await payouts.move(connection, UUID(payout.json()["id"]), state, by="operator")
    after = await counted(database)

    assert (1, 0, 1) == (
        waiting.disputes.opened - before.disputes.opened,
        waiting.disputes.answered - before.disputes.answered,
        waiting.disputes.waiting - before.disputes.waiting,
    )
    assert (1, 1) == (
        after.disputes.answered - before.disputes.answered,
        after.disputes.overturned - before.disputes.overturned,
    )
    assert 1 == after.withdrawals.withdrawals - before.withdrawals.withdrawals
    assert before.licences.sales >= 1
    assert before.licences.recordings >= 1
    assert before.licences.sales == after.licences.sales
    (euros_before,), (euros,) = ([line for line in found.money if line.currency == "EUR"] for found in (before, after))
    assert 1 == euros.payouts - euros_before.payouts
    assert 50_000_000 <= euros.paid_micros - euros_before.paid_micros
    assert 50_000_000 <= euros.earned_micros - euros_before.earned_micros
    assert euros.paid_in is not None


async def test_a_day_is_reported_once(database: Pool):
    """The clock asks every few minutes, and any number of workers do."""
    async with transaction(database) as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('transparency', 0))")
        first = await publish(connection)
        assert await publish(connection) is None

    assert first is None or today() > first

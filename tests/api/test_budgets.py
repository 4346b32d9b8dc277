"""Budgets: what a campaign pays for, it pays for once, whoever withdraws, leaves or sends it again."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx

from api.validation import Workplace
from storage import corrections, erasures, withdrawn
from storage.database import Pool, run, transaction
from tests.api import trading
from tests.api.earning import owner
from tests.api.taking import agree, claim, examined, slug, speech, submit
from tests.api.test_accruals import lines
from tests.api.test_quotes import opened

Client = httpx.AsyncClient


async def remaining(client: Client, campaign: dict[str, Any]) -> int:
    """How many recordings a campaign says it still takes."""
    return int((await client.get(f"/v1/campaigns/{campaign['id']}")).json()["quota"]["remaining"])


async def test_a_place_that_was_paid_stays_taken_when_its_recording_is_withdrawn(
    contributor: Client, other: Client, place: Workplace, database: Pool
):
    """Else one place is paid as often as somebody records, takes the pay and withdraws."""
    campaign = await opened(database, contributor, 1)
    recording = await trading.accepted(place, contributor, campaign)

    assert 202 == (await trading.withdraw(contributor, recording)).status_code
    refused = await claim(contributor, campaign, speech())
    shown = await remaining(other, campaign)
    (line,) = await lines(database, await owner(database, recording))
    async with transaction(database) as connection:
        await corrections.claw_back(connection, line.id, "It was withdrawn at once.")

    assert (409, "campaign-closed", 0) == (refused.status_code, slug(refused), shown)
    assert 1 == await remaining(other, campaign)


async def test_a_place_that_was_paid_stays_taken_when_its_owner_leaves(
    contributor: Client, other: Client, place: Workplace, database: Pool
):
    """Under another name they would be paid for it once more."""
    campaign = await opened(database, contributor, 1)
    recording = await trading.accepted(place, contributor, campaign)

    account = await owner(database, recording)
    async with transaction(database) as connection:
        await erasures.erase(connection, account)

    assert 0 == await remaining(other, campaign)


async def test_bytes_that_were_paid_and_withdrawn_are_not_paid_to_another_account_unseen(
    contributor: Client, other: Client, campaign: dict[str, Any], place: Workplace, database: Pool
):
    """When nothing is left of the recording but its hash: neither bytes nor fingerprints."""
    data = speech()
    first = await submit(contributor, campaign, data)
    await agree(contributor, campaign, first)
    await examined(place, contributor, first)
    assert 204 == (await contributor.delete(f"/v1/recordings/{first}")).status_code
    async with transaction(database) as connection:
        long_ago = "UPDATE withdrawals SET sales_stopped_at = now() - %(ago)s WHERE recording_id = %(id)s"
        await run(connection, long_ago, ago=timedelta(days=30), id=UUID(first))
        await withdrawn.clear(connection)

    second = await submit(other, campaign, data)
    await agree(other, campaign, second)
    seen = await examined(place, other, second)

    assert ("in_review", "second-look") == (seen["recording"]["state"], seen["recording"]["because"])

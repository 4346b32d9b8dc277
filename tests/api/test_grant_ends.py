"""A grant ends by the clock: it is said thirty days before, can be given again, and what it covered goes afterwards."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from api.validation import Workplace
from storage import consents, withdrawn
from storage.database import Pool, run, transaction
from storage.recordings import move
from tests.api import trading
from tests.api.taking import agree

Client = httpx.AsyncClient


@pytest.fixture
async def recording(place: Workplace, contributor: Client, campaign: dict[str, Any]) -> str:
    return await trading.accepted(place, contributor, campaign)


@pytest.fixture
async def sold(operator: Client, recording: str, database: Pool) -> None:
    """A dataset with the recording, sold to a buyer."""
    await trading.listed(database)
    dataset = await trading.version(operator, [recording])
    answer = await trading.sell(operator, (await trading.buyer(operator))["id"], dataset, uses=["asr_training"])
    assert 201 == answer.status_code, answer.text


async def test_a_grant_ends_by_the_clock_and_its_bytes_go_as_its_terms_promise(
    place: Workplace, contributor: Client, recording: str, sold: None, database: Pool
):
    """Five years are over in a moment: nobody may use it, its owner reads why, and thirty days later it is deleted."""
    await trading.cleaned(place, recording)
    back = "UPDATE consent_uses SET expires_at = now() - make_interval(days => %(days)s, secs => 1)"
    counts = []
    for days in (0, 29):
        async with transaction(database) as connection:
            await run(connection, back + " WHERE recording_id = %(id)s", id=recording, days=days)
            await withdrawn.end(connection)
            await withdrawn.clear(connection)
        counts.append((await contributor.get(f"/v1/recordings/{recording}/media")).status_code)
    seen = (await contributor.get(f"/v1/recordings/{recording}")).json()
    uses = (await contributor.get(f"/v1/recordings/{recording}/uses")).json()["data"]

    assert counts[0] < 400 < counts[1]
    assert ("withdrawn", "term-ended") == (seen["recording"]["state"], seen["recording"]["because"])
    assert "is over" in seen["reason"]
    assert [True] == [use["ended_at"] is not None for use in uses]
    assert 1 == len(await trading.heard(contributor, "recording.bytes_deleted"))
    assert 409 == (await contributor.post(f"/v1/recordings/{recording}/withdrawals", json={"uses": ["*"]})).status_code


async def test_a_grant_goes_on_only_when_it_is_given_again(
    contributor: Client, campaign: dict[str, Any], recording: str, database: Pool
):
    """In its last thirty days the same decisions are a new consent, with a receipt and a term of its own."""
    first = (await agree(contributor, campaign, recording)).json()
    async with transaction(database) as connection:
        soon = "UPDATE consent_uses SET expires_at = now() + interval '29 days' WHERE recording_id = %(id)s"
        await run(connection, soon, id=recording)
    renewed = (await agree(contributor, campaign, recording)).json()
    again = (await agree(contributor, campaign, recording)).json()
    async with transaction(database) as connection:
        await withdrawn.end(connection)
    standing = (await contributor.get("/v1/consents")).json()["data"]

    assert first["receipt"] != renewed["receipt"] == again["receipt"]
    assert "accepted" == (await contributor.get(f"/v1/recordings/{recording}")).json()["recording"]["state"]
    years = {use["expires_at"][:4] for one in standing if one["recording"] == recording for use in one["uses"]}
    assert {str(int(renewed["given_at"][:4]) + 5)} == years


async def test_a_grant_goes_on_while_a_claim_holds_its_recording(
    contributor: Client, campaign: dict[str, Any], recording: str, database: Pool
):
    """Whoever objects to no purpose does not end it by being slow."""
    async with transaction(database) as connection:
        await move(connection, UUID(recording), "held", by="claimant", because="claim-identity")
        soon = "UPDATE consent_uses SET expires_at = now() + interval '29 days' WHERE recording_id = %(id)s"
        await run(connection, soon, id=recording)

    renewed = await agree(contributor, campaign, recording)

    assert 200 == renewed.status_code, renewed.text
    assert "held" == (await contributor.get(f"/v1/recordings/{recording}")).json()["recording"]["state"]
    standing = (await contributor.get("/v1/consents")).json()["data"]
    assert {str(int(renewed.json()["given_at"][:4]) + 5)} == {use["expires_at"][:4] for use in standing[0]["uses"]}


async def test_a_use_that_a_buyer_holds_is_withdrawn_and_not_only_not_renewed(
    contributor: Client, operator: Client, campaign: dict[str, Any], recording: str, database: Pool
):
    """Its buyer would hear nothing, and its owner could not withdraw any more what stands as refused."""
    await trading.listed(database)
    dataset, buyer = await trading.version(operator, [recording]), await trading.buyer(operator)
    assert 201 == (await trading.sell(operator, buyer["id"], dataset, uses=["tts_training"])).status_code
    async with transaction(database) as connection:
        soon = "UPDATE consent_uses SET expires_at = now() + interval '29 days' WHERE recording_id = %(id)s"
        await run(connection, soon, id=recording)

    refused = await agree(contributor, campaign, recording, tts_training="refused")
    withdrawn_first = await trading.withdraw(contributor, recording, "tts_training")
    renewed = await agree(contributor, campaign, recording, tts_training="refused")
    (use,) = (await contributor.get(f"/v1/recordings/{recording}/uses")).json()["data"]

    assert [409, 202, 200] == [answer.status_code for answer in (refused, withdrawn_first, renewed)]
    assert "withdraw those first" in refused.json()["detail"]
    assert ("queued", True) == (use["notice"], use["ended_at"] is not None)


async def test_a_contributor_hears_thirty_days_before_a_grant_ends(contributor: Client, recording: str, database: Pool):
    """Once, with the uses that end."""
    async with transaction(database) as connection:
        soon = "UPDATE consent_uses SET expires_at = now() + interval '29 days' WHERE recording_id = %(id)s"
        await run(connection, soon + " AND use_code IN ('asr_training', 'evaluation')", id=recording)
    for _ in range(2):
        async with transaction(database) as connection:
            await consents.tell_ending(connection)

    told = await trading.heard(contributor, "consent.expiring")

    assert [["asr_training", "evaluation"]] == [event["data"]["uses"] for event in told]

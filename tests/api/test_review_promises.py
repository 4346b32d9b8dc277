"""Review promises: a quote says by when a person has decided; whoever heard nothing by then is accepted and paid."""

import os
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from msgspec import Struct

from storage import reviews
from storage.database import Pool, one, run, transaction
from storage.recordings import move
from storage.validations import RESULT
from tests.api.taking import agree, claim
from tests.api.test_quotes import opened, quoted

Client = httpx.AsyncClient
Campaign = dict[str, Any]


class _Id(Struct):
    id: UUID


PROMISED = """
    INSERT INTO quotes SELECT (jsonb_populate_record(q, jsonb_build_object('id', uuidv7(),
        'review_within', make_interval(secs => %(seconds)s)))).*
    FROM quotes q WHERE id = %(id)s RETURNING id
"""


async def waiting(
    database: Pool, client: Client, because: str, *, seconds: float = 0, consented: bool = True
) -> tuple[Campaign, UUID]:
    """A recording that waits for a person, under a quote that promised a decision in so many seconds."""
    campaign = await opened(database, client, 9)
    offered = (await quoted(client, campaign)).json()["id"]
    async with transaction(database) as connection:
        quote = await one(connection, _Id, PROMISED, id=offered, seconds=seconds)
    assert quote is not None
    claimed = await claim(client, campaign, os.urandom(100), quote=str(quote.id))
    assert 201 == claimed.status_code, claimed.text
    recording = UUID(claimed.json()["id"])
    if consented:
        await agree(client, campaign, str(recording))
    async with transaction(database) as connection:
        for state in ("uploading", "validating"):
            await move(connection, recording, state, by="contributor", because=None)
        await run(connection, RESULT, recording=recording, object_key=str(uuid4()), duration_ms=60_000)
        await move(connection, recording, "in_review", by="worker", because=because)
    return campaign, recording


async def overdue(database: Pool) -> None:
    """What the clock does."""
    accepted = True
    while accepted:
        async with transaction(database) as connection:
            accepted = await reviews.accept_overdue(connection) is not None


async def seen(client: Client, recording: UUID) -> dict[str, Any]:
    return dict((await client.get(f"/v1/recordings/{recording}")).json())


@pytest.mark.parametrize("because", reviews.QUALITY)
async def test_what_nobody_looked_at_in_time_is_accepted_and_paid(database: Pool, contributor: Client, because: str):
    """Nobody but us loses by our being late, and its contributor reads why."""
    campaign, recording = await waiting(database, contributor, because)

    await overdue(database)

    told = await seen(contributor, recording)
    assert ("accepted", "review-overdue") == (told["recording"]["state"], told["recording"]["because"])
    assert "your quote promised" in told["reason"]
    earned = (await contributor.get(f"/v1/recordings/{recording}/earnings")).json()
    rate = campaign["rate"]
    assert rate["micros"] * 60_000 // rate["per_ms"] == earned["data"][0]["gross"]["micros"]


@pytest.mark.parametrize(
    ("because", "more"),
    [
        ("borderline", {"seconds": 3600}),
        ("borderline", {"consented": False}),
        ("second-look", {}),
        ("public-material", {}),
        ("much-alike", {}),
        ("same-event", {}),
        ("not-enough-content", {}),
    ],
)
async def test_silence_settles_nothing_else(database: Pool, contributor: Client, because: str, more: dict[str, Any]):
    """There is time left, nobody agreed, or somebody else may own what was sent."""
    _, recording = await waiting(database, contributor, because, **more)

    await overdue(database)

    assert "in_review" == (await seen(contributor, recording))["recording"]["state"]


async def test_a_dispute_in_our_own_words_is_looked_at(database: Pool, contributor: Client):
    """What a contributor writes is not our reason, though it read like one."""
    _, recording = await waiting(database, contributor, "second-look")
    async with transaction(database) as connection:
        await reviews.decide(connection, recording, "rejected", "It is somebody else's.")
    answer = await contributor.post(f"/v1/recordings/{recording}/disputes", json={"text": "borderline"})
    assert 201 == answer.status_code, answer.text

    await overdue(database)

    assert "in_review" == (await seen(contributor, recording))["recording"]["state"]


async def test_an_operator_reads_until_when_a_decision_was_promised(database: Pool, contributor: Client):
    """A recording without a quote has no such moment."""
    _, recording = await waiting(database, contributor, "second-look", seconds=3600)

    async with transaction(database) as connection:
        listed = {one.id: one for one in await reviews.queue(connection, 10_000)}

    due = listed[recording].due
    assert due is not None
    assert 3600 == round((due - listed[recording].since).total_seconds())

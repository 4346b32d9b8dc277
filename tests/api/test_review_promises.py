"""Review promises: a quote says by when a person has decided; whoever heard nothing by then is accepted and paid."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from msgspec import Struct

from storage import disputes, reviews
from storage.database import Pool, one, run, singly, transaction
from storage.errors import SameReviewer
from storage.recordings import move
from storage.validations import RESULT
from tests.api.taking import agree, claim
from tests.api.test_quotes import opened, quoted
from tests.api.test_transparency import counted

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
    async with transaction(database) as connection:
        due = await reviews.overdue(connection)
    await singly(database, due, reviews.accept_overdue)


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


#: As a recording may be whose consent is older than receipts: the database refuses to accept it.
BARE_CONSENT = """
    INSERT INTO consents (recording_id, account_id, term_sheet_id, term_sheet_version, term_sheet_sha256, locale,
        decisions)
    SELECT r.id, r.account_id, s.id, s.version, s.sha256, 'en', '{"asr_training": "given"}'
    FROM recordings r JOIN quotes q ON q.id = r.quote_id
        JOIN term_sheets s ON s.id = q.term_sheet_id AND s.version = q.term_sheet_version
    WHERE r.id = %(recording)s
"""


async def test_one_that_cannot_be_accepted_keeps_nobody_else_waiting(database: Pool, contributor: Client):
    """It comes first, again and again, and whoever came after it would never be paid."""
    _, stuck = await waiting(database, contributor, "borderline", consented=False)
    async with transaction(database) as connection:
        await run(connection, BARE_CONSENT, recording=stuck)
    _, recording = await waiting(database, contributor, "borderline")

    await overdue(database)

    assert "in_review" == (await seen(contributor, stuck))["recording"]["state"]
    assert "accepted" == (await seen(contributor, recording))["recording"]["state"]


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


async def objected(database: Pool, client: Client, because: str, *, by: str = "worker", days: int = 15) -> UUID:
    """A recording that was turned away so, and whose objection waits for so many days."""
    _, recording = await waiting(database, client, "borderline", seconds=10**6)
    async with transaction(database) as connection:
        if by == "worker":
            await run(connection, EXAMINED_AS, recording=recording, because=because)
        await reviews.decide(connection, recording, "rejected", because, reviewer="ada")
    answer = await client.post(f"/v1/recordings/{recording}/disputes", json={"text": "It is the fridge."})
    assert 201 == answer.status_code, answer.text
    async with transaction(database) as connection:
        await run(connection, WAITED, recording=recording, days=days)
    return recording


#: What the worker had said of it, which the append-only story would not let anybody change.
EXAMINED_AS = """
    INSERT INTO recording_events (account_id, number, recording_id, from_state, to_state, moved_by, because)
    SELECT account_id, 10000 + random() * 1000000, id, 'validating', 'rejected', 'worker', %(because)s
    FROM recordings WHERE id = %(recording)s
"""
WAITED = """
    UPDATE disputes SET answer_by = answer_by - make_interval(days => %(days)s) WHERE recording_id = %(recording)s
"""


async def unanswered(database: Pool) -> None:
    """What the clock does."""
    async with transaction(database) as connection:
        due = await disputes.unanswered(connection)
    await singly(database, due, disputes.accept_unanswered)


async def test_an_objection_has_the_day_that_its_terms_promise(database: Pool, contributor: Client):
    """The card says: we answer a complaint within 14 days."""
    recording = await objected(database, contributor, "It hums.", by="operator", days=0)

    (told,) = (await contributor.get(f"/v1/recordings/{recording}/disputes")).json()["data"]

    opened_at, answer_by = (datetime.fromisoformat(told[name]) for name in ("opened_at", "answer_by"))
    assert 14 == round((answer_by - opened_at) / timedelta(days=1), 3)


@pytest.mark.parametrize(("because", "by"), [("cannot-be-mended", "worker"), ("It hums.", "operator")])
async def test_an_objection_that_nobody_answered_is_right(database: Pool, contributor: Client, because: str, by: str):
    """Its contributor is paid, reads why, and hears that the objection is answered."""
    recording = await objected(database, contributor, because, by=by)

    await unanswered(database)

    told = await seen(contributor, recording)
    assert ("accepted", "dispute-unanswered") == (told["recording"]["state"], told["recording"]["because"])
    assert "Nobody answered your objection" in told["reason"]
    assert 1 == len((await contributor.get(f"/v1/recordings/{recording}/earnings")).json()["data"])
    assert "dispute.answered" in {event["kind"] for event in told["events"]}
    (answered,) = (await contributor.get(f"/v1/recordings/{recording}/disputes")).json()["data"]
    assert ("answered", "accepted") == (answered["state"], answered["outcome"])


@pytest.mark.parametrize(
    ("because", "days"),
    [("cannot-be-mended", 13), ("second-look", 15), ("already-sent", 15), ("too-long", 15), ("unreadable", 15)],
)
async def test_silence_about_an_objection_settles_nothing_else(
    database: Pool, contributor: Client, because: str, days: int
):
    """There is time left, somebody else may own it, it was paid already, or nobody could use it."""
    recording = await objected(database, contributor, because, days=days)

    await unanswered(database)

    assert "in_review" == (await seen(contributor, recording))["recording"]["state"]


async def test_a_copy_of_somebody_elses_is_not_accepted_by_silence(database: Pool, contributor: Client, other: Client):
    """Also where it was turned away for its quality before anybody said whose it is."""
    recording = await objected(database, contributor, "another-take")
    theirs = await objected(database, other, "another-take")
    async with transaction(database) as connection:
        same = "UPDATE recordings SET sha256 = (SELECT sha256 FROM recordings WHERE id = %(one)s) WHERE id = %(two)s"
        await run(connection, same, one=recording, two=theirs)

    await unanswered(database)

    assert "in_review" == (await seen(contributor, recording))["recording"]["state"]
    assert "in_review" == (await seen(other, theirs))["recording"]["state"]


async def test_whoever_rejected_it_does_not_confirm_that(database: Pool, contributor: Client):
    """Somebody else may, and whoever was wrong may say so."""
    first, second = [await objected(database, contributor, "It hums.", by="operator", days=0) for _ in range(2)]

    async with transaction(database) as connection:
        with pytest.raises(SameReviewer):
            await reviews.decide(connection, first, "rejected", "It does hum.", reviewer="ada")
        await reviews.decide(connection, first, "rejected", "It does hum.", reviewer="grace")
        await reviews.decide(connection, second, "accepted", "You are right.", reviewer="ada")

    assert "rejected" == (await seen(contributor, first))["recording"]["state"]
    assert "accepted" == (await seen(contributor, second))["recording"]["state"]


async def test_what_is_overdue_is_told_in_public_and_to_reviewers(database: Pool, contributor: Client):
    """A likeness that nobody looked at: the promise is broken, and said to be."""
    before = (await counted(database)).disputes
    recording = await objected(database, contributor, "second-look")

    after = (await counted(database)).disputes
    async with transaction(database) as connection:
        listed = {one.id: one for one in await reviews.queue(connection, 10_000)}

    assert (1, 1) == (after.waiting - before.waiting, after.overdue - before.overdue)
    due = listed[recording].due
    assert listed[recording].disputed
    assert due is not None
    assert due < datetime.now(UTC)

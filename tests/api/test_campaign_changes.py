"""An operator pauses, closes, shrinks and ends a campaign; nobody who had begun loses anything by it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import httpx
import psycopg
import pytest

from api.validation import Workplace
from storage.campaign_changes import tell_next
from storage.database import Pool, run, transaction
from tests.api.commands.conftest import Say, say  # noqa: F401 – a fixture.
from tests.api.taking import agree, claim, examined, offered, send, slug, speech, submit
from tests.api.test_quotes import opened, quoted
from tests.api.trading import heard

Client: TypeAlias = httpx.AsyncClient
Campaign: TypeAlias = dict[str, Any]
WHY = "The buyer has enough hours."


async def changed(operator: Client, campaign: Campaign, **wish: Any) -> httpx.Response:
    """Ask for a change."""
    return await operator.patch(f"/v1/operator/campaigns/{campaign['id']}", json={"because": WHY, **wish})


async def standing(client: Client, campaign: Campaign) -> tuple[str, bool, int]:
    """What anybody reads: the status, whether it is open, and how many places are left."""
    shown = (await client.get(f"/v1/campaigns/{campaign['id']}")).json()
    return shown["status"], shown["open"], shown["quota"]["remaining"]


async def told(database: Pool) -> None:
    """Let the clock tell everybody."""
    for _ in range(100):
        async with transaction(database) as connection:
            if not await tell_next(connection):
                return


async def test_a_paused_campaign_takes_nothing_new_and_lets_everybody_finish(
    contributor: Client, other: Client, operator: Client, client: Client, database: Pool
):
    """A claim is sent to its end, a quote is used; a newcomer hears that it is a pause; then it is open again."""
    campaign, data = await opened(database, contributor, 9), speech()
    begun = (await claim(contributor, campaign, data)).json()
    quote = (await quoted(contributor, campaign)).json()["id"]

    paused = await changed(operator, campaign, standing="paused")

    refused = [await claim(other, campaign, speech()), await quoted(other, campaign)]
    assert ("paused", False) == (paused.json()["status"], paused.json()["open"])
    assert [(409, "campaign-paused")] * 2 == [(answer.status_code, slug(answer)) for answer in refused]
    assert 204 == (await send(contributor, begun["upload"]["url"], data)).status_code
    assert 201 == (await claim(contributor, campaign, speech(), quote=quote)).status_code
    await changed(operator, campaign, standing="open")
    assert "open" == (await standing(client, campaign))[0]
    assert 201 == (await claim(other, campaign, speech())).status_code


async def test_campaigns_are_found_by_how_they_stand(operator: Client, client: Client, database: Pool):
    """An app shows what takes recordings now, and pages through no others."""
    going, paused = [await opened(database, operator, 3) for _ in range(2)]
    assert 200 == (await changed(operator, paused, standing="paused")).status_code

    async def listed(**asked: str) -> set[str]:
        return {entry["id"] for entry in await offered(client, **asked)} & {going["id"], paused["id"]}

    assert [{going["id"]}, {paused["id"]}, set(), {going["id"], paused["id"]}] == [
        await listed(status="open"),
        await listed(status="paused"),
        await listed(status="full"),
        await listed(),
    ]
    assert 400 == (await client.get("/v1/campaigns", params={"status": "new"})).status_code


async def test_a_closed_campaign_stays_closed_and_says_why(operator: Client, contributor: Client, database: Pool):
    """Closing twice is closing once; nothing of it is changed any more, and its page has the reason."""
    campaign = await opened(database, contributor, 3)

    first = await changed(operator, campaign, standing="closed")
    again = await changed(operator, campaign, standing="closed")
    reopened = await changed(operator, campaign, standing="open")

    assert [200, 200, 409] == [answer.status_code for answer in (first, again, reopened)]
    assert first.json() == again.json()
    assert "campaign-over" == slug(reopened)
    assert [(WHY, "open", "closed")] == [
        (change["because"], change["before"]["standing"], change["after"]["standing"])
        for change in again.json()["changes"]
    ]
    refused = await claim(contributor, campaign, speech())
    assert ("campaign-closed", "closed") == (slug(refused), refused.json()["campaign_status"])


async def test_a_take_that_came_back_is_replaced_after_the_end(
    contributor: Client, operator: Client, database: Pool, place: Workplace
):
    """Whoever began in time may finish: the better take is accepted, although nothing new is taken."""
    campaign = await opened(database, contributor, 3)
    poor = await submit(contributor, campaign, speech())
    async with transaction(database) as connection:
        await run(connection, "UPDATE recordings SET state = 'needs_fix' WHERE id = %(id)s", id=poor)
    await changed(operator, campaign, standing="closed")

    better = await submit(contributor, campaign, speech(), replaces=poor)
    await agree(contributor, campaign, better)

    assert "accepted" == (await examined(place, contributor, better))["recording"]["state"]


async def test_the_quota_never_falls_below_what_is_given_away(
    contributor: Client,
    other: Client,
    operator: Client,
    client: Client,
    database: Pool,
    place: Workplace,
    sign_in: Callable[[], Awaitable[Client]],
):
    """A quote, and a recording that was begun without one, both count, and keep their place past a newcomer."""
    campaign = await opened(database, contributor, 9)
    begun = await submit(contributor, campaign, speech())
    quote = (await quoted(other, campaign)).json()["id"]

    too_few = await changed(operator, campaign, quota_recordings=1)
    enough = await changed(operator, campaign, quota_recordings=2)

    assert (409, "quota-taken", 2) == (too_few.status_code, slug(too_few), too_few.json()["taken"])
    assert 200 == enough.status_code
    assert ("full", False, 0) == await standing(client, campaign)
    assert "campaign-closed" == slug(await claim(await sign_in(), campaign, speech()))
    promised = await submit(other, campaign, speech(), quote=quote)
    for owner, recording in ((other, promised), (contributor, begun)):
        await agree(owner, campaign, recording)
        assert "accepted" == (await examined(place, owner, recording))["recording"]["state"]
    await changed(operator, campaign, quota_recordings=3)
    assert ("open", True, 1) == await standing(client, campaign)


async def test_a_replaced_take_keeps_the_place_of_the_first(contributor: Client, operator: Client, database: Pool):
    """The campaign shrank to what had begun, and is full for everybody else."""
    campaign = await opened(database, contributor, 9)
    poor = await submit(contributor, campaign, speech())
    async with transaction(database) as connection:
        await run(connection, "UPDATE recordings SET state = 'needs_fix' WHERE id = %(id)s", id=poor)
    assert 200 == (await changed(operator, campaign, quota_recordings=1)).status_code

    better = await submit(contributor, campaign, speech(), replaces=poor)
    async with transaction(database) as connection:
        await run(connection, "UPDATE recordings SET state = 'needs_fix' WHERE id = %(id)s", id=better)
    best = await claim(contributor, campaign, speech(), replaces=better)

    assert 201 == best.status_code, best.text


async def test_a_deadline_moves_into_the_future_only(
    contributor: Client, operator: Client, client: Client, database: Pool
):
    """Sooner, later or away; a quote that is out keeps its own end."""
    campaign = await opened(database, contributor, 9)
    quote = (await quoted(contributor, campaign)).json()
    soon = datetime.now(UTC) + timedelta(seconds=600)

    past = await changed(operator, campaign, deadline="2026-01-01T00:00:00Z")
    moved = await changed(operator, campaign, deadline=soon.isoformat())

    assert (422, "deadline-past") == (past.status_code, slug(past))
    assert soon == datetime.fromisoformat(moved.json()["deadline"])
    assert quote["expires_at"] == (await contributor.get("/v1/quotes")).json()["data"][0]["expires_at"]
    async with transaction(database) as connection:
        query = "UPDATE campaigns SET deadline = now() - interval '1 s' WHERE id = %(id)s"
        await run(connection, query, id=campaign["id"])
    assert "ended" == (await standing(client, campaign))[0]
    assert 201 == (await claim(contributor, campaign, speech(), quote=quote["id"])).status_code
    assert "open" == (await changed(operator, campaign, deadline=None)).json()["status"]


async def test_everybody_who_takes_part_is_told_once(
    contributor: Client, other: Client, operator: Client, database: Pool, sign_in: Callable[[], Awaitable[Client]]
):
    """By an announced recording or a quote; with the reason, and not again when the same is asked for twice."""
    campaign, stranger = await opened(database, contributor, 9), await sign_in()
    await claim(contributor, campaign, speech())
    await quoted(other, campaign)

    for _ in range(2):
        await changed(operator, campaign, standing="paused", quota_recordings=12)
        await told(database)

    for client in (contributor, other):
        [event] = await heard(client, "campaign.changed")
        facts = {"campaign": campaign["id"], "standing": "paused", "quota_recordings": 12, "because": WHY}
        assert facts == {name: event["data"][name] for name in facts}
    assert [] == await heard(stranger, "campaign.changed")


async def test_only_an_operator_changes_a_campaign(contributor: Client, database: Pool):
    campaign = await opened(database, contributor, 1)

    assert 403 == (await changed(contributor, campaign, standing="closed")).status_code


async def test_what_was_changed_stays_written(operator: Client, contributor: Client, database: Pool):
    """No code can give a change another reason afterwards."""
    campaign = await opened(database, contributor, 1)
    await changed(operator, campaign, standing="paused")

    query = "UPDATE campaign_changes SET because = '' WHERE campaign_id = %(id)s"
    with pytest.raises(psycopg.errors.RestrictViolation):
        async with transaction(database) as connection:
            await run(connection, query, id=campaign["id"])


async def test_changes_and_newcomers_at_once_do_not_wait_for_each_other_for_ever(
    contributor: Client, operator: Client, database: Pool
):
    """An operator held the campaign and waited for its places; whoever was offered one held those and waited for it."""
    campaign = await opened(database, contributor, 1000)
    changes = [changed(operator, campaign, quota_recordings=1000 + number) for number in range(8)]
    offers = [quoted(contributor, campaign) for _ in range(8)]

    answers = await asyncio.gather(*(one for pair in zip(changes, offers, strict=True) for one in pair))

    assert {200, 201} == {answer.status_code for answer in answers}


async def test_the_same_from_the_console(say: Say, contributor: Client, client: Client, database: Pool):  # noqa: F811
    """Each word does what it says, and a refusal is a sentence with its facts."""
    campaign = await opened(database, contributor, 3)
    await quoted(contributor, campaign)

    async def typed(*words: str) -> tuple[int, str]:
        return await say("campaigns", words[0], campaign["id"], *words[1:], "--because", WHY)

    assert "paused, 2 of 3" in (await typed("pause"))[1]
    assert "nobody is told" in (await typed("pause"))[1]
    assert "open, 2 of 3" in (await typed("resume"))[1]
    assert "(taken 1, asked 0)" in (await typed("quota", "0"))[1]
    assert "full, 0 of 1" in (await typed("quota", "1"))[1]
    assert "until 2999-04-01 00:00 UTC" in (await typed("deadline", "2999-03-31"))[1]
    assert 2 == (await typed("deadline", "2999-03-31T10:00"))[0]
    assert "until" not in (await typed("deadline", "never"))[1]
    assert 0 == (await typed("close"))[0]
    status, refused = await typed("resume")
    assert (1, True) == (status, "stays closed" in refused)
    assert "closed" == (await standing(client, campaign))[0]
    assert "closed, 0 of 1 left" in (await say("campaigns", "list"))[1]
    shown = (await say("campaigns", "show", campaign["id"]))[1]
    assert ("Taken: 1, of these quotes: 1." in shown, 6) == (True, shown.count(WHY))


async def test_an_operator_watches_a_campaign(
    contributor: Client, other: Client, operator: Client, database: Pool, place: Workplace
):
    """What its recordings stand at, how much is accepted, and how many places are given away."""
    campaign = await opened(database, contributor, 9)
    done = await submit(contributor, campaign, speech())
    await agree(contributor, campaign, done)
    await examined(place, contributor, done)
    await claim(contributor, campaign, speech())
    await quoted(other, campaign)

    seen = (await operator.get(f"/v1/operator/campaigns/{campaign['id']}")).json()

    assert {"places_taken": 2, "unused_quotes": 1, "accepted_ms": 11_000} == seen["progress"]
    assert [("accepted", 1), ("claimed", 1)] == [(one["state"], one["recordings"]) for one in seen["recordings"]]
    assert campaign["id"] == seen["campaign"]["id"]

"""Deletions: what goes at once, what stays beside the pay, and that nothing is paid twice."""

from typing import Any
from uuid import UUID

import httpx

from api.validation import Workplace
from storage import withdrawn
from storage.database import Pool, run, transaction
from storage.sweeping import remove_doomed
from tests.api import trading
from tests.api.taking import agree, claim, examined, fresh, slug, submit
from tests.voices import new_speech

Client = httpx.AsyncClient
Campaign = dict[str, Any]


async def accepted(client: Client, campaign: Campaign, place: Workplace, data: bytes) -> str:
    """Send a recording, agree to the terms, and have it examined."""
    recording = await submit(client, campaign, data)
    await agree(client, campaign, recording)
    await examined(place, client, recording)
    return recording


async def stands(client: Client, recording: str) -> tuple[str, str]:
    """Where a recording stands and why."""
    shown = (await client.get(f"/v1/recordings/{recording}")).json()["recording"]
    return shown["state"], shown["because"]


async def pending(client: Client) -> int:
    """What somebody waits for, in micros."""
    (euros,) = (await client.get("/v1/balances")).json()["data"]
    return int(euros["pending"]["micros"])


async def test_an_accepted_recording_that_is_deleted_is_not_paid_again(
    contributor: Client, campaign: Campaign, place: Workplace
):
    """Neither the same bytes nor the same sound in others; what it earned stays."""
    data = new_speech()
    recording = await accepted(contributor, campaign, place, data)
    earned = await pending(contributor)

    assert 204 == (await contributor.delete(f"/v1/recordings/{recording}")).status_code
    same_bytes = (await claim(contributor, campaign, data)).json()
    same_sound = await accepted(contributor, campaign, place, fresh(data))

    assert (recording, "withdrawn") == (same_bytes["id"], same_bytes["state"])
    assert ("needs_fix", "already-sent") == await stands(contributor, same_sound)
    assert 0 < earned == await pending(contributor)


async def test_a_withdrawn_recording_is_not_paid_again(contributor: Client, campaign: Campaign, place: Workplace):
    """Taking back consent keeps the pay as well."""
    data = new_speech()
    recording = await accepted(contributor, campaign, place, data)
    earned = await pending(contributor)

    assert 202 == (await trading.withdraw(contributor, recording)).status_code
    again = await accepted(contributor, campaign, place, fresh(data))

    assert ("needs_fix", "already-sent") == await stands(contributor, again)
    assert 0 < earned == await pending(contributor)


async def test_the_bytes_of_an_accepted_recording_go_at_once_and_its_fingerprints_in_time(
    contributor: Client, campaign: Campaign, place: Workplace, database: Pool
):
    """Also a copy that is stored already; the owner reads why it stands there."""
    recording = await accepted(contributor, campaign, place, new_speech())
    await trading.cleaned(place, recording)

    await contributor.delete(f"/v1/recordings/{recording}")
    while await remove_doomed(place.database, place.store):
        pass
    seen = (await contributor.get(f"/v1/recordings/{recording}")).json()
    kept = await fingerprints(database, recording)
    async with transaction(database) as connection:
        await run(
            connection,
            "UPDATE withdrawals SET sales_stopped_at = now() - interval '29 days 1 second' WHERE recording_id = %(id)s",
            id=recording,
        )
        await withdrawn.clear(connection)

    for folder in ("recordings", "renditions"):
        assert [] == await place.store.listing(f"{folder}/{recording}/")
    assert 404 == (await contributor.get(f"/v1/recordings/{recording}/media")).status_code
    assert ("withdrawn", "deleted-once-accepted") == (seen["recording"]["state"], seen["recording"]["because"])
    assert "stays yours" in seen["reason"]
    assert (1, 0) == (kept, await fingerprints(database, recording))
    assert [] == await trading.heard(contributor, "recording.bytes_deleted")


async def test_a_deletion_whose_answer_got_lost_can_be_repeated(
    contributor: Client, campaign: Campaign, place: Workplace
):
    """Also of a recording that was withdrawn before, whose bytes would have stayed for weeks."""
    first, second = [await trading.accepted(place, contributor, campaign) for _ in range(2)]
    await trading.withdraw(contributor, second)

    answers = [await contributor.delete(f"/v1/recordings/{recording}") for recording in (first, first, second, second)]

    assert [204] * 4 == [answer.status_code for answer in answers]
    assert [404, 404] == [(await contributor.get(f"/v1/recordings/{one}/media")).status_code for one in (first, second)]


async def fingerprints(database: Pool, recording: str) -> int:
    """How many fingerprints of a recording are kept."""
    async with transaction(database) as connection:
        cursor = await connection.execute(
            "SELECT count(*) FROM fingerprints WHERE recording_id = %s", (UUID(recording),)
        )
        return int((await cursor.fetchone() or (0,))[0])


async def test_a_sold_recording_is_withdrawn_and_not_deleted(
    contributor: Client, operator: Client, campaign: Campaign, place: Workplace, database: Pool
):
    """Its buyer would hear nothing, and go on using it."""
    await trading.listed(database)
    recording = await trading.accepted(place, contributor, campaign)
    dataset = await trading.version(operator, [recording])
    await trading.sell(operator, (await trading.buyer(operator))["id"], dataset)

    refused = await contributor.delete(f"/v1/recordings/{recording}")

    assert (409, "move-refused") == (refused.status_code, slug(refused))
    assert "withdraw" in refused.json()["detail"]
    assert "accepted" == (await stands(contributor, recording))[0]


async def test_what_a_killed_attempt_stored_goes_with_the_recording(
    contributor: Client, campaign: Campaign, place: Workplace, database: Pool
):
    """It was killed between storing its object and saying so: no row names that object."""
    recording = await submit(contributor, campaign, new_speech())
    async with transaction(database) as connection:
        await run(connection, "UPDATE recordings SET validation_attempt = 2 WHERE id = %(id)s", id=recording)
    for attempt in (1, 2):
        await place.store.put(f"recordings/{recording}/{attempt}", b"sealed")

    await examined(place, contributor, recording)
    while await remove_doomed(place.database, place.store):
        pass
    left = [item.key for item in await place.store.listing(f"recordings/{recording}/")]

    assert [f"recordings/{recording}/3"] == left

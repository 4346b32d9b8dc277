"""Recordings as their owner sees them: claimed once, moved only where they may go, and theirs alone."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from api.validation import Workplace
from storage import claims, recordings
from storage.database import Pool, transaction
from storage.errors import DailyBytesUsed, MoveRefused
from storage.objects import Store
from storage.sweeping import remove_doomed, remove_orphans
from tests.api.taking import agree, claim, examined, send, speech, submit

Campaign = dict[str, Any]
Client = httpx.AsyncClient


def slug(answer: httpx.Response) -> str:
    """The kind of a problem."""
    return str(answer.json()["type"].rsplit("/", 1)[-1])


async def moved(database: Pool, recording: str, *states: recordings.State) -> None:
    """Move a recording as somebody else would."""
    async with transaction(database) as connection:
        for state in states:
            await recordings.move(connection, UUID(recording), state, by="operator", because="a test")


async def test_a_good_recording_with_consent_is_accepted(
    contributor: Client, campaign: Campaign, place: Workplace
) -> None:
    """The straight path: announce, send, agree, examined, accepted; and every step is in the story."""
    recording = await submit(contributor, campaign, speech(), language="en")
    consent = await agree(contributor, campaign, recording)

    detail = await examined(place, contributor, recording)

    assert 200 == consent.status_code, consent.text
    assert ("accepted", "passed") == (detail["recording"]["state"], detail["recording"]["because"])
    steps = ["claimed", "uploading", "validating", "accepted"]
    told = [event["kind"] for event in detail["events"]]
    assert [f"recording.{step}" for step in steps] == [kind for kind in told if kind.startswith("recording.")]
    assert "earning.created" in told
    assert 11_000 == pytest.approx(detail["recording"]["duration_ms"], abs=100)
    assert detail["reason"]


async def test_a_claim_says_where_the_bytes_go(contributor: Client, campaign: Campaign) -> None:
    """201 with the recording and its upload, by absolute address."""
    data = speech()

    answer = await claim(contributor, campaign, data, language="en", title="By the window")

    body = answer.json()
    assert (201, "claimed", "By the window") == (answer.status_code, body["state"], body["title"])
    assert body["upload"]["url"].startswith("http://companion.test/v1/uploads/")
    assert datetime.fromisoformat(body["upload"]["expires_at"]) > datetime.now(UTC)
    assert answer.headers["Location"].endswith(f"/v1/recordings/{body['id']}")


async def test_the_same_bytes_again_are_the_same_recording(contributor: Client, campaign: Campaign) -> None:
    """200: an unfinished one says where to go on, a finished one has nothing to send."""
    data = speech()
    first = await claim(contributor, campaign, data)
    second = await claim(contributor, campaign, data)
    await send(contributor, first.json()["upload"]["url"], data)
    third = await claim(contributor, campaign, data)

    assert [201, 200, 200] == [answer.status_code for answer in (first, second, third)]
    assert first.json()["upload"]["url"] == second.json()["upload"]["url"]
    assert {first.json()["id"]} == {answer.json()["id"] for answer in (second, third)}
    assert third.json()["upload"] is None


async def test_identical_claims_at_once_give_one_recording(contributor: Client, campaign: Campaign) -> None:
    """A phone that sends its request twice on a bad network owns one recording."""
    data = speech()

    answers = await asyncio.gather(*(claim(contributor, campaign, data) for _ in range(8)))

    assert [200] * 7 + [201] == sorted(answer.status_code for answer in answers)
    assert 1 == len({answer.json()["id"] for answer in answers})


async def test_two_contributors_may_have_the_same_bytes(contributor: Client, other: Client, campaign: Campaign) -> None:
    """A claim tells nothing about what others hold."""
    data = speech()
    mine, theirs = await claim(contributor, campaign, data), await claim(other, campaign, data)

    assert (201, 201) == (mine.status_code, theirs.status_code)
    assert mine.json()["id"] != theirs.json()["id"]


@pytest.mark.parametrize(
    ("change", "status", "kind"),
    [
        ({"campaign": str(uuid4())}, 404, "campaign-missing"),
        ({"size_bytes": 10**12}, 413, "too-large"),
        ({"size_bytes": 0}, 400, "request-invalid"),
        ({"sha256": "zz"}, 400, "request-invalid"),
        ({"sha256": "AB" * 32}, 400, "request-invalid"),
        ({"media_type": "video/quicktime"}, 422, "media-type-refused"),
        ({"media_type": "text/html"}, 400, "request-invalid"),
        ({"language": "xx"}, 422, "language-refused"),
        ({"prompt": str(uuid4())}, 422, "prompt-missing"),
        ({"replaces": str(uuid4())}, 404, "recording-missing"),
        ({"title": "two\nlines"}, 400, "request-invalid"),
    ],
)
async def test_what_would_be_refused_later_is_refused_before_a_byte_is_sent(
    contributor: Client, campaign: Campaign, change: dict[str, Any], status: int, kind: str
) -> None:
    """Each limit with its own reason, and nothing is left behind."""
    wish = {"sha256": "ab" * 32, "size_bytes": 10, "media_type": "audio/wav", "campaign": campaign["id"]}

    answer = await contributor.post("/v1/recordings", json=wish | change)

    assert (status, kind) == (answer.status_code, slug(answer)), answer.text
    assert [] == (await contributor.get("/v1/recordings")).json()["data"]


async def test_400_kilobytes_of_brackets_is_malformed_and_not_a_crash(contributor: Client) -> None:
    """No decoder's recursion may become a 500."""
    answer = await contributor.post(
        "/v1/recordings", content=b"[" * 400_000, headers={"Content-Type": "application/json"}
    )

    assert 400 == answer.status_code


async def test_a_prompt_has_one_live_take(contributor: Client, campaign: Campaign, database: Pool) -> None:
    """A second take is refused until it names the one it replaces, and that one needs a fix."""
    prompt = campaign["prompts"][0]["id"]
    first = (await claim(contributor, campaign, speech(), prompt=prompt)).json()["id"]

    second = await claim(contributor, campaign, speech(), prompt=prompt)
    early = await claim(contributor, campaign, speech(), prompt=prompt, replaces=first)
    await moved(database, first, "uploading", "validating", "needs_fix")
    elsewhere = await claim(contributor, campaign, speech(), prompt=campaign["prompts"][1]["id"], replaces=first)
    right = await claim(contributor, campaign, speech(), prompt=prompt, replaces=first)

    assert (409, "slot-taken") == (second.status_code, slug(second))
    assert (409, "replacement-refused") == (early.status_code, slug(early))
    assert (409, "replacement-refused") == (elsewhere.status_code, slug(elsewhere))
    assert (201, first) == (right.status_code, right.json()["replaces"])
    assert "replaced" == (await contributor.get(f"/v1/recordings/{first}")).json()["recording"]["state"]


async def test_two_takes_at_once_do_not_share_a_prompt(contributor: Client, campaign: Campaign) -> None:
    """The database decides which of them came first."""
    prompt = campaign["prompts"][2]["id"]

    answers = await asyncio.gather(*(claim(contributor, campaign, speech(), prompt=prompt) for _ in range(4)))

    assert [201, 409, 409, 409] == sorted(answer.status_code for answer in answers)


async def test_a_list_goes_page_by_page_and_can_be_narrowed(
    contributor: Client, campaign: Campaign, database: Pool
) -> None:
    """Newest first; nothing twice, nothing left out."""
    made = [(await claim(contributor, campaign, speech())).json()["id"] for _ in range(3)]
    await moved(database, made[1], "uploading")

    first = (await contributor.get("/v1/recordings", params={"limit": 2})).json()
    second = (await contributor.get("/v1/recordings", params={"cursor": first["next_cursor"]})).json()
    narrowed = (await contributor.get("/v1/recordings", params={"state": "uploading"})).json()
    elsewhere = (await contributor.get("/v1/recordings", params={"campaign": str(uuid4())})).json()

    assert made[::-1] == [shown["id"] for shown in first["data"] + second["data"]]
    assert second["next_cursor"] is None
    assert [made[1]] == [shown["id"] for shown in narrowed["data"]]
    assert [] == elsewhere["data"]


async def test_title_language_and_prompt_can_be_set(contributor: Client, campaign: Campaign, database: Pool) -> None:
    """What is left out stays, null empties; the prompt is fixed once a decision stands."""
    recording = (await claim(contributor, campaign, speech(), title="One", language="en")).json()["id"]
    url, prompt = f"/v1/recordings/{recording}", campaign["prompts"][3]["id"]

    changed = (await contributor.patch(url, json={"title": "Two", "prompt": prompt})).json()
    emptied = (await contributor.patch(url, json={"title": None})).json()
    foreign = await contributor.patch(url, json={"language": "xx"})
    await moved(database, recording, "uploading", "validating", "rejected")
    late = await contributor.patch(url, json={"prompt": None})

    assert ("Two", "en", prompt) == (changed["title"], changed["language"], changed["prompt"])
    assert (None, prompt) == (emptied["title"], emptied["prompt"])
    assert (422, "language-refused") == (foreign.status_code, slug(foreign))
    assert (409, "move-refused") == (late.status_code, slug(late))


async def test_a_replacement_that_is_sent_again_while_the_first_is_at_work_is_the_same_recording(
    contributor: Client, campaign: Campaign, database: Pool
) -> None:
    """The take that it replaces is gone by itself."""
    slot = {"prompt": campaign["prompts"][0]["id"]}
    old = (await claim(contributor, campaign, speech(), **slot)).json()["id"]
    await moved(database, old, "uploading", "validating", "needs_fix")
    data = speech()

    answers = await asyncio.gather(*(claim(contributor, campaign, data, replaces=old, **slot) for _ in range(6)))

    assert [200] * 5 + [201] == sorted(answer.status_code for answer in answers), [a.text for a in answers]
    assert 1 == len({answer.json()["id"] for answer in answers})


async def test_a_deleted_recording_is_gone_with_its_bytes(
    contributor: Client, campaign: Campaign, place: Workplace
) -> None:
    """Row by row at once, its objects by the next sweep; the same bytes can be claimed anew."""
    data = speech()
    recording = await submit(contributor, campaign, data)
    await examined(place, contributor, recording)
    await drained(place)
    assert 1 == len(await place.store.listing(f"recordings/{recording}/"))

    deleted = await contributor.delete(f"/v1/recordings/{recording}")
    await drained(place)

    assert 204 == deleted.status_code
    assert 404 == (await contributor.get(f"/v1/recordings/{recording}")).status_code
    assert 204 == (await contributor.delete(f"/v1/recordings/{recording}")).status_code
    assert [] == await place.store.listing(f"recordings/{recording}/")
    assert 201 == (await claim(contributor, campaign, data)).status_code


async def drained(place: Workplace) -> None:
    """Sweep until nothing is left to sweep."""
    while await remove_doomed(place.database, place.store):
        pass


async def test_a_withdrawn_or_foreign_state_cannot_be_left_by_force(
    contributor: Client, campaign: Campaign, database: Pool
) -> None:
    """The table of edges refuses, whoever asks; and nothing is accepted without consent."""
    recording = (await claim(contributor, campaign, speech())).json()["id"]

    with pytest.raises(MoveRefused):
        await moved(database, recording, "accepted")
    await moved(database, recording, "uploading", "validating")
    with pytest.raises(MoveRefused):
        await moved(database, recording, "accepted")


async def test_a_rejected_recording_can_be_disputed_with_words(
    contributor: Client, campaign: Campaign, place: Workplace, database: Pool
) -> None:
    """The words stand in the story, where the person reads them who looks at it."""
    recording = await submit(contributor, campaign, speech())
    early = await contributor.post(f"/v1/recordings/{recording}/disputes", json={"text": "Too early"})
    await examined(place, contributor, recording)
    await moved(database, recording, "in_review", "rejected")

    answer = await contributor.post(f"/v1/recordings/{recording}/disputes", json={"text": "It is the fridge."})

    assert (409, "move-refused") == (early.status_code, slug(early))
    detail = (await contributor.get(f"/v1/recordings/{recording}")).json()["recording"]
    assert (201, "open") == (answer.status_code, answer.json()["state"])
    assert ("in_review", "It is the fridge.") == (detail["state"], detail["because"])


async def test_a_claim_for_which_nothing_arrives_expires(
    contributor: Client, campaign: Campaign, database: Pool
) -> None:
    """By the database's clock, with an event; then the same bytes are new."""
    data = speech()
    old = (await claim(contributor, campaign, data)).json()
    young = (await claim(contributor, campaign, speech())).json()
    async with transaction(database) as connection:
        await connection.execute("UPDATE uploads SET expires_at = now() WHERE recording_id = %s", (old["id"],))

    async with transaction(database) as connection:
        await recordings.expire(connection)

    states = [
        (await contributor.get(f"/v1/recordings/{one['id']}")).json()["recording"]["state"] for one in (old, young)
    ]
    assert ["expired", "claimed"] == states
    assert 201 == (await claim(contributor, campaign, data)).status_code


async def test_orphans_are_removed_after_a_day_and_needed_chunks_stay(
    contributor: Client, campaign: Campaign, app_store: Store, database: Pool
) -> None:
    """A process that died between object and row leaves an orphan behind."""
    data = speech()
    claimed = (await claim(contributor, campaign, data)).json()
    await send(contributor, claimed["upload"]["url"], data[:1000])
    upload = claimed["upload"]["url"].rsplit("/", 1)[-1]
    # Of an upload that is not there any more: one that may still go on keeps whatever a phone put there by itself.
    orphan = f"quarantine/{uuid4()}/000000001000.{uuid4()}"
    await app_store.put(orphan, b"orphan")

    await remove_orphans(database, app_store)
    young = {item.key for item in await app_store.listing("quarantine/")}
    await remove_orphans(database, app_store, now=datetime(2999, 1, 1, tzinfo=UTC))
    old = {item.key for item in await app_store.listing("quarantine/")}

    assert orphan in young
    assert orphan not in old
    assert 1 == sum(key.startswith(f"quarantine/{upload}/") for key in old)


async def test_an_account_may_announce_so_many_bytes_a_day(
    database: Pool, contributor: Client, campaign: Campaign
) -> None:
    """The next claim is told how much is left."""
    account = UUID((await contributor.get("/v1/me")).json()["id"])
    little = claims.Allowance(10**9, 20, 1000, timedelta(days=7), 900)
    wish = claims.Claim(UUID(campaign["id"]), hashlib.sha256(b"1").digest(), 600, "audio/wav")
    more = claims.Claim(UUID(campaign["id"]), hashlib.sha256(b"2").digest(), 600, "audio/wav")

    async with transaction(database) as connection:
        await claims.claim(connection, account, wish, little)
    with pytest.raises(DailyBytesUsed) as refusal:
        async with transaction(database) as connection:
            await claims.claim(connection, account, more, little)

    assert 400 == refusal.value.facts["left_bytes"]


@pytest.mark.parametrize(
    ("media", "media_type", "fits"),
    [
        ("audio", "audio/wav", True),
        ("audio", "video/mp4", True),
        ("audio", "video/quicktime", False),
        ("video", "video/mp4", True),
        ("video", "audio/mp4", False),
        ("audio", "application/ogg", True),
    ],
)
def test_only_what_is_certainly_of_the_other_kind_is_refused(media: str, media_type: str, fits: bool) -> None:
    """Phones name a voice memo after its container."""
    assert fits == claims.may_hold(media, media_type)


@pytest.mark.parametrize(
    ("language", "wanted", "fits"),
    [("de-AT", "de", True), ("DE", "de", True), ("de", "de-AT", False), ("den", "de", False)],
)
def test_a_language_fits_with_any_region(language: str, wanted: str, fits: bool) -> None:
    """RFC 4647, section 3.3.1."""
    assert fits == recordings.speaks(language, wanted)

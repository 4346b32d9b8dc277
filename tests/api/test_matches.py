"""Copies in the service: the index nominates, the owner sees both stretches, and nobody learns of anybody else."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import numpy as np
import pytest

from api.matching import Compared, Likely, likeness
from api.validation import Workplace, validate_recording
from capture_validation.duplicates.evidence import Aligned, Match, Transformation
from capture_validation.duplicates.recording import VERSION
from capture_validation.report import Span
from storage import fingerprints
from storage.database import Pool, transaction
from storage.fingerprints import Held
from storage.recordings import move
from tests.api.taking import agree, examined, fresh, submit
from tests.voices import new_speech, sound_of, wav

Campaign = dict[str, Any]
Client = httpx.AsyncClient


def copied(data: bytes) -> bytes:
    """The same recording, quieter and with noise."""
    sound = sound_of(data)
    return wav(0.6 * sound + 0.0005 * np.random.default_rng(1).standard_normal(len(sound)))


async def taken(client: Client, campaign: Campaign, data: bytes, place: Workplace) -> str:
    """Send a recording with consent and have it examined; return its id."""
    recording = await submit(client, campaign, data)
    await agree(client, campaign, recording)
    await examined(place, client, recording)
    return recording


async def stands(client: Client, recording: str) -> tuple[str, str | None]:
    """Where a recording stands and why."""
    shown = (await client.get(f"/v1/recordings/{recording}")).json()["recording"]
    return shown["state"], shown["because"]


async def test_an_own_copy_is_sent_back_with_both_stretches(
    contributor: Client, campaign: Campaign, place: Workplace
) -> None:
    """Its owner sees which recording it was, where, and how sure we are."""
    data = new_speech()
    first = await taken(contributor, campaign, data, place)
    second = await taken(contributor, campaign, copied(data), place)

    shown = await contributor.get(f"/v1/recordings/{second}/matches", headers={"Accept-Language": "de"})

    match = shown.json()["data"][0]
    assert ("accepted", "passed") == await stands(contributor, first)
    assert ("needs_fix", "already-sent") == await stands(contributor, second)
    assert (first, "accepted") == (match["held"]["id"], match["held"]["state"])
    assert ("audio", "duplicate") == (match["kind"], match["verdict"])
    assert match["strength"] > match["threshold"]
    assert match["covered"] == pytest.approx(1, abs=0.1)
    span = match["spans"][0]
    assert span["new"]["start_s"] == pytest.approx(span["held"]["start_s"], abs=0.1)
    assert "schon gesendet" in match["sentence"]
    assert 200 == (await contributor.get(match["held"]["media_url"])).status_code


async def test_the_stretch_that_was_sent_already_is_named(
    contributor: Client, campaign: Campaign, place: Workplace
) -> None:
    """Five seconds of an old recording inside a new one. Of such pairs one in ten agrees a second longer by luck."""
    old, new = sound_of(new_speech(11)), sound_of(new_speech(12))
    first = await taken(contributor, campaign, wav(old), place)
    second = await taken(contributor, campaign, wav(np.concatenate((new, old[48_000:128_000]))), place)

    match = (await contributor.get(f"/v1/recordings/{second}/matches")).json()["data"][0]

    assert ("needs_fix", "already-sent") == await stands(contributor, second)
    assert first == match["held"]["id"]
    assert match["spans"][0]["new"]["start_s"] == pytest.approx(11, abs=1)
    assert match["spans"][0]["held"]["start_s"] == pytest.approx(3, abs=1)
    assert "0:1" in match["sentence"]


async def test_another_wrapper_is_the_same_content(contributor: Client, campaign: Campaign, place: Workplace) -> None:
    """Other bytes around the same sound are exact, and need neither evidence nor a person."""
    data = new_speech()
    await taken(contributor, campaign, data, place)
    second = await taken(contributor, campaign, fresh(data), place)

    match = (await contributor.get(f"/v1/recordings/{second}/matches")).json()["data"][0]

    assert ("needs_fix", "already-sent") == await stands(contributor, second)
    assert ("content", 1.0, 1.0) == (match["kind"], match["covered"], match["strength"])
    assert "You have sent all of this already." == match["sentence"]


async def test_nothing_is_told_of_another_contributors_recording(
    contributor: Client, other: Client, campaign: Campaign, place: Workplace
) -> None:
    """A person takes a second look; neither side learns of the other."""
    data = new_speech()
    first = await taken(contributor, campaign, data, place)
    second = await taken(other, campaign, copied(data), place)

    told = [(await other.get(f"/v1/recordings/{second}{what}")).text for what in ("", "/matches", "/report")]

    assert ("in_review", "second-look") == await stands(other, second)
    assert ("accepted", "passed") == await stands(contributor, first)
    assert [] == (await other.get(f"/v1/recordings/{second}/matches")).json()["data"]
    assert not any(first in text for text in told)
    assert [] == (await contributor.get(f"/v1/recordings/{first}/matches")).json()["data"]


async def test_of_two_copies_at_the_same_instant_one_is_accepted(
    contributor: Client, other: Client, campaign: Campaign, place: Workplace
) -> None:
    """Both are compared before either is kept; the lock lets the second one see the first."""
    data = new_speech()
    recordings = [await submit(contributor, campaign, data), await submit(other, campaign, copied(data))]
    for client, recording in zip((contributor, other), recordings, strict=True):
        await agree(client, campaign, recording)

    await asyncio.gather(*(validate_recording(place, UUID(recording), tries=0) for recording in recordings))

    ends = [await stands(contributor, recordings[0]), await stands(other, recordings[1])]
    assert [("accepted", "passed"), ("in_review", "second-look")] == sorted(ends)


async def test_the_same_speaker_and_the_same_syllables_are_two_recordings(
    contributor: Client, campaign: Campaign, place: Workplace
) -> None:
    """A fingerprint identifies a recording, not a voice."""
    recordings = [await taken(contributor, campaign, new_speech(), place) for _ in range(2)]

    assert [("accepted", "passed")] * 2 == [await stands(contributor, recording) for recording in recordings]


async def test_an_objection_goes_to_a_person_and_the_answer_is_kept(
    contributor: Client, campaign: Campaign, place: Workplace, database: Pool
) -> None:
    """One at a time; whoever moves the recording has answered, and the contributor hears of it."""
    data = new_speech()
    await taken(contributor, campaign, data, place)
    second = await taken(contributor, campaign, copied(data), place)
    url = f"/v1/recordings/{second}/disputes"

    opened = await contributor.post(url, json={"text": "These are two takes."})
    again = await contributor.post(url, json={"text": "Really."})
    async with transaction(database) as connection:
        await move(connection, UUID(second), "accepted", by="operator", because="You are right.")

    dispute = (await contributor.get(url)).json()["data"][0]
    assert (201, "open", "already-sent") == (opened.status_code, opened.json()["state"], opened.json()["because"])
    assert (409, "/problems/dispute-open") == (again.status_code, again.json()["type"])
    assert ("answered", "accepted", "You are right.") == (dispute["state"], dispute["outcome"], dispute["answer"])
    story = (await contributor.get(f"/v1/recordings/{second}")).json()["events"]
    assert "dispute.answered" in {event["kind"] for event in story}


async def test_a_deleted_recording_leaves_no_fingerprint(
    contributor: Client, campaign: Campaign, place: Workplace, database: Pool
) -> None:
    """At once: the next copy of it is a new recording."""
    data = new_speech()
    first = await taken(contributor, campaign, data, place)
    second = await taken(contributor, campaign, copied(data), place)
    assert 204 == (await contributor.delete(f"/v1/recordings/{second}")).status_code
    async with transaction(database) as connection:
        await fingerprints.forget(connection, UUID(first))

    third = await taken(contributor, campaign, copied(copied(data)), place)

    async with transaction(database) as connection:
        cursor = await connection.execute(
            "SELECT count(*) FROM fingerprints WHERE recording_id = ANY(%s)", ([UUID(first), UUID(second)],)
        )
        assert (0,) == await cursor.fetchone()
    assert ("accepted", "passed") == await stands(contributor, third)


def likely(kind: str, account: UUID | None, video: bytes | None = None, **more: Any) -> Likely:
    """A match with a recording of somebody."""
    span = Aligned(Span(0, 10), Span(0, 10))
    values = {"verdict": "duplicate", "strength": 20.0, "threshold": 12.0, "covered": 1.0} | more
    match = Match(1, kind, spans=(span,), transformation=Transformation(), version=1, **values)  # type: ignore[arg-type]
    return Likely(match, Held(1, VERSION, b"", 10, None, video, UUID(int=9), None, account, "accepted"))


class Film:
    """Stands for fingerprints of a film with enough to see."""

    enough = True
    video: Any = None


ME = UUID(int=1)


@pytest.mark.parametrize(
    ("found", "film", "expected"),
    [
        ([likely("audio", ME)], False, "already_sent"),
        ([likely("audio", ME, covered=0.02)], False, ""),
        ([likely("audio", ME, verdict="alike")], False, "doubtful"),
        ([likely("audio", UUID(int=2), covered=0.02)], False, "of_another"),
        ([likely("audio", ME, b"film")], True, "same_event"),
        ([likely("audio", ME, b"film"), likely("video", ME, b"film")], True, "already_sent"),
        ([likely("video", ME, verdict="alike", strength=0.2)], True, ""),
        ([likely("video", UUID(int=2), verdict="alike", strength=0.2)], True, ""),
        ([likely("video", UUID(int=2), verdict="alike", strength=0.44)], True, "of_another"),
    ],
)
def test_what_a_match_means(found: list[Likely], film: bool, expected: str) -> None:
    """A jingle, one place on two days, two phones at one event: none of them is a copy."""
    prints: Any = Film()
    prints.video = Film() if film else None

    seen = likeness(Compared(prints, tuple(found), 0), ME, UUID(int=7), "video")

    told = ("already_sent", "same_event", "of_another", "of_public_work", "doubtful", "not_enough")
    assert expected == ",".join(name for name in told if getattr(seen, name))

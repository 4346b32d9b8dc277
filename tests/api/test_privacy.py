"""What somebody wants hidden is hidden in the copy that buyers get, and nobody but its owner sees either."""

import asyncio
import hashlib
import io
import os
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from PIL import Image

from api.cleaning import demanded, make_rendition
from api.validation import Workplace
from storage import renditions
from storage.database import Pool, transaction
from storage.queue import enqueue_rendition
from storage.renditions import Order
from tests.api.conftest import forget_jobs, running
from tests.api.taking import agree, claim, examined, offered, speech, submit
from tests.media import media

Client = httpx.AsyncClient
Campaign = dict[str, Any]
#: What the terms of street scenes say about the copy that buyers get.
STREET = {"delivered": ["recording_with_faces_and_plates_blurred"], "sound": "removed"}


@pytest.fixture
async def film(client: Client) -> Campaign:
    """The demo's campaign for videos, as the API shows it."""
    listed = await offered(client, media="video")
    url = next(entry["url"] for entry in listed if entry["title"] == "Walk through a street")
    return dict((await client.get(url)).json())


def street() -> bytes:
    """Four seconds of people in a street, in bytes that nobody has sent yet."""
    data = media("video_courtyard_people_15fps.mp4").read_bytes()
    return data + (24).to_bytes(4, "big") + b"free" + os.urandom(16)


async def taken(client: Client, campaign: Campaign, place: Workplace, data: bytes) -> tuple[str, str]:
    """A recording that was examined; its address and its state."""
    recording = await submit(client, campaign, data)
    await agree(client, campaign, recording)
    seen = await examined(place, client, recording)
    return f"/v1/recordings/{recording}", seen["recording"]["state"]


@pytest.fixture
async def spoken(contributor: Client, campaign: Campaign, place: Workplace) -> str:
    """The address of an accepted recording of speech."""
    url, state = await taken(contributor, campaign, place, speech())
    assert "accepted" == state
    return url


async def test_the_copy_is_made_after_acceptance_and_has_none_of_the_original_s_bytes(
    contributor: Client, spoken: str, place: Workplace
):
    """Before: waiting. After: the list of changes, and the bytes that were hashed, from any place on."""
    before = (await contributor.get(f"{spoken}/privacy")).json()
    missing = await contributor.get(f"{spoken}/rendition")
    await make_rendition(place, UUID(spoken.rsplit("/", 1)[1]))
    after = (await contributor.get(f"{spoken}/privacy")).json()
    whole = await contributor.get(f"{spoken}/rendition")
    part = await contributor.get(f"{spoken}/rendition", headers={"Range": "bytes=4-9"})
    head = await contributor.head(f"{spoken}/rendition")

    assert ("waiting", 404, "/problems/rendition-missing") == (
        before["standing"], missing.status_code, missing.json()["type"],
    )  # fmt: skip
    assert ("ready", "audio/flac") == (after["standing"], after["rendition"]["media_type"])
    assert {"metadata", "sound"} == {edit["what"] for edit in after["rendition"]["edits"]}
    assert after["rendition"]["sha256"] == hashlib.sha256(whole.content).hexdigest()
    assert b"fLaC" == whole.content[:4]
    assert (206, whole.content[4:10]) == (part.status_code, part.content)
    assert str(len(whole.content)) == head.headers["content-length"]


async def test_what_is_taken_out_before_acceptance_is_not_paid(
    contributor: Client, campaign: Campaign, place: Workplace
) -> None:
    """And the explanation of the pay says which stretch; the last choice before it counts."""
    recording = await submit(contributor, campaign, speech())
    url = f"/v1/recordings/{recording}"
    for cut in ({"start_s": 0, "end_s": 3}, {"start_s": 1.5, "end_s": 2.25}):
        assert 200 == (await contributor.put(f"{url}/privacy", json={"drop": [cut]})).status_code
    await agree(contributor, campaign, recording)
    await examined(place, contributor, recording)
    [earning] = (await contributor.get(f"{url}/earnings")).json()["data"]
    await contributor.put(f"{url}/privacy", json={"drop": []})

    explained = (await contributor.get(f"/v1/earnings/{earning['id']}/explanation")).json()
    [times] = [step for step in explained["steps"] if step["op"] == "times"]
    assert 750 == times["of_ms"] - times["ms"]
    assert [(1500, 2250, "taken-out")] == [
        (span["start_ms"], span["end_ms"], span["reason"]) for span in times["removed"]
    ]


async def test_other_choices_take_the_copy_back_and_make_another(contributor: Client, spoken: str, place: Workplace):
    """What is silenced is silent in the next copy; the owner is told of each by an event."""
    recording = UUID(spoken.rsplit("/", 1)[1])
    await make_rendition(place, recording)
    chosen = await contributor.put(f"{spoken}/privacy", json={"mute": [{"start_s": 0, "end_s": 60}]})
    taken_back = await contributor.get(f"{spoken}/rendition")
    await make_rendition(place, recording)
    await make_rendition(place, recording)
    now = (await contributor.get(f"{spoken}/privacy")).json()

    assert (200, "waiting", 2) == (chosen.status_code, chosen.json()["standing"], chosen.json()["version"])
    assert 404 == taken_back.status_code
    assert 2 == now["rendition"]["number"]
    assert ("sound", "muted") in {(edit["what"], edit["how"]) for edit in now["rendition"]["edits"]}
    heard = (await contributor.get("/v1/events")).json()["data"]
    assert [1, 2] == [event["data"]["number"] for event in heard if event["kind"] == "rendition.made"]


async def test_what_the_terms_promise_to_hide_is_hidden_whatever_is_chosen(
    contributor: Client, film: Campaign, place: Workplace, database: Pool
):
    """The street's terms: faces and plates blurred, the sound taken out; its owner reads that, and can hide more."""
    recording = (await claim(contributor, film, street())).json()["id"]
    url = f"/v1/recordings/{recording}"
    before = (await contributor.get(f"{url}/privacy")).json()["by_terms"]
    await agree(contributor, film, recording)
    chosen = await contributor.put(f"{url}/privacy", json={"faces": "keep", "text": "box", "seen_agreed": True})
    async with transaction(database) as connection:
        promised = await renditions.promised(connection, UUID(recording))

    assert ([], ["faces", "text", "sound"]) == (before, chosen.json()["by_terms"])
    assert ("never", "removed") == (promised["contacts"], promised["sound"])


@pytest.mark.parametrize(
    ("media_type", "media", "choices", "hidden"),
    [
        ("video/mp4", STREET, {}, ("blur", "blur", ((0.0, 9.0),))),
        ("video/mp4", STREET, {"faces": "keep", "seen_agreed": True, "text": "box"}, ("blur", "box", ((0.0, 9.0),))),
        ("video/mp4", {**STREET, "sound": "kept"}, {"faces": "box"}, ("box", "blur", ())),
        ("video/mp4", {"delivered": ["recording"]}, {}, ("blur", "keep", ())),
        ("audio/flac", STREET, {"mute": [{"start_s": 1, "end_s": 2}]}, ("blur", "keep", ((1.0, 2.0),))),
        ("video/mp4", {}, {}, ("blur", "keep", ())),
    ],
)
def test_a_copy_hides_what_was_chosen_and_never_less_than_the_terms_say(
    media_type: str, media: dict[str, Any], choices: dict[str, Any], hidden: tuple[Any, ...]
):
    order = Order(UUID(int=1), UUID(int=2), "key", 10, media_type, 8000, choices, 1, media)

    made = demanded(order)

    assert hidden == (made.faces, made.text, tuple((span.start_s, span.end_s) for span in made.mute))


async def test_choices_that_leave_nothing_are_impossible_and_say_so(contributor: Client, spoken: str, place: Workplace):
    await contributor.put(f"{spoken}/privacy", json={"drop": [{"start_s": 0, "end_s": 600}]})
    await make_rendition(place, UUID(spoken.rsplit("/", 1)[1]))
    now = (await contributor.get(f"{spoken}/privacy")).json()

    assert ("impossible", "nothing-left", None) == (now["standing"], now["trouble"], now["rendition"])


@pytest.mark.parametrize(
    ("choices", "status"),
    [
        ({"faces": "keep"}, 422),
        ({"mute": [{"start_s": 5, "end_s": 2}]}, 422),
        ({"faces": "pixelate"}, 400),
        ({"hands": "blur"}, 400),
        ({"mute": [{"start_s": "x", "end_s": 2}]}, 400),
        ({"faces": "keep", "seen_agreed": True}, 200),
    ],
)
async def test_what_cannot_be_chosen_is_said(
    contributor: Client, campaign: Campaign, choices: dict[str, Any], status: int
):
    """Faces stay shown only with the word that those who are seen agreed."""
    recording = (await claim(contributor, campaign, speech())).json()["id"]

    assert status == (await contributor.put(f"/v1/recordings/{recording}/privacy", json=choices)).status_code


async def test_a_video_s_x_ray_frames_and_copy(contributor: Client, film: Campaign, place: Workplace):
    """Faces are found in the recording and in none of the copy; stills are small pictures for the owner."""
    url, state = await taken(contributor, film, place, street())
    seen = (await contributor.get(f"{url}/xray")).json()
    frames = (await contributor.get(f"{url}/frames")).json()
    picture = await contributor.get(frames[0]["url"])
    beyond = await contributor.get(f"{url}/frames/{len(frames)}.webp")

    assert "found" == next(one["verdict"] for one in seen["sightings"] if one["kind"] == "faces")
    assert "not_checked" == next(one["verdict"] for one in seen["sightings"] if one["kind"] == "voices")
    assert ("image/webp", 404) == (picture.headers["content-type"], beyond.status_code)
    with Image.open(io.BytesIO(picture.content)) as still:
        assert 160 == max(still.size)
    if state != "accepted":
        # The take is too small for the campaign; what matters is said above.
        return
    await make_rendition(place, UUID(url.rsplit("/", 1)[1]))
    edits = (await contributor.get(f"{url}/privacy")).json()["rendition"]["edits"]
    assert ("faces", "blurred") in {(edit["what"], edit["how"]) for edit in edits}


async def test_the_x_ray_lies_sealed_in_the_database(contributor: Client, spoken: str, database: Pool):
    """Destroying the key erases also where faces were."""
    assert 200 == (await contributor.get(f"{spoken}/xray")).status_code
    async with transaction(database) as connection:
        row = await connection.execute(
            "SELECT report::text, glimpses FROM reports WHERE recording_id = %s", (spoken.rsplit("/", 1)[1],)
        )
        report, glimpses = await row.fetchone()  # type: ignore[misc]

    assert "sightings" not in report
    assert b"sightings" not in bytes(glimpses)


async def test_one_waiting_job_is_enough(spoken: str, database: Pool):
    """The clock asks every two seconds, and a copy may take minutes."""
    recording = UUID(spoken.rsplit("/", 1)[1])
    async with transaction(database) as connection:
        await enqueue_rendition(connection, recording)
        await enqueue_rendition(connection, recording)
        rows = await connection.execute(
            "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'make_rendition' AND args ->> 'recording' = %s",
            (str(recording),),
        )

        assert 1 == (await rows.fetchone())[0]  # type: ignore[index]


async def test_a_worker_makes_the_copy_by_itself(
    contributor: Client, campaign: Campaign, process_environment: dict[str, str], tmp_path: Path
):
    """From the bytes of a phone to what buyers get, with nobody asking in between."""
    forget_jobs(process_environment)
    with running("worker", process_environment, tmp_path / "worker.log"):
        recording = await submit(contributor, campaign, speech())
        await agree(contributor, campaign, recording)
        deadline = time.monotonic() + 100
        while (await contributor.get(f"/v1/recordings/{recording}/privacy")).json()["standing"] != "ready":
            assert time.monotonic() < deadline, (tmp_path / "worker.log").read_text()
            await asyncio.sleep(0.3)

    assert 200 == (await contributor.get(f"/v1/recordings/{recording}/rendition")).status_code

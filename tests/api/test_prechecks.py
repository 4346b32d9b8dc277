"""A few seconds of a take are looked at before it is recorded, and nothing of them is kept."""

import asyncio
import contextlib
import io
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import av
import httpx
import numpy as np
import pytest
import soundfile
from litestar import Litestar

from api import examinations
from api.examinations import LARGEST, PER_MINUTE
from capture_validation.validate import shared_sandbox
from storage import examiners
from storage.database import Pool, transaction
from tests.api.taking import slug
from tests.capture_validation.made import video
from tests.media import media
from tests.processes import spent_by_children

ADDRESS = "/v1/prechecks"


def wav(samples: np.ndarray, rate: int = 16000) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV")
    return file.getvalue()


def spoken(seconds: float = 5.0) -> tuple[np.ndarray, int]:
    samples, rate = soundfile.read(media("speech_jfk_16k.wav"), dtype="float32")
    return samples[: int(seconds * rate)], rate


async def asked(client: httpx.AsyncClient, body: bytes, **query: str) -> httpx.Response:
    return await client.post(ADDRESS, content=body, params=query, headers={"Content-Type": "audio/wav"})


def hinted(answer: httpx.Response) -> set[str]:
    return {one["check"] for one in answer.json()["findings"] if one["status"] in {"hint", "failed"}}


async def test_a_good_beginning_is_said_to_be_good(contributor: httpx.AsyncClient):
    answer = await asked(contributor, wav(*spoken()))

    assert 200 == answer.status_code
    assert ("passed", "speech", None) == tuple(answer.json()[name] for name in ("outcome", "profile", "rejection"))
    assert 5.0 == answer.json()["media"]["duration_s"]


async def test_everything_that_is_wrong_is_said_at_once(contributor: httpx.AsyncClient):
    samples, rate = spoken()
    answer = await asked(contributor, wav(np.clip(samples * 40, -1, 1), rate))

    assert {"audio.clipping", "audio.loudness"} <= hinted(answer)
    assert "needs_fix" == answer.json()["outcome"]


async def test_it_is_answered_in_well_under_a_second(contributor: httpx.AsyncClient):
    """Of a processor, here and in the sandbox: what else the machine does meanwhile is not what is asked for here."""
    body = wav(*spoken(10.0))
    await asked(contributor, body)
    zygote = shared_sandbox().pid
    begun = time.process_time() + spent_by_children(zygote)
    for _ in range(3):
        await asked(contributor, body)

    assert (time.process_time() + spent_by_children(zygote) - begun) / 3 < 1.0


async def test_a_campaign_judges_by_its_own_rules(contributor: httpx.AsyncClient, campaign: dict[str, Any]):
    answer = await asked(contributor, wav(*spoken()), campaign=campaign["id"])
    unknown = await asked(contributor, wav(*spoken()), campaign="00000000-0000-0000-0000-000000000000")

    assert 200 == answer.status_code
    assert (404, "campaign-missing") == (unknown.status_code, slug(unknown))


async def test_video_is_looked_at_too(contributor: httpx.AsyncClient):
    answer = await asked(contributor, video("mp4"), profile="video")

    assert (200, None) == (answer.status_code, answer.json()["rejection"])
    assert (64, 48) == tuple(answer.json()["media"]["video"][side] for side in ("width", "height"))


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"", "empty"), (b"\x00" * 1000, "container-unknown"), (b"#EXTM3U\nhttp://example.org/a.ts\n", "playlist")],
)
async def test_what_is_no_recording_is_refused_in_words(contributor: httpx.AsyncClient, body: bytes, code: str):
    answer = await contributor.post(ADDRESS, content=body, headers={"Accept-Language": "de"})

    assert (200, "rejected", code) == (answer.status_code, answer.json()["outcome"], answer.json()["rejection"]["code"])
    assert "de" == answer.headers["content-language"]


async def test_more_than_ten_seconds_are_over_the_limit(contributor: httpx.AsyncClient):
    samples, rate = spoken(11.0)

    answer = await asked(contributor, wav(np.tile(samples, 2), rate))

    assert "over-limit" == answer.json()["rejection"]["code"]


async def test_more_than_five_megabytes_are_not_read(contributor: httpx.AsyncClient):
    answer = await asked(contributor, bytes(LARGEST + 1))

    assert (413, "body-too-large") == (answer.status_code, slug(answer))


@pytest.mark.parametrize("query", [{"profile": "opera"}, {"campaign": "mine"}])
async def test_a_question_that_cannot_be_read_is_malformed(contributor: httpx.AsyncClient, query: dict[str, str]):
    assert 400 == (await asked(contributor, b"x", **query)).status_code


async def test_nothing_is_kept(contributor: httpx.AsyncClient, database: Pool):
    """No row anywhere, and no descriptor stays open."""
    await asked(contributor, wav(*spoken(1.0)))
    before = await rows(database)
    await asked(contributor, wav(*spoken(2.0)))

    assert before == await rows(database)
    assert 0 == memory_files()


async def rows(database: Pool) -> dict[str, int]:
    """How many rows each of our tables has; those of the queue and of sign-ins live a life of their own."""
    tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename !~ '^(procrastinate|sessions)'"
    async with transaction(database) as connection:
        names = [name for (name,) in await (await connection.execute(tables)).fetchall()]
        counts = [await (await connection.execute(f"SELECT count(*) FROM {name}")).fetchone() for name in names]
    return dict(zip(names, counts, strict=True))


def memory_files() -> int:
    found = 0
    for link in Path("/proc/self/fd").iterdir():
        # A descriptor may be closed by another thread while we look.
        with contextlib.suppress(OSError):
            found += "memfd:precheck" in str(link.readlink())
    return found


async def test_thirty_a_minute_are_enough_for_one_account(contributor: httpx.AsyncClient, other: httpx.AsyncClient):
    answers = [await asked(contributor, b"") for _ in range(PER_MINUTE + 1)]

    assert [200] * PER_MINUTE + [429] == [answer.status_code for answer in answers]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    assert 200 == (await asked(other, b"")).status_code


async def test_too_many_at_once_are_turned_away(contributor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(examinations, "WAITING", -(os.cpu_count() or 1))

    answer = await asked(contributor, b"")

    assert (503, "overloaded") == (answer.status_code, slug(answer))
    assert answer.headers["retry-after"]


async def test_a_minute_in_a_few_kilobytes_is_over_the_limit(contributor: httpx.AsyncClient):
    """The claim in a header is believed when it is too long, and the samples are counted when it is too short."""
    file = io.BytesIO()
    with av.open(file, "w", format="flac") as out:
        stream: Any = out.add_stream("flac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000 * 60), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            out.mux(packet)

    answer = await asked(contributor, file.getvalue())

    assert "over-limit" == answer.json()["rejection"]["code"]


async def test_bodies_on_their_way_have_an_end(
    app: Litestar, contributor: httpx.AsyncClient, other: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    """They lie in memory: sixty-four phones with five megabytes each would fill it, and so would one with many."""
    room = app.state.examining.bodies
    monkeypatch.setattr(room, "each", 1500)
    monkeypatch.setattr(room, "most", 2000)
    meanwhile: list[httpx.Response] = []

    async def body() -> AsyncIterator[bytes]:
        yield bytes(1000)
        sizes = [(contributor, 501), (contributor, 500), (other, 1001), (other, 1000)]
        meanwhile.extend([await asked(client, bytes(size)) for client, size in sizes])

    answer = await contributor.post(ADDRESS, content=body())

    assert [503, 200, 503, 200] == [one.status_code for one in meanwhile]
    assert (200, "overloaded") == (answer.status_code, slug(meanwhile[0]))
    assert (0, {}) == (room.size, dict(room.held))


async def test_the_sandbox_is_started_before_somebody_waits_for_it(database: Pool, monkeypatch: pytest.MonkeyPatch):
    """But not before a worker has started its own, which the service's readiness waits for."""
    started: list[str] = []

    class Sandbox:
        def start(self) -> None:
            started.append("started")

    monkeypatch.setattr(examinations, "shared_sandbox", Sandbox)
    monkeypatch.setattr(examinations, "LOOK_EVERY_S", 0.01)
    worker = uuid4()
    async with transaction(database) as connection:
        await connection.execute("DELETE FROM examiners")
    warming = asyncio.create_task(examinations.Examinations().warm(database))
    await asyncio.sleep(0.2)
    before = list(started)
    async with transaction(database) as connection:
        await examiners.say(connection, worker, isolates=True)
    await asyncio.wait_for(warming, 20)
    async with transaction(database) as connection:
        await examiners.leave(connection, worker)

    assert ([], ["started"]) == (before, started)

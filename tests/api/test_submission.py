"""Real recordings through real processes: a stock tus client, the server, the worker with its sandbox."""

import asyncio
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
import httpx
import pytest
from tusclient.client import TusClient

from api.validation import Workplace
from storage.database import Pool, transaction
from tests.api.conftest import forget_jobs, running
from tests.api.taking import agree, claim, examined, offered, speech, submit
from tests.media import all_media, hostile, media

Campaign = dict[str, Any]


@pytest.fixture(scope="module")
def worker(process_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A worker process; gives its log."""
    log = tmp_path_factory.mktemp("worker") / "worker.log"
    forget_jobs(process_environment)
    with running("worker", process_environment, log):
        yield log


def tus(served: str, contributor: httpx.AsyncClient, path: Path, recording: str, chunk: int | None) -> None:
    """Send a file as a stock client does that creates its own upload."""
    client = TusClient(f"{served}/v1/uploads", headers={"Authorization": contributor.headers["Authorization"]})
    arguments = {} if chunk is None else {"chunk_size": chunk}
    with path.open("rb") as file:
        client.uploader(file_stream=file, metadata={"recording": recording}, **arguments).upload()


async def settled(client: httpx.AsyncClient, recording: str, log: Path, patience_s: float = 60) -> dict[str, Any]:
    """Wait until a recording is examined."""
    deadline = time.monotonic() + patience_s
    while True:
        detail = (await client.get(f"/v1/recordings/{recording}")).json()
        if detail["recording"]["state"] not in {"claimed", "uploading", "validating", "failed"}:
            return detail
        assert time.monotonic() < deadline, (detail, log.read_text())
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("chunk", [None, 100_000])
async def test_a_stock_tus_client_submits_a_recording(
    contributor: httpx.AsyncClient, campaign: Campaign, served: str, worker: Path, tmp_path: Path, chunk: int | None
) -> None:
    """In one request and in pieces: the report comes, and the owner hears the very bytes that were sent."""
    path = tmp_path / "take.wav"
    path.write_bytes(speech())
    claimed = (await claim(contributor, campaign, path.read_bytes(), language="en")).json()
    await agree(contributor, campaign, claimed["id"])

    await asyncio.to_thread(tus, served, contributor, path, claimed["id"], chunk)
    detail = await settled(contributor, claimed["id"], worker)

    assert "accepted" == detail["recording"]["state"], detail
    assert 200 == (await contributor.get(detail["report_url"])).status_code
    heard = await contributor.get(urlsplit(detail["media_url"]).path)
    assert claimed["sha256"] == hashlib.sha256(heard.content).hexdigest()


#: What phones call the files whose ending Python does not know, or knows by a name of another age.
TYPES = {
    ".amr": "audio/amr",
    ".opus": "audio/ogg",
    ".ogg": "audio/ogg",
    ".flac": "audio/flac",
    ".webm": "video/webm",
    ".3gp": "video/3gpp",
    ".m4a": "audio/mp4",
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".aiff": "audio/aiff",
    ".mov": "video/quicktime",
    ".avi": "video/x-msvideo",
    ".mkv": "video/x-matroska",
    ".mp4": "video/mp4",
}


@pytest.fixture
async def street(client: httpx.AsyncClient) -> Campaign:
    """The demo's video campaign, as the API shows it."""
    listed = await offered(client, media="video")
    url = next(entry["url"] for entry in listed if entry["title"] == "Walk through a street")
    return dict((await client.get(url)).json())


async def reported(client: httpx.AsyncClient, campaign: Campaign, path: Path, place: Workplace) -> dict[str, Any]:
    """Submit a file and have it examined; the report, with how long the examination took."""
    known = TYPES.get(path.suffix, f"{campaign['media']}/x-unknown")
    began = time.monotonic()
    recording = await submit(client, campaign, path.read_bytes(), media_type=known)
    await examined(place, client, recording)
    answer = await client.get(f"/v1/recordings/{recording}/report")
    assert 200 == answer.status_code, answer.text
    return {**answer.json(), "lasted_s": time.monotonic() - began}


#: In so many parts: several processes share them evenly, and none comes near the time that a test may take.
PARTS = 4


@pytest.mark.timeout(400)
@pytest.mark.parametrize("part", range(PARTS))
async def test_every_kind_of_recording_gets_a_report_and_none_is_called_unreadable(
    contributor: httpx.AsyncClient, campaign: Campaign, street: Campaign, place: Workplace, database: Pool, part: int
) -> None:
    """Every codec and container in the folder, by way of the API: decoded to the end, whatever the checks say.

    The smallest file of each; that every file is decoded to its end is tested without a service (`test_decode`).
    """
    await open_for_all(database)
    refused = {}
    for name in (one_of_each_kind() or [media("any").name])[part::PARTS]:
        kind = street if name.startswith("video_") else campaign
        report = await reported(contributor, kind, media(name), place)
        if report["rejection"] is not None or report["media"]["duration_s"] <= 0:
            refused[name] = report["rejection"]

    assert {} == refused


def one_of_each_kind() -> list[str]:
    """The smallest real recording of each container, its codecs and the format of its pictures."""
    kinds: dict[tuple[str, ...], str] = {}
    for name in sorted(all_media(), key=lambda name: media(name).stat().st_size):
        with av.open(str(media(name)), metadata_errors="ignore") as file:
            contexts = [stream.codec_context for stream in file.streams if stream.type in ("audio", "video")]
            tracks = sorted(f"{context.name} {getattr(context, 'pix_fmt', '')}" for context in contexts)
        kinds.setdefault((media(name).suffix, *tracks), name)
    return sorted(kinds.values())


async def open_for_all(database: Pool) -> None:
    """Let a test's campaigns take recordings of any length."""
    async with transaction(database) as connection:
        await connection.execute("UPDATE campaigns SET max_duration_ms = 3600000")


@pytest.mark.parametrize(
    ("name", "readable"),
    [
        ("00_ok.mp4", True),
        ("00_ok.wav", True),
        ("canary_rel.mp4", True),
        ("10_wav_nan_inf.wav", False),
        ("28_mp4_stsz_170M.mp4", False),
        ("35_mov_cmov_1g.mov", False),
        ("51_hls_http.m3u8", False),
        ("58_ffconcat_abs.mp4", False),
        ("71_onebyte.wav", False),
        ("75_ansi_text.txt", False),
        ("98_noext_hls", False),
    ],
)
async def test_a_hostile_file_is_refused_with_a_reason(
    contributor: httpx.AsyncClient,
    campaign: Campaign,
    street: Campaign,
    place: Workplace,
    name: str,
    readable: bool,
) -> None:
    """By way of the API, and the harmless ones are not; how each is contained is tested where it is decoded."""
    kind = street if name.endswith((".mp4", ".mov")) else campaign

    report = await reported(contributor, kind, hostile(name), place)

    assert readable == (report["rejection"] is None), report["rejection"]
    if not readable:
        assert "rejected" == report["outcome"]
        assert report["rejection"]["message"]
        assert report["rejection"]["fix"]

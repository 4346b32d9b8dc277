"""Real recordings through real processes: a stock tus client, the server, the worker with its sandbox."""

import asyncio
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tusclient.client import TusClient

from tests.api.conftest import running
from tests.api.taking import agree, claim, speech

Campaign = dict[str, Any]


@pytest.fixture(scope="module")
def worker(process_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A worker process; gives its log."""
    log = tmp_path_factory.mktemp("worker") / "worker.log"
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

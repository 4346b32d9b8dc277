"""The steps of a contributor's phone, for tests: announce, send, agree, have it examined."""

import asyncio
import hashlib
import os
import time
from typing import Any
from uuid import UUID

import httpx

from api.validation import Workplace, validate_recording
from tests.voices import new_speech

TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {**TUS, "Content-Type": "application/offset+octet-stream"}


def fresh(wav: bytes) -> bytes:
    """The same sound in other bytes: a WAV file with a chunk of its own that every reader skips.

    Only the comparison of recordings notices that it is the same.
    """
    body = wav[8:] + b"JUNK" + (16).to_bytes(4, "little") + os.urandom(16)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def speech() -> bytes:
    """A good recording that nobody has sent yet, nor anything that sounds like it."""
    return new_speech()


async def offered(
    client: httpx.AsyncClient, headers: dict[str, str] | None = None, **asked: str
) -> list[dict[str, Any]]:
    """All campaigns that answer a question, page by page: tests before may have opened hundreds."""
    found: list[dict[str, Any]] = []
    asked["limit"] = "200"
    while True:
        page = (await client.get("/v1/campaigns", params=asked, headers=headers)).json()
        found += page["data"]
        if page["next_cursor"] is None:
            return found
        asked["cursor"] = page["next_cursor"]


async def claim(client: httpx.AsyncClient, campaign: dict[str, Any], data: bytes, **more: Any) -> httpx.Response:
    """Announce bytes for a campaign."""
    kind = "audio/wav" if campaign["media"] == "audio" else "video/mp4"
    wish = {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data), "media_type": kind}
    return await client.post("/v1/recordings", json={"campaign": campaign["id"], **wish, **more})


async def send(client: httpx.AsyncClient, url: str, data: bytes, offset: int = 0, **more: str) -> httpx.Response:
    """Send bytes from an offset on."""
    return await client.patch(url, content=data, headers={**BYTES, "Upload-Offset": str(offset), **more})


def slug(answer: httpx.Response) -> str:
    """The kind of a problem."""
    return str(answer.json()["type"].rsplit("/", 1)[-1])


async def offset(client: httpx.AsyncClient, url: str) -> int:
    """What HEAD says is stored."""
    answer = await client.head(url, headers=TUS)
    assert 200 == answer.status_code
    return int(answer.headers["Upload-Offset"])


async def agree(
    client: httpx.AsyncClient, campaign: dict[str, Any], recording: str, **otherwise: str
) -> httpx.Response:
    """Give every use that is offered, but for what is decided `otherwise`."""
    sheet = (await client.get(campaign["term_sheet"]["url"])).json()
    document = sheet.get("document", sheet)
    uses = {use["code"]: "given" for use in document["uses"] if use["stance"] != "prohibited"} | otherwise
    terms = {"term_sheet": campaign["term_sheet"]["id"], "version": campaign["term_sheet"]["version"]}
    terms |= {"sha256": campaign["term_sheet"]["sha256"], "locale": "en", "decisions": uses}
    return await client.put(f"/v1/recordings/{recording}/consents", json=terms)


async def submit(client: httpx.AsyncClient, campaign: dict[str, Any], data: bytes, **more: Any) -> str:
    """Announce and send everything; return the recording's id."""
    claimed = await claim(client, campaign, data, **more)
    assert 201 == claimed.status_code, claimed.text
    sent = await send(client, claimed.json()["upload"]["url"], data)
    assert 204 == sent.status_code, sent.text
    return str(claimed.json()["id"])


async def examined(place: Workplace, client: httpx.AsyncClient, recording: str) -> dict[str, Any]:
    """Run the job of a recording here and now; return the recording as its owner sees it.

    A worker process of the same test module may take the job over meanwhile; then its result is waited for.
    """
    await validate_recording(place, UUID(recording), tries=0)
    deadline = time.monotonic() + 30
    while True:
        seen = dict((await client.get(f"/v1/recordings/{recording}")).json())
        if seen["recording"]["state"] != "validating" or time.monotonic() > deadline:
            return seen
        await asyncio.sleep(0.1)

"""A phone over real HTTP that never gives up, and remembers every promise that the service made to it."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.api.taking import BYTES, TUS, claim

#: Nothing is delivered that takes longer, in seconds, also on a machine with ten other things to do; the worst is a
#: lease that has to lapse after every kill.
PATIENCE_S = 300
PIECE = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """What the service said, to which request, and when."""

    asked: str
    status: int
    retry_after: str | None
    at: float


@dataclass
class Phone:
    """A signed-in contributor's phone; `answers` is everything that it heard, `cut` counts bodies that were cut off."""

    client: httpx.AsyncClient
    campaign: dict[str, Any]
    answers: list[Answer] = field(default_factory=list)
    cut: int = 0

    def __post_init__(self) -> None:
        """Hear every answer, also those that the steps below do not look at."""
        self.client.event_hooks["response"].append(self.hear)

    async def hear(self, response: httpx.Response) -> None:
        """Remember an answer."""
        asked = f"{response.request.method} {response.request.url.path}"
        self.answers.append(
            Answer(asked, response.status_code, response.headers.get("retry-after"), time.monotonic()),
        )

    async def insist(self, method: str, url: str, **more: Any) -> httpx.Response:
        """Ask until there is an answer that is not "later"."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    answer = await self.client.request(method, url, **more)
                    if answer.status_code not in {423, 429, 503, 507}:
                        return answer
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.3)

    async def announce(self, data: bytes) -> dict[str, Any]:
        """Claim a recording; an answer that got lost is asked for again, and names the same one."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    claimed = await claim(self.client, self.campaign, data)
                    if claimed.status_code in {200, 201}:
                        return dict(claimed.json())
                    assert claimed.status_code in {429, 503, 507}, claimed.text
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.3)

    async def deliver(self, data: bytes, *, pause_s: float = 0.0) -> str:
        """Announce and send a recording through everything that happens, in requests of many sizes; return its id.

        `pause_s` passes between pieces of 64 KiB. Asserts that no byte is asked for again that was acknowledged.
        """
        claimed = await self.announce(data)
        if claimed["upload"] is None:
            return str(claimed["id"])
        url, acknowledged = httpx.URL(claimed["upload"]["url"]).path, 0
        deadline = time.monotonic() + PATIENCE_S
        while acknowledged < len(data):
            assert time.monotonic() < deadline, (acknowledged, self.answers[-10:])
            there = int((await self.insist("HEAD", url, headers=TUS)).headers["upload-offset"])
            assert there >= acknowledged, f"{acknowledged} bytes were acknowledged and {there} are there"
            acknowledged = there
            while acknowledged < len(data):
                part = data[acknowledged : acknowledged + random.randint(500_000, 3_000_000)]
                stored = await self.append(url, part, acknowledged, pause_s)
                if stored is None:
                    break
                acknowledged = stored
        return str(claimed["id"])

    async def append(self, url: str, part: bytes, offset: int, pause_s: float) -> int | None:
        """Send one body; give the offset that was acknowledged, or None when it has to be asked for."""
        headers = {**BYTES, "Upload-Offset": str(offset), "Content-Length": str(len(part))}
        try:
            answer = await self.client.patch(url, content=pieces(part, pause_s), headers=headers)
        except httpx.TransportError:
            self.cut += 1
            answer = None
        if answer is not None and answer.status_code == 204:
            assert offset + len(part) == int(answer.headers["upload-offset"])
            return offset + len(part)
        assert answer is None or answer.status_code in {409, 423, 429, 503, 507}, answer.text
        await asyncio.sleep(0.3)
        return None

    def heard(self) -> set[int]:
        """Every status that was heard. Asserts that "later" always said when."""
        assert all(answer.retry_after for answer in self.answers if answer.status in {503, 507})
        return {answer.status for answer in self.answers}


async def pieces(data: bytes, pause_s: float) -> AsyncIterator[bytes]:
    """Give a body in the pace of a phone's network."""
    for start in range(0, len(data), PIECE):
        yield data[start : start + PIECE]
        await asyncio.sleep(pause_s)

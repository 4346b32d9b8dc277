"""A companion of its own with a contributor in it, for tests that break what it is made of."""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from httpx import AsyncClient as Client

from tests.api.conftest import free_port
from tests.api.phones import Phone
from tests.companions import Companion, start

Campaign = dict[str, Any]
#: Done, wait for your own other request, wait for your other uploads, come back later; and never 500.
MAY_BE_HEARD = {200, 201, 204, 423, 429, 503}


class SignedIn(httpx.Auth):
    """Signs in at the first request, and again before the token lapses: many rounds last longer than one token."""

    requires_response_body = True

    def __init__(self, name: dict[str, str]) -> None:
        """Know e-mail address and password."""
        self.name = name
        self.token, self.until = "", 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if time.monotonic() > self.until:
            answer = yield httpx.Request("POST", request.url.join("/v1/sessions"), json=self.name)
            if answer.status_code == 201:
                self.token, self.until = answer.json()["access_token"], time.monotonic() + 600
        request.headers["Authorization"] = f"Bearer {self.token}"
        yield request


@asynccontextmanager
async def household(folder: Path | None = None, **more: str) -> AsyncIterator[tuple[Companion, Client, Campaign]]:
    """Lend a companion that runs, a contributor who is signed in there, and the campaign of read speech.

    Its data lie in a new folder, or in one below `folder`; `more` are variables for it.
    """
    data = Path(tempfile.mkdtemp(prefix="companion-", dir=folder))
    companion = await start(data, free_port(), {"COMPANION_QUEUED_JOBS": "1000", **more})
    listening: list[asyncio.Task[Any]] = []
    try:
        assert await companion.says("Ready:"), companion.lines
        listening.append(asyncio.create_task(companion.listen()))
        async with Client(base_url=f"http://127.0.0.1:{companion.port}", timeout=30) as client:
            name = {"email": f"{os.urandom(8).hex()}@example.org", "password": "a sentence that is long enough"}
            (await client.post("/v1/accounts", json=name)).raise_for_status()
            client.auth = SignedIn(name)
            listed = (await client.get("/v1/campaigns", params={"media": "audio"})).json()["data"]
            yield companion, client, (await client.get(listed[0]["url"])).json()
    except BaseException:
        print("".join(line for line in companion.lines if '"route"' not in line)[-20_000:])
        raise
    finally:
        if companion.process.returncode is None:
            companion.process.kill()
        await companion.process.wait()
        await ended(listening)
        shutil.rmtree(data, ignore_errors=True)


async def ended(tasks: list[asyncio.Task[Any]]) -> None:
    """Stop what still runs after a failure, and wait for it."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def judged(phone: Phone, recording: str) -> tuple[str, str]:
    """Wait until a recording is decided about; return where it stands and why."""
    for _ in range(3000):
        shown = (await phone.insist("GET", f"/v1/recordings/{recording}")).json()["recording"]
        if shown["state"] not in {"claimed", "uploading", "validating", "failed"}:
            return shown["state"], shown["because"]
        await asyncio.sleep(0.1)
    raise AssertionError(shown)

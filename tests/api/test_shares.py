"""Shares: what one account, one buyer or one link may have under way at once, over ASGI and to the very end."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from uuid import UUID

import httpx
import pytest
from litestar import Litestar

from api.errors import TooMuchAtOnce
from api.shares import Shares


def test_a_share_has_an_end_and_comes_back():
    """Also after whatever went wrong; others have their own."""
    shares = Shares(2)

    with shares.one("a"), shares.one("a"), shares.one("b"), pytest.raises(TooMuchAtOnce), shares.one("a"):
        pass
    with pytest.raises(ValueError, match="broken"), shares.one("a"):
        raise ValueError("broken")

    assert {} == dict(shares.taken)


@pytest.fixture
def nearly_full(app: Litestar, owned: dict[str, str]) -> Iterator[ExitStack]:
    """Nothing is left of a contributor's share, as when all of it listens to events."""
    with ExitStack() as held:
        yield held


def fill(app: Litestar, held: ExitStack, whose: Any) -> None:
    shares: Shares = app.state.shares
    for _ in range(shares.most - shares.taken[whose]):
        held.enter_context(shares.one(whose))


async def test_one_account_s_share_is_nobody_else_s(
    app: Litestar, contributor: httpx.AsyncClient, other: httpx.AsyncClient, nearly_full: ExitStack
):
    """Two thousand event streams of one account made all others wait for seconds; 300 slow readers took a gigabyte."""
    me = UUID((await contributor.get("/v1/me")).json()["id"])
    fill(app, nearly_full, me)

    refused = await contributor.get("/v1/me")

    assert (503, "/problems/overloaded") == (refused.status_code, refused.json()["type"])
    assert "under way" in refused.json()["detail"]
    assert 1 <= int(refused.headers["retry-after"]) <= 3
    assert 200 == (await other.get("/v1/me")).status_code
    nearly_full.close()
    assert 200 == (await contributor.get("/v1/me")).status_code


async def test_an_event_stream_counts_until_it_ends(app: Litestar, contributor: httpx.AsyncClient):
    """The gate has let go of it long before."""
    me = UUID((await contributor.get("/v1/me")).json()["id"])
    shares: Shares = app.state.shares
    stream = asyncio.create_task(contributor.get("/v1/events", headers={"Accept": "text/event-stream"}))

    async with asyncio.timeout(10):
        while not shares.taken[me]:  # noqa: ASYNC110 - nothing tells of it.
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        counted = shares.taken[me]
        await contributor.delete("/v1/sessions/current")
        stream.cancel()
        await asyncio.gather(stream, return_exceptions=True)

    assert (1, 0) == (counted, shares.taken[me])


async def test_links_to_one_recording_share_too(app: Litestar, client: httpx.AsyncClient, nearly_full: ExitStack):
    """However many of them were made: nobody is signed in there."""
    first, second = "A" * 21 + "first", "A" * 21 + "second"
    fill(app, nearly_full, first[:21])

    for path in ("/v1/media/", "/v1/deliveries/"):
        assert [503, 503] == [(await client.get(path + link)).status_code for link in (first, second)]
        assert 404 == (await client.get(path + "B" * 40)).status_code


async def test_a_file_that_drips_in_is_given_up(contributor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch):
    """A byte within every patience would hold a place of the uploads for days."""
    from api import passports

    monkeypatch.setattr(passports, "PATIENCE_S", 0.3)

    async def dripping() -> Any:
        for _ in range(200):
            yield b"x"
            await asyncio.sleep(0.05)

    answer = await contributor.post("/v1/passports/look-ups", content=dripping())

    assert (408, "/problems/body-too-slow") == (answer.status_code, answer.json()["type"])

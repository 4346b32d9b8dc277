"""The gate around a small application: who is let in, who hears 503, and that slow networks hold up nobody."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from uuid import UUID

import httpx
import pytest
from litestar import Litestar

from api import bodies
from api import gate as gate_module
from api.authentication import KEY
from api.errors import Overloaded
from api.gate import Gate
from storage.sessions import Account


class Application:
    """An ASGI application that works until it is told to go on."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.begun = 0
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.begun += 1
        if scope["method"] == "POST":
            self.bodies.append((await receive())["body"])
        await self.go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})


def client_of(gate: Gate, application: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=gate.around(application))
    return httpx.AsyncClient(transport=transport, base_url="http://test", headers={"Authorization": "t"})


async def settled() -> None:
    """Let everything go as far as it can: nothing here waits for a network or a clock, only for other tasks."""
    for _ in range(100):
        await asyncio.sleep(0)


async def test_whoever_finds_no_place_hears_when_to_come_back():
    """Before any work: the application never sees the request."""
    gate, application = Gate(running=1, waiting=0, transfers=1), Application()
    async with client_of(gate, application) as client:
        first = asyncio.create_task(client.get("/v1/me"))
        await settled()
        refused = await client.get("/v1/me")
        application.go_on.set()
        answered = await first

    assert (200, 1) == (answered.status_code, application.begun)
    assert (503, "/problems/overloaded") == (refused.status_code, refused.json()["type"])
    assert 1 <= int(refused.headers["retry-after"]) <= 3
    assert "application/problem+json" == refused.headers["content-type"]
    assert len(refused.content) == int(refused.headers["content-length"])
    assert "Retry-After" in refused.headers["access-control-expose-headers"]


async def test_a_hasty_account_hears_later_a_moment_later(monkeypatch: pytest.MonkeyPatch):
    """It would ask again at once, and refusing it would be all that the service does; others hear it without delay."""
    monkeypatch.setattr(gate_module, "LINGER_S", 1.0)
    gate, application = Gate(running=1, waiting=6, transfers=1), Application()
    async with client_of(gate, application) as client:
        hasty = [asyncio.create_task(client.get("/v1/me")) for _ in range(8)]
        await settled()
        held_back = gate.lingering
        application.go_on.set()
        answers = [answer.status_code for answer in await asyncio.gather(*hasty)]

    assert (1, 0) == (held_back, gate.lingering)
    assert [200] * 7 + [503] == sorted(answers)


async def test_health_and_figures_are_answered_when_nothing_else_is():
    gate, application = Gate(running=1, waiting=0, transfers=1), Application()
    async with client_of(gate, application) as client:
        first = asyncio.create_task(client.get("/v1/me"))
        await settled()
        health = asyncio.create_task(client.get("/healthz"))
        await settled()
        application.go_on.set()

        assert 200 == (await health).status_code
        await first


async def test_bytes_of_uploads_have_a_limit_of_their_own():
    """A phone that sends for minutes does not hold up readers, and readers do not hold up its bytes."""
    gate, application = Gate(running=1, waiting=0, transfers=1), Application()
    async with client_of(gate, application) as client:
        upload = asyncio.create_task(client.patch("/v1/uploads/1", content=b"bytes"))
        await settled()
        reader = asyncio.create_task(client.get("/v1/me"))
        await settled()
        second = await client.patch("/v1/uploads/2", content=b"bytes")
        application.go_on.set()

        assert [200, 200, 503] == [(await upload).status_code, (await reader).status_code, second.status_code]
    assert 1 == gate.transfers_turned_away


@pytest.mark.parametrize("path", ["/v1/sessions", "/v1/uploads/1/parts", "/v1/uploads/1/completion"])
async def test_a_body_that_never_ends_holds_no_place(path: str, monkeypatch: pytest.MonkeyPatch):
    """It is waited for outside of the line, and only for so long; none of these takes an upload's place."""
    monkeypatch.setattr(bodies, "BODY_S", 0.1)
    gate, application = Gate(running=1, waiting=0, transfers=1), Application()
    application.go_on.set()
    never = asyncio.Event()

    async def slow() -> Any:
        yield b'{"half":'
        await never.wait()

    async with client_of(gate, application) as client:
        crawling = asyncio.create_task(client.post(path, content=slow()))
        await settled()
        reader, upload = await client.get("/v1/me"), await client.patch("/v1/uploads/2", content=b"bytes")
        refused = await crawling

    assert (200, 200) == (reader.status_code, upload.status_code)
    assert (408, "/problems/body-too-slow") == (refused.status_code, refused.json()["type"])


async def test_a_body_arrives_whole_and_not_beyond_its_limit():
    """The application sees the same bytes as without the gate."""
    gate, application = Gate(running=1, waiting=0, transfers=1), Application()
    application.go_on.set()

    async def pieces() -> Any:
        for piece in (b"one ", b"two ", b"three"):
            yield piece

    async with client_of(gate, application) as client:
        whole = await client.post("/v1/sessions", content=pieces())
        large = await client.post("/v1/sessions", content=b" " * 1_000_001)

    assert (200, [b"one two three"]) == (whole.status_code, application.bodies)
    assert (413, "/problems/body-too-large") == (large.status_code, large.json()["type"])


async def test_whoever_is_not_let_in_is_answered_before_the_body_is_read():
    """Three hundred of them took 288 MB, before."""
    asked_for = 0

    async def refusing(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 401, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def body() -> Any:
        nonlocal asked_for
        asked_for += 1
        yield b"a" * 1000

    gate = Gate(running=1, waiting=0, transfers=1)
    async with client_of(gate, refusing) as client:
        refused = await client.post("/v1/recordings", content=body())

    assert (401, 0, 0) == (refused.status_code, asked_for, gate.bodies.size)


async def test_a_slow_body_comes_back_to_where_it_stood():
    """Whoever came while it was on its way has not overtaken it twice."""
    gate, application, order = Gate(running=1, waiting=5, transfers=1), Application(), []
    application.go_on.set()
    sent = asyncio.Event()

    async def slow() -> Any:
        yield b"half"
        await sent.wait()
        yield b"whole"

    async def noting(name: str, request: Any) -> None:
        await request
        order.append(name)

    async with client_of(gate, application) as client:
        posting = asyncio.create_task(noting("post", client.post("/v1/me", content=slow())))
        await settled()
        application.go_on.clear()
        busy = asyncio.create_task(noting("first", client.get("/v1/me")))
        await settled()
        later = asyncio.create_task(noting("later", client.delete("/v1/me")))
        await settled()
        sent.set()
        await settled()
        application.go_on.set()
        await asyncio.gather(posting, busy, later)

    assert ["first", "post", "later"] == order
    assert (0, 0) == (gate.line.busy, gate.bodies.size)


def test_bodies_together_have_an_end():
    """And so have those of one account, and those that nobody signed in for; what is answered gives its room back."""
    held = bodies.Bodies(most=100, each=30, of_strangers=50)

    def taken(size: int, whose: str, known: bool) -> str:
        room = bodies.Room(held)
        rooms.append(room)
        try:
            room.take(size, whose, known)
        except Overloaded:
            room.clear()
            return "refused"
        return "taken"

    rooms: list[bodies.Room] = []
    assert ["taken", "refused", "taken", "refused"] == [
        taken(*asked) for asked in [(30, "a", False), (1, "a", False), (20, "b", False), (1, "c", False)]
    ]
    assert ["taken", "taken", "refused"] == [
        taken(*asked) for asked in [(30, "x", True), (20, "y", True), (1, "z", True)]
    ]
    for room in rooms:
        room.clear()
    assert (0, 0, {}) == (held.size, held.strangers, dict(held.held))


async def test_whoever_makes_tokens_up_is_one_asker():
    """Each would else stand in the line like somebody with a single request; a token that was let in is known again."""
    gate, seen = Gate(running=1, waiting=0, transfers=1), []
    somebody = UUID(int=1)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append(dict(gate.line.served))
        if (b"authorization", b"Bearer real") in scope["headers"]:
            scope[KEY] = Account(somebody, "contributor", somebody)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with client_of(gate, application) as client:
        for token in ("one", "two", "real", "real"):
            await client.get("/v1/me", headers={"Authorization": f"Bearer {token}"})

    assert [{b"127.0.0.1": 1}] * 3 + [{b"Bearer real": 1}] == seen


async def test_what_goes_out_slowly_holds_no_place():
    """A place is given back when the answer begins: a phone may take minutes to read it."""
    gate, release = Gate(running=1, waiting=0, transfers=1), asyncio.Event()

    async def streaming(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/slow":
            await release.wait()
        await send({"type": "http.response.body", "body": b"done"})

    async with client_of(gate, streaming) as client:
        slow = asyncio.create_task(client.get("/slow"))
        await settled()
        quick = await client.get("/quick")
        release.set()

        assert [200, 200] == [quick.status_code, (await slow).status_code]
    assert 0 == gate.line.busy


async def test_an_application_that_fails_gives_its_place_back():
    gate = Gate(running=1, waiting=0, transfers=1)

    async def failing(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError

    async with client_of(gate, failing) as client:
        for _ in range(3):
            with pytest.raises(RuntimeError):
                await client.get("/v1/me")

    assert (0, {}) == (gate.line.busy, dict(gate.line.present))


PATCH: Any = {"type": "http", "method": "PATCH", "path": "/v1/uploads/1"}


def places(gate: Gate, askers: range, wishes: int, held: ExitStack) -> list[int]:
    """Let some ask one after the other, each as often as it likes; give how many places each got."""
    got = []
    for asker in askers:
        got.append(0)
        for _ in range(wishes):
            gate.transfers += 1
            try:
                held.enter_context(gate.fairly(PATCH, asker))
                got[-1] += 1
            except Overloaded:
                gate.transfers -= 1
    return got


def test_the_last_places_of_uploads_are_for_those_who_have_none():
    """Three accounts held all sixty-four, and nobody else could send anything."""
    gate, held = Gate(running=1, waiting=0, transfers=64), ExitStack()

    got = places(gate, range(3), 24, held)
    late = places(gate, range(3, 9), 1, held)

    assert [24, 20, 10] == got
    assert [1] * 6 == late
    held.close()
    assert {} == dict(gate.transferring)


async def test_an_account_that_sends_much_leaves_room_for_others(
    app: Litestar,
    contributor: httpx.AsyncClient,
    other: httpx.AsyncClient,
    upload: tuple[str, bytes],
    nearly: ExitStack,
):
    """As many as it has itself; it hears 503 and when to come back, and others do not."""
    me, (url, data) = UUID((await contributor.get("/v1/me")).json()["id"]), upload
    gate: Gate = app.state.gate
    for _ in range(gate.most_transfers // 2):
        gate.transfers += 1
        nearly.enter_context(gate.fairly(PATCH, me))
    headers = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}

    refused = await contributor.patch(url, content=data, headers=headers)
    theirs = await other.patch(url, content=data, headers=headers)

    assert (503, 404) == (refused.status_code, theirs.status_code)
    assert "/problems/overloaded" == refused.json()["type"]
    assert "retry-after" in refused.headers


@pytest.fixture
def nearly(app: Litestar) -> Iterator[ExitStack]:
    """What a test holds of the places, given back after it."""
    before = app.state.gate.transfers
    with ExitStack() as held:
        yield held
    app.state.gate.transfers = before

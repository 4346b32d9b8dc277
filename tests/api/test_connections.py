"""Connections, over real sockets: what somebody without an account may not do with one, and what stays allowed."""

import asyncio
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn

from api import connections
from api.connections import Connection
from tests.processes import until

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
Address = tuple[str, int]


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer without a look at the body, with as much as is asked for."""
    body = bytes(int(scope["query_string"] or 4))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(app: Any = application) -> AsyncIterator[tuple[Address, Callable[[], int]]]:
    """Serve an application; give its address, and how many are connected."""
    config = uvicorn.Config(app, port=0, http=Connection, ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    address = server.servers[0].sockets[0].getsockname()[:2]
    try:
        yield address, lambda: len(server.server_state.connections)
    finally:
        server.should_exit = True
        await task


async def said(address: Address, *words: bytes, patience_s: float = 5, pause_s: float = 0) -> bytes:
    """Send words, and give everything that is answered until the connection ends or nothing comes any more."""
    reader, writer = await asyncio.open_connection(*address)
    heard = bytearray()

    async def hear() -> None:
        with suppress(ConnectionError):
            while part := await reader.read(65536):
                heard.extend(part)

    hearing = asyncio.create_task(hear())
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(patience_s):
            for word in words:
                if hearing.done():
                    break
                writer.write(word)
                await writer.drain()
                await asyncio.sleep(pause_s)
            await hearing
    hearing.cancel()
    writer.close()
    return bytes(heard)


@pytest.mark.parametrize(
    "endless",
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"a" * 1000),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", b"a: b\r\n" * 150),
        (b"GET /", b"a" * 1000),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"a" * 1000),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"a: b\r\n" * 150),
    ],
    ids=["a header", "headers", "an address", "what stands before a piece", "trailers"],
)
async def test_a_head_has_an_end(endless: tuple[bytes, bytes]):
    """Five connections with 15 MB of them took 700 MB, and held all others up for ten seconds."""
    begin, more = endless
    async with serving() as (address, connected):
        heard = await said(address, begin, *[more] * 1000, pause_s=0.002, patience_s=20)
        await gone(connected)

    assert b"HTTP/1.1 431 " in heard


async def gone(connected: Callable[[], int]) -> None:
    """Wait until nobody is connected."""
    assert await until(lambda: not connected())


async def test_a_head_that_is_too_large_is_told_so():
    async with serving() as (address, _):
        heard = await said(address, b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 40_000)

    assert heard.startswith(b"HTTP/1.1 431 ")


async def test_many_pieces_of_one_byte_are_a_body():
    """A careless client sends such; what stands between them is more than they are."""
    async with serving() as (address, _):
        head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        pieces = b"1\r\na\r\n" * 500
        heard = await said(address, head, *[pieces] * 30, b"0\r\n\r\n", pause_s=0.005)

    assert heard.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("begun", "little"),
    [(b"", b""), (b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"A"), (GET + b"GET / HTTP/1.1\r\nX: ", b"A")],
)
async def test_a_head_that_never_comes_is_not_waited_for(begun: bytes, little: bytes, monkeypatch: pytest.MonkeyPatch):
    """Whatever little comes of it: there are only so many connections."""
    monkeypatch.setattr(connections, "HEAD_S", 0.4)
    monkeypatch.setattr(connections, "LOOK_S", 0.1)
    async with serving() as (address, connected):
        began = time.monotonic()
        await said(address, begun, *[little] * 400, pause_s=0.05, patience_s=20)
        await gone(connected)

    assert 0.3 < time.monotonic() - began < 15


async def test_a_client_that_is_answered_while_it_sends_hears_it_and_stays_connected():
    """What it sends goes nowhere, and the next request on the same connection is answered."""
    async with serving() as (address, _):
        head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n"
        lasting = await said(address, head + b"\r\n", *[bytes(200_000)] * 10, GET, patience_s=2, pause_s=0.01)
        last = await said(address, head + b"Connection: close\r\n\r\n", *[bytes(200_000)] * 10, pause_s=0.01)

    assert (2, 1) == (lasting.count(b"HTTP/1.1 200 "), last.count(b"HTTP/1.1 200 "))


async def test_a_client_that_never_stops_sending_is_let_go(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connections, "HEAD_S", 0.4)
    monkeypatch.setattr(connections, "LOOK_S", 0.1)
    async with serving() as (address, connected):
        head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900000000\r\n\r\n"
        heard = await said(address, head, *[bytes(10_000)] * 1000, pause_s=0.01, patience_s=10)
        await gone(connected)

    assert 1 == heard.count(b"HTTP/1.1 200 ")


@pytest.mark.skipif(sys.platform != "linux", reason="Elsewhere a connection has no such time.")
async def test_an_answer_that_nobody_reads_is_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch):
    """Its bytes lie in memory for as long as the connection lasts."""
    monkeypatch.setattr(connections, "UNREAD_S", 1.0)
    async with serving() as (address, connected):
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.setblocking(False)
            await asyncio.get_running_loop().sock_connect(deaf, address)
            await asyncio.get_running_loop().sock_sendall(deaf, b"GET /?20000000 HTTP/1.1\r\nHost: x\r\n\r\n")
            await asyncio.sleep(0.5)
            held = connected()
            await gone(connected)

    assert 1 == held


async def test_a_thousand_requests_ahead_of_their_answers_are_not_kept():
    async with serving() as (address, connected):
        some = await said(address, GET * 8, patience_s=1)
        many = await said(address, GET * 1000, patience_s=1)
        await gone(connected)

    assert (8, True) == (some.count(b"HTTP/1.1 200 "), many.count(b"HTTP/1.1 200 ") < 20)


@pytest.mark.parametrize(
    "twofold",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\na\n0\n\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: a\rY: c\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
async def test_what_two_servers_could_read_as_two_requests_is_refused(twofold: bytes):
    """A proxy before us may see another request than we do (RFC 9112, section 11.2)."""
    async with serving() as (address, _):
        heard = await said(address, twofold + GET, patience_s=2)

    assert heard.startswith(b"HTTP/1.1 400 ")
    assert 1 == heard.count(b"HTTP/1.1 ")


def raw(served: str) -> Address:
    """The address of the service itself."""
    place = urlsplit(served)
    assert place.hostname
    assert place.port
    return place.hostname, place.port


@pytest.mark.parametrize("token", [b"", b"Authorization: Bearer cca_wrong\r\n"])
async def test_nobody_is_asked_for_a_body_that_will_not_be_taken(served: str, token: bytes):
    """Who asks first (RFC 9110, section 10.1.1) is spared sending it, and who sends it is answered all the same."""
    head = (
        b"POST /v1/recordings HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900000\r\n"
        + token
    )
    asking = await said(raw(served), head + b"Expect: 100-continue\r\n\r\n", patience_s=1)
    sending = await said(raw(served), head + b"\r\n", b" " * 450_000, b" " * 450_000 + GET, patience_s=2)

    assert asking.startswith(b"HTTP/1.1 401 ")
    assert [b"401", b"404"] == [part[:3] for part in sending.split(b"HTTP/1.1 ")[1:]]


async def test_whoever_is_let_in_is_asked_for_the_body(served: str, contributor: httpx.AsyncClient):
    head = b"PUT /v1/me/data-budget HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 18\r\n"
    head += b"Expect: 100-continue\r\nAuthorization: " + contributor.headers["authorization"].encode() + b"\r\n\r\n"
    heard = await said(raw(served), head, b'{"wifi_only":true}', patience_s=3, pause_s=0.3)

    assert [b"100", b"200"] == [part[:3] for part in heard.split(b"HTTP/1.1 ")[1:]]

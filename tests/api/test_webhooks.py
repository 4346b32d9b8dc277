"""Webhooks: where a message may go, and that no receiver holds us up."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from api import webhooks


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.1", "100.64.0.1", "224.0.0.1",
        "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "2002:7f00:0001::", "64:ff9b::7f00:1",
        "64:ff9b::10.0.0.1", "64:ff9b:1::a00:1", "::127.0.0.1", "::ffff:0:127.0.0.1", "fec0::1", "2001:0:7f00:1::",
    ],
)  # fmt: skip
def test_no_message_goes_into_our_own_network(address: str):
    """Loopback, private, link-local with the cloud's metadata, shared, multicast, and IPv4 in IPv6's clothes."""
    assert not webhooks.public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "64:ff9b::1.1.1.1", "::ffff:1.1.1.1"])
def test_the_internet_is_reached(address: str):
    """Else no buyer would hear."""
    assert webhooks.public(address)


@pytest.mark.parametrize(
    "url", ["http://1.1.1.1/x", "https://127.0.0.1/x", "https://localhost/x", "https://[::1]/", "ftp://a/", "nothing"]
)
async def test_such_an_address_is_not_even_connected_to(url: str):
    """Plain HTTP neither, unless the operator allows it."""
    with pytest.raises(webhooks.NotDelivered):
        await webhooks.post(url, b"secret", "1", b"{}")


def test_the_signature_is_the_one_of_the_standard():
    """Example of the Standard Webhooks specification's reference libraries."""
    import base64

    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'

    assert "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" == webhooks.signature(
        secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body
    )


Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


async def told(answer: Answer, seen: list[bytes] | None = None) -> None:
    """Post to a receiver on this machine that answers like this."""

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        if seen is not None:
            seen.append(asked + await reader.readexactly(2))
        with suppress(ConnectionError):
            await answer(writer)
        writer.close()

    async with await asyncio.start_server(receive, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await webhooks.post(f"http://127.0.0.1:{port}/hooks?a=b", b"secret", "17", b"{}", anywhere=True)


def saying(text: bytes) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()

    return answer


async def test_a_receiver_gets_one_whole_request():
    """Its own frameworks read it; a status that only announces another is passed over."""
    seen: list[bytes] = []

    await told(saying(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"), seen)

    (asked,) = seen
    assert asked.startswith(b"POST /hooks?a=b HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nContent-Length: 2\r\n" in asked
    assert asked.endswith(b"\r\n\r\n{}")


async def test_a_name_leads_to_the_address_that_was_looked_at(monkeypatch: pytest.MonkeyPatch):
    """It is asked for once: a second answer could be another one (DNS rebinding). The receiver sees its own name."""
    asked: list[tuple[str, bool]] = []
    seen: list[bytes] = []

    async def resolved(host: str, _port: int, *, anywhere: bool) -> str:
        asked.append((host, anywhere))
        return "127.0.0.1"

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    monkeypatch.setattr(webhooks, "resolved", resolved)
    async with await asyncio.start_server(receive, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await webhooks.post(f"http://buyer.example:{port}/", b"secret", "17", b"{}", anywhere=True)

    assert [("buyer.example", True)] == asked
    assert b"\r\nHost: buyer.example:%d\r\n" % port in seen[0]


async def test_a_head_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch):
    """Neither one header, nor announcements of an answer that never comes."""
    monkeypatch.setattr(webhooks, "PATIENCE_S", 1.0)
    for begin, more in ((b"HTTP/1.1 200 OK\r\nX: ", b"a" * 100_000), (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 4000)):
        sent = 0

        async def endless(writer: asyncio.StreamWriter, begin: bytes = begin, more: bytes = more) -> None:
            nonlocal sent
            writer.write(begin)
            while sent < 500:
                writer.write(more)
                await writer.drain()
                sent += 1

        with pytest.raises(webhooks.NotDelivered):
            async with asyncio.timeout(20):
                await told(endless)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\n\r\n", b"SSH-2.0-x\r\n", b""])
async def test_only_success_counts(answer: bytes):
    """A redirect is not followed: it could lead into our own network."""
    with pytest.raises(webhooks.NotDelivered):
        await told(saying(answer))


async def test_an_answer_without_end_is_not_read():
    """It would fill the worker's memory: 900 MB in eight seconds, before."""
    sent = 0

    async def endless(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(100):
            writer.write(bytes(1_000_000))
            await writer.drain()
            sent += 1

    await told(endless)

    assert sent < 50


async def test_an_answer_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch):
    """Each byte within the patience of a read: the notices of every other buyer would wait for days."""
    monkeypatch.setattr(webhooks, "PATIENCE_S", 0.5)

    sent = 0

    async def dripping(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        for _ in range(200):
            writer.write(b"H")
            await writer.drain()
            sent += 1
            await asyncio.sleep(0.05)

    with pytest.raises(webhooks.NotDelivered):
        await told(dripping)

    assert sent < 200

"""Webhooks: a signed POST to an address that somebody else chose (Standard Webhooks 1.0).

An address that leads into our own network would let its chooser speak to our engines through us. So the name is
resolved first, every address it has must be a public one, and the connection goes to exactly the address that was
looked at: a name that changes its mind in between changes nothing. Redirects are not followed.

Nor may a receiver hold us up, or fill our memory: only the status of its answer is read, within a time of its own.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from urllib3.exceptions import HTTPError
from urllib3.util import Url, parse_url

PORTS = {"https": 443, "http": 80}
#: Seconds from the name to the status of the answer. Whoever takes longer is asked again later.
PATIENCE_S = 15.0
STATUS = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d)\b")
#: The addresses of the internet (RFC 4291, section 2.4); all else of IPv6 stays in a network, or hides an IPv4 address.
UNICAST = IPv6Network("2000::/3")
#: Networks that translate to IPv4 put the address behind this (RFC 6052, section 2.1).
TRANSLATED = IPv6Network("64:ff9b::/96")


class NotDelivered(Exception):
    """The message did not arrive; it may be sent again."""


def signature(secret: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """Sign a message as Standard Webhooks does: HMAC-SHA256 over id, time and body."""
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    return "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()


async def post(url: str, secret: bytes, message_id: str, body: bytes, *, anywhere: bool = False) -> None:
    """Post JSON; the receiver ignores a repeated `message_id`. Raises NotDelivered.

    `anywhere` allows private addresses and plain HTTP: for development, and for buyers inside of one's own network.
    """
    try:
        place = parse_url(url)
        message = request(place, secret, message_id, body)
        async with asyncio.timeout(PATIENCE_S), connected(place, anywhere) as (reader, writer):
            writer.write(message)
            await writer.drain()
            status = await answered(reader)
    except (HTTPError, OSError, ValueError, TimeoutError) as error:
        raise NotDelivered(type(error).__name__) from error
    if not 200 <= status < 300:
        raise NotDelivered(f"answered {status}")


def request(place: Url, secret: bytes, message_id: str, body: bytes) -> bytes:
    """Write the message as it is sent."""
    timestamp = int(time.time())
    headers = {
        "Host": place.netloc or "",
        "User-Agent": "contributor-companion",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, message_id, timestamp, body),
    }
    lines = [f"POST {place.request_uri} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("ascii") + body


@asynccontextmanager
async def connected(place: Url, anywhere: bool) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Lend a connection to the address that was looked at. Raises NotDelivered, OSError."""
    if place.host is None or place.scheme not in PORTS or (place.scheme == "http" and not anywhere):
        raise NotDelivered("not an https address")
    port, host = place.port or PORTS[place.scheme], place.host.strip("[]")
    address = await resolved(host, port, anywhere=anywhere)
    # The certificate must be the name's, although the connection goes to the address.
    context, name = (trusting(), host) if place.scheme == "https" else (None, None)
    reader, writer = await asyncio.open_connection(address, port, ssl=context, server_hostname=name)
    try:
        yield reader, writer
    finally:
        # Whatever else comes is not waited for.
        writer.transport.abort()


@cache
def trusting() -> ssl.SSLContext:
    """Trust whom this machine trusts."""
    return ssl.create_default_context()


async def answered(reader: asyncio.StreamReader) -> int:
    """Read the status of an answer, past those that only announce one (RFC 9110, section 15.2). Raises ValueError."""
    while True:
        found = STATUS.match(await reader.readline())
        if found is None:
            raise ValueError("This is no answer in HTTP/1.1.")
        if int(found[1]) >= 200:
            return int(found[1])
        while (await reader.readline()).strip():
            pass


async def resolved(host: str, port: int, *, anywhere: bool) -> str:
    """Give one address of a host. Raises NotDelivered when one of them is not public, OSError when there is none."""
    loop = asyncio.get_running_loop()
    found = [str(entry[4][0]) for entry in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not anywhere and not all(public(address) for address in found):
        raise NotDelivered("a private address")
    return found[0]


def public(address: str) -> bool:
    """Whether an address is reached through the internet; one that hides an IPv4 address is judged by that."""
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address):
        hidden = hidden_in(parsed)
        if hidden is None:
            return parsed in UNICAST and parsed.is_global
        parsed = hidden
    return parsed.is_global and not parsed.is_multicast


def hidden_in(address: IPv6Address) -> IPv4Address | None:
    """Give the IPv4 address to which a mapped, a translated or a 6to4 address leads."""
    if address in TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour

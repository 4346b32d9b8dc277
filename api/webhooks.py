"""Webhooks: a signed POST to an address that somebody else chose (Standard Webhooks 1.0).

An address that leads into our own network would let its chooser speak to our engines through us. So the name is
resolved first, every address it has must be a public one, and the connection goes to exactly the address that was
looked at: a name that changes its mind in between changes nothing. Redirects are not followed.

Nor may a receiver hold us up, or fill our memory: only the status of its answer is read, within a time of its own. So
the library below is httpcore, which leaves an answer where we stop: urllib3 has no time for an answer in all.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

import httpcore
from urllib3.exceptions import HTTPError
from urllib3.util import Url, parse_url

PORTS = {"https": 443, "http": 80}
#: Seconds from the name to the status of the answer. Whoever takes longer is asked again later.
PATIENCE_S = 15.0
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
    headers = {"Content-Type": "application/json", **signed(secret, message_id, body)}
    status = await answered(url, headers, body, anywhere=anywhere)
    if not 200 <= status < 300:
        raise NotDelivered(f"answered {status}")


async def answered(url: str, headers: Mapping[str, str], body: bytes, *, anywhere: bool) -> int:
    """Post to an address that somebody else chose, and give the status of the answer. Raises NotDelivered."""
    try:
        place, host = checked(url, anywhere=anywhere)
        async with (
            asyncio.timeout(PATIENCE_S),
            httpcore.AsyncConnectionPool(trusting(), network_backend=Outside(anywhere)) as pool,
            # Whatever comes after the status is not waited for.
            pool.stream("POST", place, headers=headed(host, headers, body), content=body) as answer,
        ):
            return answer.status
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError, ValueError, TimeoutError) as error:
        raise NotDelivered(type(error).__name__) from error


def headed(host: str, headers: Mapping[str, str], body: bytes) -> list[tuple[str, str]]:
    """Give all headers of a message."""
    ours = {"Host": host, "User-Agent": "contributor-companion", "Connection": "close"}
    return [*{**ours, "Content-Length": str(len(body)), **headers}.items()]


def checked(url: str, *, anywhere: bool) -> tuple[httpcore.URL, str]:
    """Give the place that an address names, and the name that `Host` says.

    Raises NotDelivered for one that nothing may be sent to, by its form alone.
    """
    try:
        asked = parse_url(url)
        return place_of(asked, anywhere), asked.netloc or ""
    except (HTTPError, ValueError) as error:
        raise NotDelivered(type(error).__name__) from error


def place_of(asked: Url, anywhere: bool) -> httpcore.URL:
    """Take an address apart once, so that what was looked at is what is connected to. Raises NotDelivered."""
    if asked.host is None or asked.scheme not in PORTS or (asked.scheme == "http" and not anywhere):
        raise NotDelivered("not an https address")
    port = asked.port or PORTS[asked.scheme]
    return httpcore.URL(
        scheme=asked.scheme.encode(), host=asked.host.strip("[]").encode("ascii"), port=port, target=asked.request_uri
    )


def signed(secret: bytes, message_id: str, body: bytes) -> dict[str, str]:
    """Sign a message as Standard Webhooks does, in headers."""
    timestamp = int(time.time())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, message_id, timestamp, body),
    }


class Outside(httpcore.AsyncNetworkBackend):
    """The network as a webhook sees it: a name leads to the address that was looked at, or nowhere."""

    def __init__(self, anywhere: bool) -> None:
        """Look, unless `anywhere` is allowed."""
        self.anywhere = anywhere
        self.network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect. The certificate must be the name's all the same. Raises NotDelivered, OSError."""
        address = await resolved(host, port, anywhere=self.anywhere)
        return await self.network.connect_tcp(address, port, timeout, local_address, socket_options)


@cache
def trusting() -> ssl.SSLContext:
    """Trust whom this machine trusts."""
    return ssl.create_default_context()


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

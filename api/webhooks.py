"""Webhooks: a signed POST to an address that somebody else chose (Standard Webhooks 1.0).

An address that leads into our own network would let its chooser speak to our engines through us. So the name is
resolved first, every address it has must be a public one, and the connection goes to exactly the address that was
looked at: a name that changes its mind in between changes nothing. Redirects are not followed.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import socket
import time
from ipaddress import ip_address

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout, Url, parse_url

PORTS = {"https": 443, "http": 80}
#: Whoever takes longer is asked again later.
PATIENCE = Timeout(connect=5, read=10)


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
    await asyncio.to_thread(_post, url, secret, message_id, body, anywhere)


def _post(url: str, secret: bytes, message_id: str, body: bytes, anywhere: bool) -> None:
    timestamp = int(time.time())
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, message_id, timestamp, body),
    }
    try:
        place = parse_url(url)
        with _connection(place, anywhere) as connection:
            headers["Host"] = place.netloc or ""
            answer = connection.urlopen(
                "POST", place.request_uri, body=body, headers=headers, redirect=False, retries=False
            )
    except (HTTPError, OSError, ValueError) as error:
        raise NotDelivered(type(error).__name__) from error
    if not 200 <= answer.status < 300:
        raise NotDelivered(f"answered {answer.status}")


def _connection(place: Url, anywhere: bool) -> urllib3.HTTPConnectionPool:
    """Prepare a connection to the address that was looked at. Raises NotDelivered."""
    if place.host is None or place.scheme not in PORTS or (place.scheme == "http" and not anywhere):
        raise NotDelivered("not an https address")
    port = place.port or PORTS[place.scheme]
    address = resolved(place.host.strip("[]"), port, anywhere=anywhere)
    if place.scheme == "http":
        return urllib3.HTTPConnectionPool(address, port, timeout=PATIENCE)
    # The certificate must be the name's, although the connection goes to the address.
    return urllib3.HTTPSConnectionPool(
        address, port, timeout=PATIENCE, server_hostname=place.host, assert_hostname=place.host
    )


def resolved(host: str, port: int, *, anywhere: bool) -> str:
    """Give one address of a host. Raises NotDelivered when one of them is not public, OSError when there is none."""
    found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not anywhere and not all(public(address) for address in found):
        raise NotDelivered("a private address")
    return found[0]


def public(address: str) -> bool:
    """Whether an address is reached through the internet; one that hides an IPv4 address is judged by that."""
    parsed = ip_address(address.partition("%")[0])
    inner = getattr(parsed, "ipv4_mapped", None) or getattr(parsed, "sixtofour", None)
    return parsed.is_global and not parsed.is_multicast and (inner is None or inner.is_global)

"""Where a request comes from and where its answer's links lead to."""

import hmac
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from litestar import Request
from litestar.types import HTTPScope

from api.settings import Settings


def network_of(request: Request[Any, Any, Any]) -> str:
    """Name the network that attempts are counted by: an IPv4 address, or the /64 that one IPv6 household has.

    Behind a proxy it is the client's only when COMPANION_TRUSTED_PROXIES names that proxy.
    """
    return network(request.scope)


#: What one household has of IPv6, and what one site may have in all (RFC 6177): 65,536 households.
HOUSEHOLD, SITE = 64, 48


def network(scope: HTTPScope, prefix: int = HOUSEHOLD) -> str:
    """Name the network of a request that no route has seen yet."""
    client = scope.get("client")
    host = client[0] if client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        # A service that listens on both kinds sees every IPv4 address in the clothes of the same /64.
        address = address.ipv4_mapped or address
    return str(ip_network((address, prefix), strict=False)) if isinstance(address, IPv6Address) else str(address)


def hashed(settings: Settings, network: str) -> bytes:
    """Name a network by a hash under a key of ours: four billion addresses are hashed in minutes."""
    return hmac.digest(hmac.digest(settings.master_key, b"companion network", sha256), network.encode(), sha256)


def absolute(request: Request[Any, Any, Any], settings: Settings, path: str) -> str:
    """Make a path of this service a whole URL, because some upload clients do not resolve relative ones."""
    return (settings.public_url or str(request.base_url).rstrip("/")) + path

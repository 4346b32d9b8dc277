"""Where a request comes from and where its answer's links lead to."""

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


def network(scope: HTTPScope) -> str:
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
    return str(ip_network((address, 64), strict=False)) if isinstance(address, IPv6Address) else str(address)


def absolute(request: Request[Any, Any, Any], settings: Settings, path: str) -> str:
    """Make a path of this service a whole URL, because some upload clients do not resolve relative ones."""
    return (settings.public_url or str(request.base_url).rstrip("/")) + path

"""The public keys with which anybody can check what this service signed."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get

from api.conditional import PUBLIC, conditional
from api.dependencies import Signing
from api.problems import problems
from api.signing import Jwks


@get("/.well-known/jwks.json", opt={"public": True}, responses=problems(public=True), tags=["Reference"])
async def read_keys(request: Request[Any, Any, Any], signing: Signing) -> Response[Jwks]:
    """Read the public keys of receipts, quotes, statements and checkpoints (RFC 7517).

    Keep a copy beside what you keep: with it `companion verify` needs no network, and not us.
    """
    return conditional(request, await signing.published(), PUBLIC)


handlers = [read_keys]

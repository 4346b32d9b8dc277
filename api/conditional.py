"""Conditional GET: a phone that has the newest answer already gets 304 and no body (RFC 9110, section 13)."""

import hashlib
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response
from litestar.status_codes import HTTP_304_NOT_MODIFIED

Value = TypeVar("Value")

#: Public things that change rarely; a copy may be shown while a new one is fetched.
PUBLIC = "public, max-age=300, stale-while-revalidate=86400"
#: Things that change with every move: a shared copy is refused, an own copy is asked about.
PRIVATE = "private, no-cache"
#: Published once and never changed.
IMMUTABLE = "public, max-age=31536000, immutable"
#: As IMMUTABLE, and nobody's business but their owner's.
KEPT = "private, max-age=31536000, immutable"


def conditional(
    request: Request[Any, Any, Any], value: Value, cache_control: str, headers: dict[str, str] | None = None
) -> Response[Value]:
    """Answer with a value as JSON, or with 304 when the client's copy equals it."""
    body = msgspec.json.encode(value)
    return conditional_bytes(request, body, "application/json", cache_control, headers)


def conditional_bytes(
    request: Request[Any, Any, Any],
    body: bytes,
    media_type: str,
    cache_control: str,
    headers: dict[str, str] | None = None,
) -> Response[Any]:
    """Answer with bytes under a strong ETag made from them, or with 304."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    sent = {"ETag": etag, "Cache-Control": cache_control, **(headers or {})}
    if matches(request.headers.get("if-none-match"), etag):
        return Response(b"", status_code=HTTP_304_NOT_MODIFIED, headers=sent, media_type=media_type)
    return Response(body, headers=sent, media_type=media_type)


def matches(if_none_match: str | None, etag: str) -> bool:
    """Compare weakly (RFC 9110, section 13.1.2): a proxy that compresses marks our ETag as weak."""
    if if_none_match is None:
        return False
    return any(known.strip().removeprefix("W/") in {etag, "*"} for known in if_none_match.split(","))

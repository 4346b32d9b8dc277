"""Endings: an answer that lasts goes on only as long as its reader may have the rest of it.

Whoever was let in reads for minutes, or for hours over a slow network. Meanwhile their device is signed out, their key
is taken back, or what they read is deleted or withdrawn, and the bytes that have not gone out yet must not go out.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

from litestar import Request
from litestar.exceptions import NotAuthorizedException

from api.connections import CUT
from storage.errors import StorageError, Unavailable

#: Seconds between two looks; each is a few indexed reads.
LOOK_EVERY_S = 4.0
#: Raises StorageError or NotAuthorizedException where the rest may not be read.
Look: TypeAlias = Callable[[], Awaitable[object]]


async def while_allowed(
    request: Request[Any, Any, Any], pieces: AsyncIterator[bytes], look: Look
) -> AsyncIterator[bytes]:
    """Give pieces of a body for as long as `look` raises nothing; then end the connection, so that it reads as cut."""
    looked = time.monotonic()
    async for piece in pieces:
        if time.monotonic() - looked >= LOOK_EVERY_S:
            if not await allowed(look):
                cut(request)
                return
            looked = time.monotonic()
        yield piece


async def allowed(look: Look) -> bool:
    """Whether the rest may be read; a database that is away for a moment has not said that it may not."""
    try:
        await look()
    except Unavailable:
        return True
    except (StorageError, NotAuthorizedException):
        return False
    return True


def cut(request: Request[Any, Any, Any]) -> None:
    """End the connection at once, with what waits in it: an answer that only stopped would be held for complete."""
    extensions: Any = request.scope.get("extensions") or {}
    if CUT in extensions:
        extensions[CUT]()

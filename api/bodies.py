"""Bodies: what requests have brought and nobody has read to its end; together they have an end, and so have each one's.

A body comes into memory only after whoever sends it was let in, where the route asks for that, and before anything is
done. Uploads are streams and not among these.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import cast

from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.types import HTTPReceiveMessage, HTTPRequestEvent, Receive

from api.errors import BodyTooSlow, Overloaded

#: A body that is no upload arrives within this time, in seconds; no JSON is larger than this, in bytes.
BODY_S = 30.0
BODY_BYTES = 1_000_000
#: Bytes of all bodies in memory, of those of one account, buyer or network, and of all that nobody has signed in for:
#: who cannot be told apart must not take the room of those who can.
MOST, EACH, OF_STRANGERS = 32_000_000, 4_000_000, 16_000_000


class Bodies:
    """The bytes in memory, by whose they are. Everything happens on one event loop."""

    def __init__(self, most: int = MOST, each: int = EACH, of_strangers: int = OF_STRANGERS) -> None:
        """Begin with none; as many bytes may come together, for each of those who send, and for all strangers."""
        self.most, self.each, self.of_strangers = most, each, of_strangers
        self.size = self.strangers = 0
        self.held: Counter[Hashable] = Counter()

    @contextmanager
    def room(self) -> Iterator[Room]:
        """Lend room for the body of one request, until it is answered."""
        room = Room(self)
        try:
            yield room
        finally:
            room.clear()


class Room:
    """What one request holds."""

    def __init__(self, bodies: Bodies) -> None:
        """Begin with nothing."""
        self.bodies = bodies
        self.whose: Hashable = None
        self.known = True
        self.size = 0

    def take(self, size: int, whose: Hashable, known: bool) -> None:
        """Count bytes that have come; `known` says that somebody has signed in for them. Raises Overloaded."""
        bodies, self.whose, self.known = self.bodies, whose, known
        self.size += size
        bodies.size += size
        bodies.held[whose] += size
        bodies.strangers += 0 if known else size
        most = bodies.size > bodies.most or bodies.strangers > bodies.of_strangers
        if most or bodies.held[whose] > bodies.each:
            raise Overloaded

    def clear(self) -> None:
        """Give the room back."""
        bodies = self.bodies
        bodies.size -= self.size
        bodies.strangers -= 0 if self.known else self.size
        bodies.held[self.whose] -= self.size
        if not bodies.held[self.whose]:
            del bodies.held[self.whose]
        self.size = 0


async def whole(receive: Receive, room: Room, whose: Hashable, known: bool) -> HTTPReceiveMessage:
    """Read a whole body as one event, or that its sender is gone.

    Raises BodyTooSlow, RequestEntityTooLarge, Overloaded.
    """
    pieces: list[bytes] = []
    size, more = 0, True
    try:
        async with asyncio.timeout(BODY_S):
            while more:
                event = await receive()
                if event["type"] != "http.request":
                    return cast("HTTPReceiveMessage", event)
                pieces.append(event.get("body", b""))
                size += len(pieces[-1])
                if size > BODY_BYTES:
                    raise RequestEntityTooLarge
                room.take(len(pieces[-1]), whose, known)
                more = event.get("more_body", False)
    except TimeoutError as error:
        raise BodyTooSlow from error
    return cast("HTTPRequestEvent", {"type": "http.request", "body": b"".join(pieces), "more_body": False})

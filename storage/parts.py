"""Parts that a phone puts into the store by itself: pieces of a recording at keys that say which bytes they are.

The key of a part holds its start, its size and its SHA-256, and only a signed address for exactly these bytes can write
to it (`storage.presigning`). So an object at such a key is what its name says, and a listing of the store is all that
is needed to learn what arrived: nobody has to be told, and a phone that died after its last byte lost nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from msgspec import Struct

from storage import sweeping, uploads
from storage.database import Connection, every, run
from storage.uploads import MOST_CHUNKS, Chunk, Upload, contiguous

#: Objects that the service wrote carry a writer's token instead of size and hash, and are never taken for a part.
KEY = re.compile(r"quarantine/[0-9a-f-]{36}/(?P<start>[0-9]{12})\.(?P<size>[0-9]{1,9})\.[0-9a-f]{64}")


class Part(Struct, frozen=True):
    """A piece that a phone wants to send by itself: where it begins, how many bytes it has, and their SHA-256."""

    start: int
    size: int
    sha256: bytes

    @property
    def end(self) -> int:
        """Where the next piece begins."""
        return self.start + self.size


def key_of(upload: UUID, part: Part) -> str:
    """Name the object of a part after its content."""
    return f"quarantine/{upload}/{part.start:012d}.{part.size}.{part.sha256.hex()}"


def arrived(present: dict[str, int], stored: Iterable[Chunk], length: int) -> list[Chunk]:
    """Find the parts in a listing (key to size) that overlap no stored piece, in order.

    Two parts that overlap were cut differently by two devices: the one that begins earlier is taken. Keys sort by
    start.
    """
    room = gaps(stored, length)
    new: list[Chunk] = []
    for key in sorted(present):
        name = KEY.fullmatch(key)
        if name is None or int(name["size"]) != present[key]:
            continue
        piece = Chunk(int(name["start"]), int(name["size"]), key)
        while room and sum(room[0]) <= piece.start:
            del room[0]
        if room and room[0][0] <= piece.start and piece.end <= sum(room[0]):
            new.append(piece)
            room[0] = (piece.end, sum(room[0]) - piece.end)
    return new


def gaps(stored: Iterable[Chunk], length: int) -> list[tuple[int, int]]:
    """List the stretches that are not stored, as start and size; `stored` is in order and does not overlap."""
    missing, end = [], 0
    for chunk in stored:
        if chunk.start > end:
            missing.append((end, chunk.start - end))
        end = chunk.end
    return missing if end >= length else [*missing, (end, length - end)]


class Settled(Struct, frozen=True):
    """An upload after rows and store were compared: its stored pieces in order, and whether these are all."""

    upload: Upload
    stored: list[Chunk]
    complete: bool

    @property
    def offset(self) -> int:
        """How many bytes are there from the start without a gap."""
        return contiguous(self.stored)


class Key(Struct, frozen=True):
    """The key of an object that is about to be removed."""

    object_key: str


DOOMED = "SELECT object_key FROM doomed_objects WHERE object_key = ANY(%(keys)s)"
PROLONG = "UPDATE uploads SET expires_at = greatest(expires_at, now() + %(lasts)s) WHERE id = %(upload)s"


async def settle(
    connection: Connection, account: UUID, upload: UUID, present: dict[str, int], lasts: timedelta
) -> Settled:
    """Make the rows of an upload say what the store has: forget what it lost, take in the parts that arrived.

    A store that acknowledges before it has written to disk may lose objects in a power cut; what it lost is a gap, and
    a client sends only that again. `present` maps the keys of a listing, taken before, to sizes. An upload that is
    being written to is left alone, because its newest pieces are younger than the listing. Raises UploadMissing.
    """
    found = await uploads.lock(connection, account, upload)
    stored = await uploads.chunks(connection, upload)
    if found.busy or found.completed_at is not None or found.expired:
        return Settled(found, stored, complete=found.completed_at is not None)
    if lost := [chunk for chunk in stored if present.get(chunk.object_key) != chunk.size]:
        await uploads.forget(connection, upload, lost)
        # A part comes back under the same key, so only what is there, in another size, is let go of.
        await sweeping.doom(connection, [chunk.object_key for chunk in lost if chunk.object_key in present])
        stored = [chunk for chunk in stored if chunk not in lost]
    doomed = {row.object_key for row in await every(connection, Key, DOOMED, keys=list(present))}
    kept = {key: size for key, size in present.items() if key not in doomed}
    new = arrived(kept, stored, found.length)[: MOST_CHUNKS - len(stored)]
    if not new:
        return Settled(found, stored, complete=False)
    await run(connection, PROLONG, upload=upload, lasts=lasts)
    complete = await uploads.add(connection, found, new)
    return Settled(found, sorted([*stored, *new], key=lambda chunk: chunk.start), complete)

"""The bytes of a stored recording, decrypted from any place on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

from msgspec import Struct

from storage.encryption import HEADER, Layout, Sealed
from storage.objects import READ_SIZE, Store


class Media(Struct, frozen=True):
    """A recording's encrypted object, and its size in plaintext bytes."""

    recording_id: UUID
    object_key: str
    size_bytes: int


async def plaintext(store: Store, media: Media, key: bytes, start: int, stop: int) -> AsyncIterator[bytes]:
    """Give the bytes from `start` up to `stop`, a piece at a time; no more than the range's segments is fetched.

    What waits for a slow reader is one segment and one small piece, because many may read slowly at once.

    `0 <= start <= stop <= media.size_bytes`. Raises MediaMissing, MediaDamaged, StoreUnavailable.
    """
    if start == stop:
        return
    sealed = Sealed(key, media.recording_id, await store.read(media.object_key, size=HEADER.size))
    layout = Layout(media.size_bytes, sealed.segment_size)
    for index in range(start // layout.segment_size, -(-stop // layout.segment_size)):
        at, size = layout.span(index)
        last = index == layout.segments - 1
        segment = sealed.open(index, await store.read(media.object_key, start=at, size=size), last=last)
        begin = index * layout.segment_size
        for piece in range(max(start - begin, 0), min(stop - begin, len(segment)), READ_SIZE):
            yield segment[piece : min(piece + READ_SIZE, stop - begin)]

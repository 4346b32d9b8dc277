"""Taking bytes in: a request's body becomes chunk objects, each kept as soon as it is stored.

Phones send over networks that stall, so whatever arrived before a cut is kept, a silent client is let go, and a client
that comes back on a new connection takes over from its own dead one. Memory is one chunk for each upload.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID, uuid4

import anyio
from anyio import CancelScope, to_thread
from litestar.exceptions import InternalServerException

from api.errors import ChecksumMismatch, UploadTooSlow
from storage import uploads
from storage.database import Pool, transaction
from storage.errors import HashMismatch, TooLarge, TooManyChunks
from storage.objects import Hash, Store
from storage.queue import enqueue_validation
from storage.uploads import Chunk, Upload

#: Bytes of one chunk object; a body larger than this becomes several.
PIECE = 4 * 1024 * 1024
#: A slow phone's bytes are stored at least this often, in seconds, so that little is sent twice after a crash.
STORE_EVERY_S = 5.0
#: Pieces stored early are at least this large, so that 10,000 of them hold the largest recording.
SMALLEST_EARLY = 256 * 1024
#: Seconds without a byte after which a client counts as gone.
SILENCE_S = 30.0
#: Bytes a second, on average, below which a connection is let go; its client resumes.
SLOWEST = 4_000
#: Seconds one request may last; a client that needs longer resumes.
LONGEST_S = 3600.0
#: Renew the lease while bytes flow, well before it lapses; seconds.
RENEW_EVERY_S = 4.0


class Checksum:
    """The checksum a client sent along with the bytes of one request (tus extension `checksum`)."""

    def __init__(self, algorithm: str, expected: bytes) -> None:
        """Start with no bytes seen; `algorithm` is one of ALGORITHMS."""
        self.digest = hashlib.new(algorithm, usedforsecurity=False)
        self.expected = expected

    def holds(self) -> bool:
        """Whether the bytes seen are the ones that were meant."""
        return self.digest.digest() == self.expected


ALGORITHMS = ("sha1", "sha256", "md5")


class Receiver:
    """One request that writes to an upload."""

    def __init__(
        self, database: Pool, store: Store, upload: Upload, writer: UUID, offset: int, chunks: int, lasts: timedelta
    ) -> None:
        """Take over a lease that `uploads.begin` gave to `writer`; `offset` and `chunks` are what is stored."""
        self.database = database
        self.store = store
        self.upload = upload
        self.writer = writer
        self.offset = offset
        self.chunks = chunks
        self.lasts = lasts
        self.buffer = bytearray()
        self.checksum: Checksum | None = None
        # Known only to a request that sends the whole recording: it can be told at once that the bytes are wrong.
        self.whole: Hash | None = hashlib.sha256() if offset == 0 else None
        self.unverified: list[Chunk] = []
        self.complete = False
        self.renewed = self.stored = self.begun = time.monotonic()
        self.received = 0
        self.waiting = CancelScope()
        self.stopping = False
        self.finished = anyio.Event()

    def stop(self) -> None:
        """Let go soon, because the client is here again on another connection; what arrived is kept."""
        self.stopping = True
        self.waiting.cancel()

    async def receive(self, body: AsyncIterator[bytes]) -> int:
        """Store a whole body and return the new offset.

        Raises UploadTooSlow, TooLarge, TooManyChunks, ChecksumMismatch, HashMismatch, and what the store and the
        database raise. Whatever it raises, the bytes that were stored before are kept.
        """
        try:
            ended = await self._take_all(body)
            if self.checksum is not None:
                await self._verify(ended)
            return self.offset
        finally:
            with CancelScope(shield=True):
                async with transaction(self.database) as connection:
                    await uploads.release(connection, self.upload.id, self.writer)
            self.finished.set()

    async def _take_all(self, body: AsyncIterator[bytes]) -> bool:
        """Store pieces until the body ends (True) or is cut off (False)."""
        ended = slow = False
        while not (ended or slow or self.stopping):
            piece = await self._next(body)
            if piece is None:
                break
            ended = piece == b""
            self._take(piece)
            await self._store_what_is_due()
            slow = self._too_slow()
        with CancelScope(shield=True):
            await self._flush(len(self.buffer))
        if not ended and not self.complete and (slow or self._silent()):
            raise UploadTooSlow(offset=self.offset)
        return ended

    async def _next(self, body: AsyncIterator[bytes]) -> bytes | None:
        """Wait for bytes: b"" at the end of the body, None when the connection was cut, stalled or superseded."""
        with CancelScope(deadline=anyio.current_time() + SILENCE_S) as self.waiting:
            try:
                return await anext(body, b"")
            except InternalServerException:
                # Litestar says so when the client has gone; everything that arrived was handed over before.
                return None
        return None

    def _take(self, piece: bytes) -> None:
        if self.offset + len(self.buffer) + len(piece) > self.upload.length:
            raise TooLarge("The body is longer than the announced recording.", largest_bytes=self.upload.length)
        self.buffer += piece
        self.received += len(piece)

    def _too_slow(self) -> bool:
        lasted = time.monotonic() - self.begun
        return lasted > LONGEST_S or (lasted > SILENCE_S and self.received < SLOWEST * lasted)

    def _silent(self) -> bool:
        return self.waiting.cancelled_caught and not self.stopping

    async def _store_what_is_due(self) -> None:
        while len(self.buffer) >= PIECE:
            await self._flush(PIECE)
        now = time.monotonic()
        if now - self.stored > STORE_EVERY_S and len(self.buffer) >= max(SMALLEST_EARLY, self.upload.length // 5000):
            await self._flush(len(self.buffer))
        elif now - self.renewed > RENEW_EVERY_S:
            async with transaction(self.database) as connection:
                await uploads.renew(connection, self.upload.id, self.writer, self.lasts)
            self.renewed = now

    async def _flush(self, size: int) -> None:
        """Store the next `size` bytes as one object, and its row."""
        if size == 0:
            return
        if self.chunks >= uploads.MOST_CHUNKS:
            raise TooManyChunks(most=uploads.MOST_CHUNKS)
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        if not await self._fits(data):
            await self._start_over()
            raise HashMismatch
        key = f"quarantine/{self.upload.id}/{self.offset:012d}.{self.writer}"
        await self.store.put(key, data)
        self.chunks += 1
        chunk = Chunk(self.offset, size, key)
        if self.checksum is None:
            await self._keep([chunk])
        else:
            # tus asks that nothing of a body with a wrong checksum stays, so the rows wait until it is verified.
            self.unverified.append(chunk)
        self.offset += size

    async def _fits(self, data: bytes) -> bool:
        """Hash the bytes on their way; False when the recording is complete with them and is not the claimed one."""
        given = None if self.checksum is None else self.checksum.digest
        for digest in (self.whole, given):
            if digest is not None:
                await to_thread.run_sync(digest.update, data)
        if self.whole is None or self.offset + len(data) < self.upload.length:
            return True
        return self.whole.digest() == self.upload.sha256

    async def _keep(self, pieces: list[Chunk]) -> None:
        async with transaction(self.database) as connection:
            self.complete = await uploads.keep(connection, self.upload, self.writer, pieces, self.lasts)
            if self.complete:
                await enqueue_validation(connection, self.upload.recording_id)
        self.stored = self.renewed = time.monotonic()

    async def _start_over(self) -> None:
        async with transaction(self.database) as connection:
            await uploads.start_over(connection, self.upload, self.writer, self.lasts)
            await uploads.doom(connection, [chunk.object_key for chunk in self.unverified])
        self.offset = 0

    async def _verify(self, ended: bool) -> None:
        """Keep what was stored under a checksum that holds, and nothing of it otherwise."""
        if ended and self.checksum is not None and self.checksum.holds():
            await self._keep(self.unverified)
            return
        async with transaction(self.database) as connection:
            await uploads.doom(connection, [chunk.object_key for chunk in self.unverified])
        raise ChecksumMismatch


class Writers:
    """The requests of this process that are writing, by upload.

    A phone whose network changed asks for the offset on a new connection while the old one still looks alive here. The
    old request is told to stop and to keep what it has, instead of locking its own client out until it times out.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self.receivers: dict[UUID, Receiver] = {}

    @contextmanager
    def writing(self, receiver: Receiver) -> Iterator[None]:
        """Make a receiver known while it writes."""
        self.receivers[receiver.upload.id] = receiver
        try:
            yield
        finally:
            if self.receivers.get(receiver.upload.id) is receiver:
                del self.receivers[receiver.upload.id]

    async def hand_over(self, upload: UUID) -> None:
        """Have the request that writes to this upload finish, and wait a moment until it has."""
        receiver = self.receivers.get(upload)
        if receiver is not None:
            receiver.stop()
            with anyio.move_on_after(5):
                await receiver.finished.wait()


WRITERS = Writers()


async def receive(
    database: Pool,
    store: Store,
    account: UUID,
    upload: UUID,
    body: AsyncIterator[bytes],
    *,
    offset: int,
    at_once: int,
    lasts: timedelta,
    checksum: Checksum | None = None,
) -> int:
    """Write a body to an upload from `offset` on and return the new offset. Raises as `uploads.begin` and Receiver."""
    writer = uuid4()
    async with transaction(database) as connection:
        found, chunks = await uploads.begin(connection, account, upload, writer=writer, offset=offset, at_once=at_once)
    receiver = Receiver(database, store, found, writer, offset, chunks, lasts)
    receiver.checksum = checksum
    with WRITERS.writing(receiver):
        return await receiver.receive(body)

"""Taking bytes in: a request's body becomes chunk objects, each kept as soon as it is stored.

Phones send over networks that stall, so whatever arrived before a cut is kept, a silent client is let go, and a client
that comes back on a new connection takes over from its own dead one. Memory is a few pieces for each upload, whatever
its length.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import anyio
from anyio import CancelScope, to_thread
from litestar.exceptions import InternalServerException, NotAuthorizedException
from msgspec import Struct

from api.authentication import refused
from api.checksums import Checksum
from api.errors import ChecksumMismatch, UploadTooSlow
from api.gathering import Gathered
from storage import examiners, sessions, sweeping, uploads
from storage.database import Connection, Pool, statement, transaction
from storage.errors import HashMismatch, MoveRefused, TooLarge, TooManyChunks, UploadBusy, UploadMissing
from storage.objects import Hash, Store
from storage.sessions import Account
from storage.uploads import Chunk, Standing, Upload

#: Bytes of one chunk object; a body larger than this becomes several.
PIECE = 4 * 1024 * 1024
#: Pieces on their way into the store at once: of one upload, and of all uploads of this process. A store that syncs
#: each object lets a lone piece wait; many uploads keep it busy by themselves, and their memory must have an end.
FLYING, FLYING_TOGETHER = 3, 12
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
#: Bytes of one request with a checksum: none of them counts before the last one, so a cut takes them all.
LARGEST_CHECKED = 64 * 1024 * 1024


class Body(Struct, frozen=True):
    """What one request brings: bytes from `offset` on, how many it announced (if it did), and their checksum.

    `again` lets a client that does not know of the stored bytes begin below them; they are passed over.
    """

    stream: AsyncIterator[bytes]
    offset: int
    announced: int | None
    checksum: Checksum | None
    again: bool = False

    def check(self, upload: Upload) -> None:
        """Raises TooLarge for a body that cannot fit, before a byte of it is read."""
        room = upload.length - self.offset
        if self.checksum is not None:
            room = min(room, LARGEST_CHECKED)
        if self.announced is not None and self.announced > room:
            raise TooLarge("The body is longer than what may still be sent in one request.", largest_bytes=room)

    def may_be_all_of(self, upload: Upload) -> bool:
        """Whether the whole recording may come in this body."""
        return self.announced is None or self.announced == upload.length


class Received(Struct, frozen=True):
    """The offset that an upload has reached, and when it expired without these bytes."""

    offset: int
    expires_at: datetime


class Receiver:
    """One request that writes to an upload."""

    def __init__(
        self,
        database: Pool,
        store: Store,
        upload: Upload,
        writer: UUID,
        body: Body,
        standing: Standing,
        lasts: timedelta,
        session: UUID,
    ) -> None:
        """Take over a lease that `uploads.begin` gave to `writer`; `standing` is what is there already.

        It ends with `session`, in which the request was let in: else a lost phone goes on for an hour once signed out.
        """
        self.session = session
        self.database = database
        self.store = store
        self.upload = upload
        self.writer = writer
        self.body = body.stream
        self.offset = body.offset
        self.chunks = standing.pieces
        # What a phone has put into the store by itself, or what a gap left behind it: passed over, never replaced.
        self.ahead = standing.ahead
        self.lasts = lasts
        self.gathered = Gathered()
        self.checksum = body.checksum
        # Known only to a request that sends the whole recording: it can be told at once that the bytes are wrong.
        self.whole: Hash | None = hashlib.sha256() if body.may_be_all_of(upload) and not standing.pieces else None
        self.flying: deque[asyncio.Task[None]] = deque()
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

    async def receive(self) -> int:
        """Store the whole body and return the new offset.

        Raises UploadTooSlow, TooLarge, TooManyChunks, ChecksumMismatch, HashMismatch, NotAuthorizedException, and what
        the store and the database raise. Whatever it raises, the bytes that were stored before are kept.
        """
        try:
            ended = await self._take_all()
            if self.checksum is not None:
                await self._verify(ended)
            return self._contiguous()
        finally:
            with CancelScope(shield=True):
                await asyncio.gather(*self.flying, return_exceptions=True)
                async with statement(self.database) as connection:
                    await uploads.release(connection, self.upload.id, self.writer)
            self.finished.set()

    async def _take_all(self) -> bool:
        """Store pieces until the body ends (True) or is cut off (False)."""
        ended = slow = False
        while not (ended or slow or self.stopping):
            piece = await self._next()
            if piece is None:
                break
            ended = piece == b""
            self._take(piece)
            await self._store_what_is_due()
            slow = self._too_slow()
        with CancelScope(shield=True):
            await self._flush(self.gathered.size)
            await self._land()
        if not ended and not self.complete and (slow or self._silent()):
            raise UploadTooSlow(offset=self.offset)
        return ended

    async def _next(self) -> bytes | None:
        """Wait for bytes: b"" at the end of the body, None when the connection was cut, stalled or superseded."""
        with CancelScope(deadline=anyio.current_time() + SILENCE_S) as self.waiting:
            try:
                return await anext(self.body, b"")
            except InternalServerException:
                # Litestar says so when the client has gone; everything that arrived was handed over before.
                return None
        return None

    def _take(self, piece: bytes) -> None:
        if self.offset + self.gathered.size + len(piece) > self.upload.length:
            raise TooLarge("The body is longer than the announced recording.", largest_bytes=self.upload.length)
        if self.checksum is not None and self.received + len(piece) > LARGEST_CHECKED:
            raise TooLarge("A body with a checksum may not be larger than this.", largest_bytes=LARGEST_CHECKED)
        self.gathered.add(piece)
        self.received += len(piece)

    def _too_slow(self) -> bool:
        lasted = time.monotonic() - self.begun
        return lasted > LONGEST_S or (lasted > SILENCE_S and self.received < SLOWEST * lasted)

    def _silent(self) -> bool:
        return self.waiting.cancelled_caught and not self.stopping

    async def _store_what_is_due(self) -> None:
        while self.gathered.size >= PIECE:
            await self._flush(PIECE)
        now = time.monotonic()
        if now - self.stored > STORE_EVERY_S and self.gathered.size >= max(SMALLEST_EARLY, self.upload.length // 5000):
            await self._flush(self.gathered.size)
        elif now - self.renewed > RENEW_EVERY_S:
            async with transaction(self.database) as connection:
                await self._signed_in(connection)
                await uploads.renew(connection, self.upload, self.writer, self.lasts)
            self.renewed = now

    async def _signed_in(self, connection: Connection) -> None:
        if await sessions.speaks_for(connection, self.session) is None:
            raise refused("This device was signed out while it sent.")

    async def _flush(self, size: int) -> None:
        """Store the next `size` bytes as objects with rows, and pass over those that are stored already."""
        while size > 0:
            taken = min(size, self._distance())
            data = self.gathered.take(taken)
            if not await self._fits(data):
                await self._start_over()
                raise HashMismatch
            if not self._is_stored():
                await self._put(data)
            self.offset += taken
            size -= taken

    def _following(self) -> Chunk | None:
        """Find the first stored piece that does not end before the offset."""
        return next((chunk for chunk in self.ahead if chunk.end > self.offset), None)

    def _is_stored(self) -> bool:
        following = self._following()
        return following is not None and following.start <= self.offset

    def _distance(self) -> int:
        """Count the bytes up to where the stored pieces begin or, inside of one, where it ends."""
        following = self._following()
        if following is None:
            return self.upload.length - self.offset
        return (following.end if following.start <= self.offset else following.start) - self.offset

    def _contiguous(self) -> int:
        """Give the offset to go on from, which lies behind the stored pieces that this body reached."""
        offset = self.offset
        for chunk in self.ahead:
            if chunk.start <= offset:
                offset = max(offset, chunk.end)
        return offset

    async def _put(self, data: bytes) -> None:
        """Send one piece to the store and go on; what an earlier one met is raised here."""
        if self.chunks >= uploads.MOST_CHUNKS:
            raise TooManyChunks(most=uploads.MOST_CHUNKS)
        self.chunks += 1
        chunk = Chunk(self.offset, len(data), f"quarantine/{self.upload.id}/{self.offset:012d}.{self.writer}")
        await self._land(min(FLYING, max(1, FLYING_TOGETHER // max(1, len(WRITERS.receivers)))) - 1)
        self.flying.append(asyncio.create_task(self._store(chunk, data)))

    async def _land(self, left: int = 0) -> None:
        """Wait until no more than `left` pieces are on their way. Raises what they met."""
        while len(self.flying) > left:
            await self.flying.popleft()

    async def _store(self, chunk: Chunk, data: bytes) -> None:
        """Store one piece, and its row. Rows may be written in any order: a gap before one is sent again."""
        self.store.room.check()
        await self.store.put(chunk.object_key, data)
        if self.checksum is None:
            await self._keep([chunk])
        else:
            # tus asks that nothing of a body with a wrong checksum stays, so the rows wait until it is verified.
            self.unverified.append(chunk)

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
        try:
            async with transaction(self.database) as connection:
                await self._signed_in(connection)
                complete = await uploads.keep(connection, self.upload, self.writer, pieces, self.lasts)
        except (UploadBusy, UploadMissing, MoveRefused, NotAuthorizedException):
            # No row will ever need them: they go within minutes, not after the day that orphans are given.
            async with transaction(self.database) as connection:
                await sweeping.doom(connection, [piece.object_key for piece in pieces])
            raise
        self.complete = self.complete or complete
        self.stored = self.renewed = time.monotonic()

    async def _start_over(self) -> None:
        await self._land()
        async with transaction(self.database) as connection:
            await uploads.start_over(connection, self.upload, self.writer, self.lasts)
            await sweeping.doom(connection, [chunk.object_key for chunk in self.unverified])
        self.offset = 0

    async def _verify(self, ended: bool) -> None:
        """Keep what was stored under a checksum that holds, and nothing of it otherwise."""
        if ended and self.checksum is not None and self.checksum.holds():
            await self._keep(self.unverified)
            return
        async with transaction(self.database) as connection:
            await sweeping.doom(connection, [chunk.object_key for chunk in self.unverified])
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
    database: Pool, store: Store, account: Account, upload: UUID, body: Body, *, at_once: int, lasts: timedelta
) -> Received:
    """Write the body of a request to an upload. Raises as `uploads.begin`, `Body.check` and Receiver."""
    writer = uuid4()
    store.room.check()
    async with transaction(database) as connection:
        await examiners.check(connection)
        found, standing = await uploads.begin(
            connection, account.id, upload, writer=writer, offset=body.offset, at_once=at_once, again=body.again
        )
        body.check(found)
    receiver = Receiver(database, store, found, writer, body, standing, lasts, account.session_id)
    with WRITERS.writing(receiver):
        return Received(await receiver.receive(), found.expires_at)

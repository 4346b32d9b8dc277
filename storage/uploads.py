"""The bytes of a recording on their way in: chunk objects in quarantine, and a row for each that is stored.

A chunk's row is written after its object, so a row means bytes, and what a cut connection left behind is kept. One
writer at a time holds a lease in the upload's row: no database connection is held while bytes flow, and a writer that
died lets go by itself. Every write names the lease's token, so a writer that was replaced cannot add anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from storage.database import Connection, every, one, run
from storage.errors import (
    OffsetConflict,
    RecordingMissing,
    TooManyChunks,
    TooManyUploads,
    UploadBusy,
    UploadExpired,
    UploadFinished,
    UploadMissing,
)
from storage.queue import enqueue_validation
from storage.recordings import delete, doom_chunks, move
from storage.states import State

#: Rows and objects of one upload; a client that sends single bytes is stopped before it fills a table.
MOST_CHUNKS = 10_000
#: How long a silent writer keeps others away.
LEASE = timedelta(seconds=12)


class Upload(Struct, frozen=True):
    """An upload as its owner sees it; sizes in bytes."""

    id: UUID
    recording_id: UUID
    account_id: UUID
    length: int
    sha256: bytes
    state: State
    busy: bool
    overdue: bool
    completed_at: datetime | None
    expires_at: datetime

    @property
    def expired(self) -> bool:
        """Whether it is too late to send anything."""
        return self.completed_at is None and (self.overdue or self.state not in ("claimed", "uploading"))


class Chunk(Struct, frozen=True):
    """A stored piece: where it begins in the recording, how many bytes it has, and its object."""

    start: int
    size: int
    object_key: str

    @property
    def end(self) -> int:
        """Where the next piece begins."""
        return self.start + self.size


COLUMNS = """
    u.id, u.recording_id, u.account_id, u.length, r.sha256, r.state, coalesce(u.busy_until > now(), false) AS busy,
    u.expires_at < now() AS overdue, u.completed_at, u.expires_at
"""
FIND = f"""
    SELECT {COLUMNS} FROM uploads u JOIN recordings r ON r.id = u.recording_id
    WHERE u.id = %(upload)s AND u.account_id = %(account)s AND r.state NOT IN ('deleted', 'erased')
"""
OF_RECORDING = f"""
    SELECT {COLUMNS} FROM uploads u JOIN recordings r ON r.id = u.recording_id WHERE u.recording_id = %(recording)s
"""


async def find(connection: Connection, account: UUID, upload: UUID) -> Upload:
    """Give the contributor's upload. Raises UploadMissing for anybody else's too."""
    found = await one(connection, Upload, FIND, account=account, upload=upload)
    if found is None:
        raise UploadMissing
    return found


async def of_recording(connection: Connection, recording: UUID) -> Upload:
    """Give the upload of a recording that the caller has found to be its owner's."""
    found = await one(connection, Upload, OF_RECORDING, recording=recording)
    if found is None:
        raise UploadMissing
    return found


CLAIMED = f"""
    SELECT {COLUMNS} FROM uploads u JOIN recordings r ON r.id = u.recording_id
    WHERE r.id = %(recording)s AND r.account_id = %(account)s AND r.state NOT IN ('deleted', 'erased')
"""


async def claimed(connection: Connection, account: UUID, recording: UUID) -> Upload:
    """Give the upload that the contributor's claim made. Raises RecordingMissing."""
    found = await one(connection, Upload, CLAIMED, account=account, recording=recording)
    if found is None:
        raise RecordingMissing
    return found


class Waiting(Struct, frozen=True):
    """An upload that bytes are missing of."""

    id: UUID
    recording_id: UUID
    missing: int


WAITING_UPLOADS = """
    SELECT u.id, u.recording_id,
        (u.length - coalesce((SELECT sum(size) FROM upload_chunks WHERE upload_id = u.id), 0))::bigint AS missing
    FROM uploads u JOIN recordings r ON r.id = u.recording_id
    WHERE u.account_id = %(account)s AND u.completed_at IS NULL AND u.expires_at > now()
      AND r.state IN ('claimed', 'uploading')
    ORDER BY missing, u.id LIMIT 200
"""


async def waiting(connection: Connection, account: UUID) -> list[Waiting]:
    """List the contributor's uploads that may still go on, those with the fewest missing bytes first."""
    return await every(connection, Waiting, WAITING_UPLOADS, account=account)


CHUNKS = "SELECT start, size, object_key FROM upload_chunks WHERE upload_id = %(upload)s ORDER BY start"


async def chunks(connection: Connection, upload: UUID) -> list[Chunk]:
    """List the stored pieces in order."""
    return await every(connection, Chunk, CHUNKS, upload=upload)


def contiguous(stored: Iterable[Chunk]) -> int:
    """Count the bytes from the start of the recording without a gap: what tus calls the offset."""
    end = 0
    for chunk in stored:
        if chunk.start != end:
            break
        end += chunk.size
    return end


FORGET = "DELETE FROM upload_chunks WHERE upload_id = %(upload)s AND object_key = ANY(%(keys)s)"


async def forget(connection: Connection, upload: UUID, lost: list[Chunk]) -> None:
    """Let go of pieces that the store does not have after all; the others stay, so that only a gap is sent again."""
    await run(connection, FORGET, upload=upload, keys=[chunk.object_key for chunk in lost])


LOCK = FIND + " FOR UPDATE OF u"


async def lock(connection: Connection, account: UUID, upload: UUID) -> Upload:
    """As `find`, and keep others from changing the upload until the transaction ends. Raises UploadMissing."""
    found = await one(connection, Upload, LOCK, account=account, upload=upload)
    if found is None:
        raise UploadMissing
    return found


class Counts(Struct, frozen=True):
    """What a writer needs to know before it begins, counted, because an upload may have thousands of pieces.

    `writing`: other uploads of the account that are being written. `below`: bytes in pieces that begin before the
    offset, of which the last ends at `end`. `above`: pieces that begin at the offset or later.
    """

    writing: int
    pieces: int
    below: int
    end: int
    above: int


COUNT = """
    SELECT (SELECT count(*) FROM uploads
            WHERE account_id = %(account)s AND id <> %(upload)s AND busy_until > now())::int AS writing,
        count(*)::int AS pieces,
        coalesce(sum(size) FILTER (WHERE start < %(offset)s), 0)::bigint AS below,
        coalesce(max(start + size) FILTER (WHERE start < %(offset)s), 0)::bigint AS end,
        (count(*) FILTER (WHERE start >= %(offset)s))::int AS above
    FROM upload_chunks WHERE upload_id = %(upload)s
"""
AHEAD = """
    SELECT start, size, object_key FROM upload_chunks
    WHERE upload_id = %(upload)s AND start >= %(offset)s ORDER BY start
"""


class Standing(Struct, frozen=True):
    """What is there of an upload when a writer begins: how many pieces, and those from its offset on, in order."""

    pieces: int
    ahead: list[Chunk]


# A lease that a crash of the database takes is no loss, so nobody waits until it is on disk. That the recording was let
# go while `lock` waited is seen here only, by a statement that begins afterwards.
UNSYNCED = "set_config('synchronous_commit', 'off', true) = 'off'"
TAKE = f"""
    UPDATE uploads SET busy_token = %(writer)s, busy_until = now() + %(lease)s WHERE id = %(upload)s AND {UNSYNCED}
        AND EXISTS (SELECT FROM recordings WHERE id = recording_id AND state IN ('claimed', 'uploading'))
"""


async def begin(
    connection: Connection,
    account: UUID,
    upload: UUID,
    *,
    writer: UUID,
    offset: int,
    at_once: int,
    again: bool = False,
) -> tuple[Upload, Standing]:
    """Take the lease for a writer that wants to go on at `offset`; return the upload and what is there of it.

    `again` lets in a writer that sends stored bytes once more, because its client does not know of them.
    Raises UploadMissing, UploadExpired, UploadFinished, UploadBusy, OffsetConflict, TooManyChunks, TooManyUploads.
    """
    found = await lock(connection, account, upload)
    if found.completed_at is not None:
        raise UploadFinished(offset=found.length)
    if found.expired:
        raise UploadExpired
    if found.busy:
        raise UploadBusy
    standing = await _standing(connection, found, offset, at_once=at_once, again=again)
    if not await run(connection, TAKE, upload=upload, writer=writer, lease=LEASE):
        raise UploadMissing
    return found, standing


async def _standing(connection: Connection, upload: Upload, offset: int, *, at_once: int, again: bool) -> Standing:
    """Look at what a writer would go on from. Raises OffsetConflict, TooManyChunks, TooManyUploads."""
    asked = {"account": upload.account_id, "upload": upload.id, "offset": offset}
    counts = await one(connection, Counts, COUNT, **asked) or Counts(0, 0, 0, 0, 0)
    ahead = await every(connection, Chunk, AHEAD, upload=upload.id, offset=offset) if counts.above else []
    # Pieces never overlap: those that begin below the offset fill everything up to it, or there is a gap.
    reached = counts.below == counts.end == offset and (not ahead or ahead[0].start > offset)
    if not (reached or again):
        raise OffsetConflict(offset=contiguous(await chunks(connection, upload.id)))
    if counts.pieces >= MOST_CHUNKS:
        raise TooManyChunks(most=MOST_CHUNKS)
    if counts.writing >= at_once:
        raise TooManyUploads(at_once=at_once)
    return Standing(counts.pieces, ahead)


RENEW = """
    UPDATE uploads SET busy_until = now() + %(lease)s, expires_at = greatest(expires_at, now() + %(lasts)s)
    WHERE id = %(upload)s AND busy_token = %(writer)s AND completed_at IS NULL
"""


async def renew(connection: Connection, upload: Upload, writer: UUID, lasts: timedelta) -> None:
    """Keep the lease while bytes flow, and the claim alive for `lasts`. Raises what `_lost` raises."""
    if not await run(connection, RENEW, upload=upload.id, writer=writer, lease=LEASE, lasts=lasts):
        await _lost(connection, upload)


async def _lost(connection: Connection, upload: Upload) -> None:
    """Say where a lease went: UploadBusy when another writer has it, UploadMissing when the recording was deleted."""
    await find(connection, upload.account_id, upload.id)
    raise UploadBusy


RELEASE = f"""
    UPDATE uploads SET busy_token = NULL, busy_until = NULL
    WHERE id = %(upload)s AND busy_token = %(writer)s AND {UNSYNCED}
"""


async def release(connection: Connection, upload: UUID, writer: UUID) -> None:
    """Let the next writer in."""
    await run(connection, RELEASE, upload=upload, writer=writer)


ADD = """
    INSERT INTO upload_chunks (upload_id, start, size, object_key)
    VALUES (%(upload)s, %(start)s, %(size)s, %(object_key)s)
"""
# Renewing comes first and locks the row: pieces that land at the same moment are counted one after the other.
KEEP = f"""
    WITH held AS ({RENEW} RETURNING id)
    INSERT INTO upload_chunks (upload_id, start, size, object_key)
    SELECT id, piece.start, piece.size, piece.object_key
    FROM held, unnest(%(starts)s::bigint[], %(sizes)s::bigint[], %(keys)s::text[]) AS piece (start, size, object_key)
"""
# Pieces never overlap, so all bytes are there when their sizes add up to the length.
COMPLETE = """
    UPDATE uploads SET completed_at = now(), busy_token = NULL, busy_until = NULL
    WHERE id = %(upload)s AND length = (SELECT sum(size) FROM upload_chunks WHERE upload_id = %(upload)s)
"""


async def keep(connection: Connection, upload: Upload, writer: UUID, pieces: list[Chunk], lasts: timedelta) -> bool:
    """Write the rows of stored chunks under a writer's lease; return whether the recording is complete with them.

    Raises UploadBusy when another writer has the lease, and UploadMissing when the recording was deleted meanwhile
    (`end_writing` took the lease then): nothing is kept.
    """
    if not pieces:
        return False
    columns = {
        "starts": [piece.start for piece in pieces],
        "sizes": [piece.size for piece in pieces],
        "keys": [piece.object_key for piece in pieces],
    }
    kept = await run(connection, KEEP, upload=upload.id, writer=writer, lease=LEASE, lasts=lasts, **columns)
    if kept < len(pieces):
        await _lost(connection, upload)
    return await _moved_on(connection, upload)


async def add(connection: Connection, upload: Upload, pieces: list[Chunk]) -> bool:
    """Write the rows of parts that overlap no stored piece; return whether the recording is complete with them."""
    for piece in pieces:
        await run(connection, ADD, upload=upload.id, start=piece.start, size=piece.size, object_key=piece.object_key)
    return await _moved_on(connection, upload)


async def _moved_on(connection: Connection, upload: Upload) -> bool:
    """Let the recording follow its bytes; return whether they are complete.

    The first piece moves the recording to `uploading`, the last one to `validating`, with its job in the same
    transaction.
    """
    if upload.state == "claimed" and await _state(connection, upload.recording_id) == "claimed":
        await move(connection, upload.recording_id, "uploading", by="contributor", because="first-bytes")
    if not await run(connection, COMPLETE, upload=upload.id):
        return False
    await move(connection, upload.recording_id, "validating", by="contributor", because="all-bytes")
    await enqueue_validation(connection, upload.recording_id)
    return True


# It lasts as long again as it was given at first, or longer.
REOPEN = """
    UPDATE uploads SET completed_at = NULL, expires_at = greatest(expires_at, now() + (expires_at - created_at))
    WHERE id = %(upload)s
"""


async def reopen(connection: Connection, upload: UUID, recording: UUID, lost: list[Chunk]) -> None:
    """Ask for pieces of a complete upload again that the store has lost; all others are kept.

    The recording goes back to `uploading`, which its phone hears as an event; the offset then ends at the first gap.
    """
    await forget(connection, upload, lost)
    await run(connection, REOPEN, upload=upload)
    await move(connection, recording, "uploading", by="worker", because="bytes-lost")


class Now(Struct, frozen=True):
    """Where a recording stands now."""

    state: State


async def _state(connection: Connection, recording: UUID) -> State | None:
    standing = await one(connection, Now, "SELECT state FROM recordings WHERE id = %(id)s", id=recording)
    return None if standing is None else standing.state


async def start_over(connection: Connection, upload: Upload, writer: UUID, lasts: timedelta) -> None:
    """Forget every stored byte of an upload whose content turned out wrong; the lease stays."""
    await renew(connection, upload, writer, lasts)
    await doom_chunks(connection, upload.recording_id)


async def terminate(connection: Connection, account: UUID, upload: UUID) -> None:
    """Give up an upload and its recording with it, so that the same bytes can be claimed anew.

    The recording becomes `deleted`, not `expired`: its owner decided, not the clock. Raises UploadMissing,
    UploadFinished.
    """
    found = await lock(connection, account, upload)
    if found.completed_at is not None:
        raise UploadFinished(offset=found.length)
    await delete(connection, account, found.recording_id, because="upload-terminated")

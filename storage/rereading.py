"""Reading again: what is stored comes back as it was sent, or somebody hears of it before its owner does.

A phone was told that its original may be deleted. So each recording is read back whole once in a hundred days, which is
a hundredth of them each day. One that does not come back is told to operators by an error in the log, has no custody
receipt any more, and is tried again each day, because a store may be repaired. That the store does not answer is no
damage.
"""

from __future__ import annotations

import hashlib
import logging
from uuid import UUID

from msgspec import Struct

from storage import encryption
from storage.database import Connection, Pool, one, run, transaction
from storage.errors import MediaDamaged, MediaMissing
from storage.media import Media, plaintext
from storage.objects import Store

logger = logging.getLogger("companion.rereading")


class Due(Struct, frozen=True):
    """A recording to read again, and what its bytes hashed to; sizes in bytes."""

    recording_id: UUID
    account_id: UUID
    object_key: str
    sha256: bytes
    size_bytes: int


PLAN = """
    INSERT INTO rereadings (recording_id, due_at) VALUES (%(recording)s, now() + interval '100 days')
    ON CONFLICT (recording_id) DO UPDATE SET due_at = EXCLUDED.due_at, damaged_at = NULL
"""
FORGET = """
    DELETE FROM rereadings x USING recordings r
    WHERE x.due_at < now() AND r.id = x.recording_id AND r.object_key IS NULL
"""
# Taken by moving it on: a worker that dies while it reads leaves it to the next day, and keeps no other waiting.
TAKE = """
    UPDATE rereadings x SET due_at = now() + interval '1 day'
    FROM recordings r
    WHERE r.id = x.recording_id AND x.recording_id = (
        SELECT recording_id FROM rereadings WHERE due_at < now() ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING r.id AS recording_id, r.account_id, r.object_key, r.sha256, r.size_bytes
"""
# Of what was deleted meanwhile, or stored anew, nothing is known.
DAMAGED = """
    UPDATE rereadings x SET damaged_at = coalesce(damaged_at, clock_timestamp()) FROM recordings r
    WHERE x.recording_id = %(recording)s AND r.id = x.recording_id AND r.object_key = %(object_key)s
"""


async def plan(connection: Connection, recording: UUID) -> None:
    """Have a recording read again in a hundred days, in the transaction that stored it."""
    await run(connection, PLAN, recording=recording)


async def reread(database: Pool, store: Store, master_key: bytes) -> bool:
    """Read the next recording that is due; False when none is.

    A store that does not answer leaves it for the next day. Raises StoreUnavailable.
    """
    async with transaction(database) as connection:
        await run(connection, FORGET)
        due = await one(connection, Due, TAKE)
    if due is None:
        return False
    whole = await came_back(database, store, master_key, due)
    async with transaction(database) as connection:
        if whole:
            await plan(connection, due.recording_id)
        elif await run(connection, DAMAGED, recording=due.recording_id, object_key=due.object_key):
            logger.error("a recording does not come back as it was stored", extra={"recording": str(due.recording_id)})
    return True


async def came_back(database: Pool, store: Store, master_key: bytes, due: Due) -> bool:
    """Read a recording whole and compare it with what was sent. Raises StoreUnavailable."""
    digest = hashlib.sha256()
    media = Media(due.recording_id, due.object_key, due.size_bytes)
    try:
        async with transaction(database) as connection:
            key = await encryption.subject_key(connection, master_key, due.account_id)
        async for piece in plaintext(store, media, key, 0, due.size_bytes):
            digest.update(piece)
    except (MediaMissing, MediaDamaged):
        return False
    return digest.digest() == due.sha256

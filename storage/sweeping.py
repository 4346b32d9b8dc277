"""Clearing away: objects that no row needs, and quarantined bytes that never got a row.

The transaction that lets go of an object only notes its key; removing it here, afterwards, cannot leave a row without
its object when something fails in between.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec import Struct

from storage.database import Connection, Pool, every, run, transaction
from storage.objects import Store

#: A chunk whose row is still to be written is young; one without a row after a day never gets it.
ORPHANED_AFTER = timedelta(hours=24)


class Doomed(Struct, frozen=True):
    """An object to remove."""

    id: int
    object_key: str


DOOM = "INSERT INTO doomed_objects (object_key) SELECT unnest(%(keys)s::text[])"


async def doom(connection: Connection, keys: list[str]) -> None:
    """Note objects that no row needs; they are removed soon after."""
    await run(connection, DOOM, keys=keys)


PLAN = "INSERT INTO doomed_objects (object_key, due_at) VALUES (%(key)s, now() + %(after)s)"


async def plan(connection: Connection, key: str) -> None:
    """Note an object that is about to be written: without `keep` it is removed after a day, whoever died meanwhile."""
    await run(connection, PLAN, key=key, after=ORPHANED_AFTER)


async def keep(connection: Connection, key: str) -> None:
    """Let a planned object stay, in the transaction that writes its row."""
    await run(connection, "DELETE FROM doomed_objects WHERE object_key = %(key)s", key=key)


DOOMED = """
    SELECT id, object_key FROM doomed_objects WHERE due_at <= now() ORDER BY id LIMIT 500 FOR UPDATE SKIP LOCKED
"""


async def remove_doomed(database: Pool, store: Store) -> int:
    """Remove up to 500 objects that were let go of; return how many. What fails is tried at the next call."""
    async with transaction(database) as connection:
        doomed = await every(connection, Doomed, DOOMED)
        if doomed:
            await store.remove([item.object_key for item in doomed])
            ids = [item.id for item in doomed]
            await run(connection, "DELETE FROM doomed_objects WHERE id = ANY(%(ids)s)", ids=ids)
    return len(doomed)


class Key(Struct, frozen=True):
    """The key of an object that a row needs."""

    object_key: str


# A part that a phone put into the store by itself has no row before somebody asks, so an upload that may still go on
# keeps all of its objects.
NEEDED = """
    SELECT key AS object_key FROM unnest(%(keys)s::text[]) AS key
    WHERE EXISTS (SELECT FROM upload_chunks WHERE object_key = key)
       OR EXISTS (SELECT FROM uploads u JOIN recordings r ON r.id = u.recording_id
            WHERE u.id = CASE WHEN key ~ '^quarantine/[0-9a-f-]{36}/' THEN split_part(key, '/', 2)::uuid END
              AND u.completed_at IS NULL AND r.state IN ('claimed', 'uploading'))
"""


# Of a recording that was let go: rows that a request wrote which had begun before, when nothing ended it yet.
LEFT_OVER = """
    WITH gone AS (DELETE FROM upload_chunks c USING uploads u, recordings r
        WHERE u.id = c.upload_id AND r.id = u.recording_id AND r.state IN ('deleted', 'erased', 'expired')
        RETURNING c.object_key)
    INSERT INTO doomed_objects (object_key) SELECT object_key FROM gone
"""


async def forget_left_over(database: Pool) -> int:
    """Let go of pieces whose recording is gone; return how many."""
    async with transaction(database) as connection:
        return await run(connection, LEFT_OVER)


async def remove_orphans(database: Pool, store: Store, now: datetime | None = None) -> int:
    """Remove quarantined objects older than a day that nobody can need any more, and parts of none; return how many.

    They are left behind by a process that died between storing an object and writing its row, and by parts that were
    put twice or after the end of their upload.
    """
    before = (now or datetime.now(UTC)) - ORPHANED_AFTER
    await store.abandon(before)
    old = [item.key for item in await store.listing("quarantine/") if item.written_at < before]
    async with transaction(database) as connection:
        needed = {row.object_key for row in await every(connection, Key, NEEDED, keys=old)}
    orphans = [key for key in old if key not in needed]
    if orphans:
        await store.remove(orphans)
    return len(orphans)

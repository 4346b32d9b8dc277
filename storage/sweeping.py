"""Clearing away: objects that no row needs, and quarantined bytes that never got a row.

The transaction that lets go of an object only notes its key; removing it here, afterwards, cannot leave a row without
its object when something fails in between.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from storage.database import Connection, Pool, every, run, transaction
from storage.objects import Store

logger = logging.getLogger("companion.sweeping")

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


# Of recordings and their cleaned copies; of both the key holds the recording's id.
NAMED = """
    SELECT key AS object_key FROM unnest(%(keys)s::text[]) AS key
        CROSS JOIN LATERAL (SELECT CASE WHEN key ~ '^(recordings|renditions)/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/'
            THEN split_part(key, '/', 2)::uuid END AS recording) AS of
    WHERE EXISTS (SELECT FROM recordings WHERE id = recording AND object_key = key)
       OR EXISTS (SELECT FROM renditions WHERE recording_id = recording AND object_key = key)
"""
LATER = "UPDATE doomed_objects SET due_at = now() + interval '1 hour' WHERE object_key = ANY(%(keys)s)"


async def remove_doomed(database: Pool, store: Store) -> int:
    """Take up to 500 objects that were let go of, and remove them; return how many. What fails is tried again.

    One that the store does not let go of, as an object lock may demand, waits an hour and keeps no other.
    """
    async with transaction(database) as connection:
        doomed = await every(connection, Doomed, DOOMED)
        if doomed:
            keys = {item.object_key for item in doomed}
            # A key that a restored database gave out anew is somebody's recording: its note is forgotten.
            named = {row.object_key for row in await every(connection, Key, NAMED, keys=list(keys))}
            stayed = await store.remove(keys - named)
            gone = [item.id for item in doomed if item.object_key not in stayed]
            await run(connection, "DELETE FROM doomed_objects WHERE id = ANY(%(ids)s)", ids=gone)
            await run(connection, LATER, keys=list(stayed))
            for key in stayed:
                logger.error("the store does not remove an object", extra={"key": key})
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


#: What no row names of recordings and copies waits as long: another backup may be the right one.
FOUND_FOR = timedelta(days=30)
UNKNOWN = f"""
    INSERT INTO doomed_objects (object_key, due_at) SELECT key, now() + %(after)s FROM unnest(%(keys)s::text[]) AS key
    WHERE key NOT IN ({NAMED}) AND NOT EXISTS (SELECT FROM doomed_objects WHERE object_key = key)
"""


async def note_unknown(database: Pool, store: Store, now: datetime | None = None) -> int:
    """Note objects of recordings and cleaned copies that no row names; return how many that are.

    A restored database does not know what was stored since it was saved, and nothing else asks for it. It is removed
    after a month, unless the database that knows of it is restored by then, without this note. What is younger than a
    day may be about to be named.
    """
    before, noted = (now or datetime.now(UTC)) - ORPHANED_AFTER, 0
    for folder in ("recordings/", "renditions/"):
        async for page in store.pages(folder):
            old = [item.key for item in page if item.written_at < before]
            async with transaction(database) as connection:
                noted += await run(connection, UNKNOWN, keys=old, after=FOUND_FOR)
    return noted


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
    return len(orphans) - len(await store.remove(orphans))

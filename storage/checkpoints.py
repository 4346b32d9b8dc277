"""Checkpoints: once a day the heads of all passports that grew, and the day's ledger, under one signature.

Whoever holds yesterday's checkpoint can prove that a passport was changed afterwards, and we cannot make a new history
without contradicting it. A checkpoint names the hash of the one before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg.types.json import Jsonb

from storage.database import Connection, every, one, run
from storage.errors import CheckpointMissing


class Head(Struct, frozen=True):
    """The newest entry of a passport."""

    recording_id: UUID
    number: int
    sha256: bytes


class Leaf(Struct, frozen=True):
    """A head and its way to the root of the day's tree, the nearest hash first."""

    head: Head
    position: int
    path: list[bytes]


class LedgerDay(Struct, frozen=True):
    """How many transactions the ledger recorded on a day, and the hash over their ids and contents in order."""

    transactions: int
    sha256: bytes


class Checkpoint(Struct, frozen=True):
    """A checkpoint as it is published; `sha256` is over its canonical form, signature included."""

    day: date
    document: dict[str, Any]
    sha256: bytes


class _Day(Struct, frozen=True):
    day: date


# Days are in UTC, by the database's clock. One is closed five minutes late: by then whatever began in it is over. After
# an outage of days every one of them is closed, the oldest first: the ledger's transactions of a day are in its own.
DUE = """
    SELECT day FROM (SELECT coalesce(max(day) + 1, yesterday) AS day, yesterday
        FROM (SELECT (now() AT TIME ZONE 'UTC' - interval '1 day 5 minutes')::date AS yesterday) AS clock
        LEFT JOIN checkpoints ON true GROUP BY yesterday) AS following
    WHERE day <= yesterday
"""
ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('checkpoints', 0))"
HEADS = """
    SELECT recording_id, number, sha256 FROM passport_heads WHERE number > checkpointed
    ORDER BY recording_id FOR UPDATE
"""
LEDGER = """
    SELECT count(*) AS transactions,
        sha256(coalesce(string_agg(uuid_send(id) || request_sha256, ''::bytea ORDER BY id), ''::bytea)) AS sha256
    FROM ledger_transactions
    WHERE recorded_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
      AND recorded_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
"""
INSERT = """
    INSERT INTO checkpoints (day, made_at, leaves, root, document, sha256)
    VALUES (%(day)s, now(), %(leaves)s, %(root)s, %(document)s, %(sha256)s)
"""
INSERT_LEAF = """
    INSERT INTO checkpoint_leaves (recording_id, day, number, sha256, position, path)
    VALUES (%s, %s, %s, %s, %s, %s)
"""
COVER = """
    UPDATE passport_heads h SET checkpointed = l.number
    FROM checkpoint_leaves l WHERE l.day = %(day)s AND l.recording_id = h.recording_id
"""
LISTING = """
    SELECT day, document, sha256 FROM checkpoints WHERE %(before)s::date IS NULL OR day < %(before)s
    ORDER BY day DESC LIMIT %(limit)s
"""


async def due(connection: Connection) -> date | None:
    """Name the day that is over and has no checkpoint yet, and let nobody else make it meanwhile.

    However long that takes: a day that a request's time is too short for would never be signed.
    """
    await run(connection, "SET LOCAL statement_timeout = '10min'")
    await run(connection, ALONE)
    found = await one(connection, _Day, DUE)
    return None if found is None else found.day


async def heads(connection: Connection) -> list[Head]:
    """List the passports that grew since the last checkpoint, and keep them from growing until this one is written."""
    return await every(connection, Head, HEADS)


async def ledger_day(connection: Connection, day: date) -> LedgerDay:
    """Sum up the ledger's day."""
    found = await one(connection, LedgerDay, LEDGER, day=day)
    assert found is not None  # noqa: S101 - an aggregate always gives a row.
    return found


async def newest(connection: Connection) -> Checkpoint | None:
    """Give the newest checkpoint, when there is one."""
    found = await listing(connection, before=None, limit=1)
    return found[0] if found else None


async def keep(
    connection: Connection, day: date, root: bytes, leaves: Sequence[Leaf], document: dict[str, Any], sha256: bytes
) -> None:
    """Write down a signed checkpoint and the way from each passport to its root."""
    await run(connection, INSERT, day=day, leaves=len(leaves), root=root, document=Jsonb(document), sha256=sha256)
    async with connection.cursor() as cursor:
        await cursor.executemany(
            INSERT_LEAF,
            [
                (leaf.head.recording_id, day, leaf.head.number, leaf.head.sha256, leaf.position, leaf.path)
                for leaf in leaves
            ],
        )
    await run(connection, COVER, day=day)


async def find(connection: Connection, day: date) -> Checkpoint:
    """Give the checkpoint of a day. Raises CheckpointMissing."""
    query = "SELECT day, document, sha256 FROM checkpoints WHERE day = %(day)s"
    found = await one(connection, Checkpoint, query, day=day)
    if found is None:
        raise CheckpointMissing
    return found


async def listing(connection: Connection, *, before: date | None, limit: int) -> list[Checkpoint]:
    """List checkpoints, newest first, from the one before a day on."""
    return await every(connection, Checkpoint, LISTING, before=before, limit=limit)

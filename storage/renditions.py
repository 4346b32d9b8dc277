"""Renditions: the cleaned copy of a recording that buyers get, and what its owner wants hidden in it.

The original never leaves. Every change of the owner's choices is a new version, and a rendition bears the version that
it was made for: until the new one is there, the old one is not handed out any more.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg.types.json import Jsonb

from storage import sweeping
from storage.database import Connection, every, one, run
from storage.errors import RecordingMissing


class Rendition(Struct, frozen=True):
    """One cleaned copy: its encrypted object, and of its plaintext the hash (32 bytes), size and media type.

    `edits` is every change that was made, as plain JSON values; `removed_ms` is how much shorter it is than the
    original. It is sealed as the original is, with the recording's id; read it through `media.plaintext`.
    """

    recording_id: UUID
    number: int
    object_key: str
    sha256: bytes
    size_bytes: int
    media_type: str
    edits: list[dict[str, Any]]
    removed_ms: int
    created_at: datetime


class Privacy(Struct, frozen=True):
    """What an owner wants hidden. `due` says that its rendition is still to be made, `trouble` why it cannot be."""

    recording_id: UUID
    choices: dict[str, Any]
    version: int
    due: bool
    trouble: str | None
    changed_at: datetime


NEWEST = """
    SELECT r.recording_id, r.number, r.object_key, r.sha256, r.size_bytes, r.media_type, r.edits, r.removed_ms,
           r.created_at
    FROM renditions r JOIN privacy p ON p.recording_id = r.recording_id AND p.version = r.number
    WHERE r.recording_id = %(recording)s
"""


async def newest(connection: Connection, recording: UUID) -> Rendition | None:
    """Give the rendition that follows the owner's present choices; None until it is made."""
    return await one(connection, Rendition, NEWEST, recording=recording)


COLUMNS = "recording_id, choices, version, due, trouble, changed_at"
PRIVACY = f"SELECT {COLUMNS} FROM privacy WHERE recording_id = %(recording)s"


async def privacy(connection: Connection, recording: UUID) -> Privacy | None:
    """Give what the owner of a recording chose; None before any choice and any acceptance."""
    return await one(connection, Privacy, PRIVACY, recording=recording)


# Choosing the same again makes no new version: nothing would come out different.
CHOOSE = f"""
    INSERT INTO privacy (recording_id, choices, due)
        SELECT id, %(choices)s, state IN ('accepted', 'held') FROM recordings WHERE id = %(recording)s
    ON CONFLICT (recording_id) DO UPDATE SET
        version = privacy.version + (privacy.choices <> EXCLUDED.choices)::int,
        due = privacy.due OR (EXCLUDED.due AND privacy.choices <> EXCLUDED.choices),
        trouble = CASE WHEN privacy.choices <> EXCLUDED.choices THEN NULL ELSE privacy.trouble END,
        choices = EXCLUDED.choices, changed_at = now()
    RETURNING {COLUMNS}
"""


#: Why a stretch is not paid that its contributor took out; what an operator removed bears other words.
TAKEN_OUT = "taken-out"
FORGET_TAKEN_OUT = """
    DELETE FROM removed_spans s USING recordings r
    WHERE r.id = s.recording_id AND r.id = %(recording)s AND s.reason = %(reason)s AND NOT (r.state = ANY (%(paid)s))
"""
# Stretches in seconds become whole milliseconds, never less than was taken out.
NOTE_TAKEN_OUT = """
    INSERT INTO removed_spans (recording_id, start_ms, end_ms, reason)
    SELECT r.id, floor(1000 * (cut->>'start_s')::float)::bigint, ceil(1000 * (cut->>'end_s')::float)::bigint, %(reason)s
    FROM recordings r CROSS JOIN jsonb_array_elements(%(choices)s::jsonb->'drop') AS cut
    WHERE r.id = %(recording)s AND NOT (r.state = ANY (%(paid)s)) ON CONFLICT DO NOTHING
"""
#: What is taken out later was paid for, and stays paid.
PAID = ["accepted", "held", "withdrawn"]


async def choose(connection: Connection, recording: UUID, choices: dict[str, Any]) -> Privacy:
    """Set what is to be hidden in a recording that the caller has found to be its owner's. Raises RecordingMissing.

    Stretches that are taken out before it is accepted are not paid, because nobody will hear them.
    """
    chosen = await one(connection, Privacy, CHOOSE, recording=recording, choices=Jsonb(choices))
    if chosen is None:
        raise RecordingMissing
    spans = {"recording": recording, "reason": TAKEN_OUT, "paid": PAID}
    await run(connection, FORGET_TAKEN_OUT, **spans)
    await run(connection, NOTE_TAKEN_OUT, choices=Jsonb(choices), **spans)
    return chosen


class Order(Struct, frozen=True):
    """A rendition to be made: of which bytes, of whom, and for which version of the choices.

    `promised` is what the term sheet of its consent says about the media that buyers get.
    """

    recording_id: UUID
    account_id: UUID
    object_key: str
    size_bytes: int
    media_type: str
    duration_ms: int
    choices: dict[str, Any]
    version: int
    promised: dict[str, Any]


PROMISED = """
    SELECT coalesce(s.document -> 'media', '{}') AS promised FROM consents c
        JOIN term_sheets s ON s.id = c.term_sheet_id AND s.version = c.term_sheet_version
    WHERE c.recording_id = %(recording)s ORDER BY c.given_at DESC, c.id DESC LIMIT 1
"""
ORDER = f"""
    SELECT r.id AS recording_id, r.account_id, r.object_key, r.size_bytes, r.media_type,
        coalesce(r.duration_ms, 0) AS duration_ms, p.choices, p.version, coalesce(t.promised, '{{}}') AS promised
    FROM privacy p JOIN recordings r ON r.id = p.recording_id LEFT JOIN LATERAL ({PROMISED}) t ON true
    WHERE p.recording_id = %(recording)s AND p.due AND r.object_key IS NOT NULL AND r.state IN ('accepted', 'held')
"""


async def order(connection: Connection, recording: UUID) -> Order | None:
    """Give what is to be made of a recording; None when nothing is, which is how a job run twice ends."""
    return await one(connection, Order, ORDER, recording=recording)


class _Promised(Struct, frozen=True):
    promised: dict[str, Any]


async def promised(connection: Connection, recording: UUID) -> dict[str, Any]:
    """Give what a recording's terms say about the media that buyers get; nothing before its consent."""
    found = await one(connection, _Promised, PROMISED, recording=recording)
    return {} if found is None else found.promised


class Due(Struct, frozen=True):
    """A recording whose rendition is to be made."""

    recording_id: UUID


# What waits in the queue is not told to it again: each time would be an error in the log of PostgreSQL.
# A job that failed waits for its next try: a hundred of them, as of a store that lost objects, keep no other's place.
DUE = """
    SELECT recording_id FROM (
        SELECT recording_id FROM privacy
        WHERE due AND NOT EXISTS (SELECT FROM procrastinate_jobs
            WHERE queueing_lock = 'rendition ' || recording_id AND status = 'todo' AND scheduled_at > now())
        ORDER BY changed_at LIMIT %(most)s) AS due
    WHERE NOT EXISTS (SELECT FROM procrastinate_jobs
        WHERE queueing_lock = 'rendition ' || recording_id AND status = 'todo')
"""


async def due(connection: Connection, most: int = 100) -> list[UUID]:
    """List recordings whose renditions are to be made: of the `most` that wait longest those that are in no queue."""
    return [row.recording_id for row in await every(connection, Due, DUE, most=most)]


DONE = """
    UPDATE privacy SET due = false, trouble = %(trouble)s
    WHERE recording_id = %(recording)s AND version = %(version)s AND due
"""
STORE = """
    INSERT INTO renditions (recording_id, number, object_key, sha256, size_bytes, media_type, edits, removed_ms)
    VALUES (%(recording)s, %(number)s, %(object_key)s, %(sha256)s, %(size_bytes)s, %(media_type)s, %(edits)s,
            %(removed_ms)s)
"""
OLDER = """
    WITH gone AS (DELETE FROM renditions WHERE recording_id = %(recording)s AND number < %(number)s
        RETURNING object_key)
    INSERT INTO doomed_objects (object_key) SELECT object_key FROM gone
"""


async def store(
    connection: Connection,
    order: Order,
    *,
    object_key: str,
    sha256: bytes,
    size_bytes: int,
    media_type: str,
    edits: list[dict[str, Any]],
    removed_ms: int,
) -> bool:
    """Write a finished rendition, whose object was planned (`sweeping.plan`), and let go of older ones.

    False, and its object is let go of, when the choices changed, another job was faster, or the recording is gone.
    """
    recording = order.recording_id
    if not await run(connection, DONE, recording=recording, version=order.version, trouble=None):
        await sweeping.doom(connection, [object_key])
        return False
    await sweeping.keep(connection, object_key)
    await run(
        connection,
        STORE,
        recording=recording,
        number=order.version,
        object_key=object_key,
        sha256=sha256,
        size_bytes=size_bytes,
        media_type=media_type,
        edits=Jsonb(edits),
        removed_ms=removed_ms,
    )
    await run(connection, OLDER, recording=recording, number=order.version)
    return True


async def give_up(connection: Connection, order: Order, trouble: str) -> None:
    """Say why there can be no rendition of these choices; other choices are tried again."""
    await run(connection, DONE, recording=order.recording_id, version=order.version, trouble=trouble)

"""Matches: what a recording shares with others, and how much of that its owner may see.

Of an own earlier recording, everything. Of a public work, its title. Of anybody else's recording nothing: not that it
exists, whose it is, nor for which campaign it was made; such a row is for the person who looks at the recording.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg.types.json import Jsonb

from storage.database import Connection, every, run


class NewMatch(Struct, frozen=True):
    """A match to keep: with which recording or public work, whether both are one contributor's, and the evidence."""

    held: UUID | None
    public_work: UUID | None
    own: bool
    evidence: dict[str, Any]


class Match(Struct, frozen=True):
    """A match that its owner may see: with an own recording, or with a public work."""

    id: UUID
    held: UUID | None
    held_title: str | None
    held_state: str | None
    has_media: bool
    public_work: UUID | None
    public_title: str | None
    evidence: dict[str, Any]
    found_at: datetime


CLEAR = "DELETE FROM matches WHERE recording_id = %(recording)s"
ADD = """
    INSERT INTO matches (recording_id, held_id, public_work_id, own, evidence)
    VALUES (%(recording)s, %(held)s, %(public_work)s, %(own)s, %(evidence)s)
"""


async def store(connection: Connection, recording: UUID, found: Sequence[NewMatch]) -> None:
    """Keep what was found of a recording, in place of what an earlier attempt found."""
    await run(connection, CLEAR, recording=recording)
    for match in found:
        await run(
            connection,
            ADD,
            recording=recording,
            held=match.held,
            public_work=match.public_work,
            own=match.own,
            evidence=Jsonb(match.evidence),
        )


OF_RECORDING = """
    SELECT m.id, m.held_id AS held, r.title AS held_title, r.state AS held_state,
           coalesce(r.object_key IS NOT NULL, false) AS has_media,
           m.public_work_id AS public_work, w.title AS public_title, m.evidence, m.found_at
    FROM matches m LEFT JOIN recordings r ON r.id = m.held_id LEFT JOIN public_works w ON w.id = m.public_work_id
    WHERE m.recording_id = %(recording)s AND (m.own OR m.public_work_id IS NOT NULL)
    ORDER BY m.id LIMIT 100
"""


async def of_recording(connection: Connection, recording: UUID) -> list[Match]:
    """List the matches of a recording that its owner may see, the strongest evidence first."""
    return await every(connection, Match, OF_RECORDING, recording=recording)

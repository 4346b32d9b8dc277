"""Workers that live, and whether they can examine what strangers send.

A recording is only decoded in isolation. Where no living worker can isolate, whatever is sent would wait for ever, so
nothing is taken in; where no worker lives at all, one that is being restarted will be back, and recordings wait.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from msgspec import Struct

from storage.database import Connection, one, run
from storage.errors import ExaminationImpossible

#: How often a worker says that it lives, and for how long its word counts.
SAID_EVERY_S = 30.0
COUNTS_FOR = timedelta(seconds=100)

SAY = """
    INSERT INTO examiners (worker, isolates) VALUES (%(worker)s, %(isolates)s)
    ON CONFLICT (worker) DO UPDATE SET isolates = %(isolates)s, seen_at = clock_timestamp()
"""
FORGET = "DELETE FROM examiners WHERE seen_at < now() - %(counts_for)s"


async def say(connection: Connection, worker: UUID, *, isolates: bool) -> None:
    """Say that a worker lives and whether it can examine; words of dead workers are forgotten."""
    await run(connection, SAY, worker=worker, isolates=isolates)
    await run(connection, FORGET, counts_for=COUNTS_FOR)


async def leave(connection: Connection, worker: UUID) -> None:
    """Take a worker's word back at its end."""
    await run(connection, "DELETE FROM examiners WHERE worker = %(worker)s", worker=worker)


class Ability(Struct, frozen=True):
    """Whether every living worker says that it cannot; false when none lives."""

    impossible: bool


ASK = """
    SELECT coalesce(NOT bool_or(isolates), false) AS impossible FROM examiners WHERE seen_at > now() - %(counts_for)s
"""


async def check(connection: Connection) -> None:
    """Let through whoever wants to bring bytes. Raises ExaminationImpossible."""
    ability = await one(connection, Ability, ASK, counts_for=COUNTS_FOR)
    if ability is not None and ability.impossible:
        raise ExaminationImpossible


class _Begun(Struct, frozen=True):
    begun: bool


BEGUN = "SELECT EXISTS (SELECT FROM examiners WHERE isolates AND seen_at > now() - %(counts_for)s) AS begun"


async def begun(connection: Connection) -> bool:
    """Whether a living worker can examine."""
    found = await one(connection, _Begun, BEGUN, counts_for=COUNTS_FOR)
    return found is not None and found.begun

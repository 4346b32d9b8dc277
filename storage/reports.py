"""Reports: what validation found, one per attempt; the newest counts.

The report is stored as the library wrote it and is opaque here: storage does not know what was measured.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg.types.json import Jsonb

from storage.database import Connection, one, run
from storage.errors import ReportMissing


class StoredReport(Struct, frozen=True):
    """A report as plain JSON values, the number of the attempt that wrote it, and when.

    `glimpses` is what can be seen of the recording itself, sealed; see `encryption.unseal`.
    """

    attempt: int
    report: dict[str, Any]
    glimpses: bytes | None
    created_at: datetime


NEWEST = """
    SELECT attempt, report, glimpses, created_at FROM reports
    WHERE recording_id = %(recording)s ORDER BY attempt DESC LIMIT 1
"""


async def newest(connection: Connection, recording: UUID, state: str) -> StoredReport:
    """Give the newest report of a recording that is its owner's. Raises ReportMissing with the recording's state."""
    found = await one(connection, StoredReport, NEWEST, recording=recording)
    if found is None:
        raise ReportMissing(state=state)
    return found


STORE = """
    INSERT INTO reports (recording_id, attempt, report, glimpses)
    VALUES (%(recording)s, %(attempt)s, %(report)s, %(glimpses)s)
"""


async def store(
    connection: Connection, recording: UUID, attempt: int, report: dict[str, Any], glimpses: bytes | None
) -> None:
    """Write the report of one attempt, and what can be seen of the recording, sealed."""
    await run(connection, STORE, recording=recording, attempt=attempt, report=Jsonb(report), glimpses=glimpses)


class Kills(Struct, frozen=True):
    """How many of an account's recordings were too expensive to examine lately, and how long ago the newest was."""

    count: int
    newest_ago: timedelta | None


KILLS = """
    SELECT count(*)::int AS count, now() - max(reports.created_at) AS newest_ago
    FROM reports JOIN recordings ON recordings.id = recording_id
    WHERE account_id = %(account)s AND reports.created_at > now() - interval '1 day'
      AND report -> 'rejection' ->> 'code' = 'too-expensive'
"""


async def kills(connection: Connection, account: UUID) -> Kills:
    """Count the examinations of an account's recordings that had to be killed within a day."""
    return await one(connection, Kills, KILLS, account=account) or Kills(0, None)

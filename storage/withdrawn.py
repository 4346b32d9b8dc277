"""What becomes of the bytes of withdrawn recordings: our own copies go within the time that the terms promise.

Until then the contributor can still fetch them. Afterwards the row stays, without bytes, copies and fingerprints, as
the other end of receipts, licences and the passport.
"""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from storage.database import Connection, every, run
from storage.events import tell
from storage.recordings import DOOM_OBJECT


class Due(Struct, frozen=True):
    """A withdrawn recording whose bytes are to go."""

    id: UUID
    account_id: UUID


# A day before the promised time, and never later than thirty days after the withdrawal.
DUE = """
    SELECT r.id, r.account_id FROM recordings r
    JOIN withdrawals w ON w.recording_id = r.id AND w.ended
    JOIN LATERAL (SELECT * FROM consents WHERE recording_id = r.id ORDER BY given_at DESC, id DESC LIMIT 1) c ON true
    JOIN term_sheets s ON s.id = c.term_sheet_id AND s.version = c.term_sheet_version
    WHERE r.state = 'withdrawn' AND r.object_key IS NOT NULL AND w.sales_stopped_at < now() + interval '1 day'
        - least(interval '30 days', (s.document #>> '{withdrawal,delete_at_platform_within}')::interval)
    ORDER BY r.account_id, r.id LIMIT 100 FOR UPDATE OF r SKIP LOCKED
"""
DOOM_RENDITIONS = """
    WITH gone AS (DELETE FROM renditions WHERE recording_id = %(recording)s RETURNING object_key)
    INSERT INTO doomed_objects (object_key) SELECT object_key FROM gone
"""
FORGET = "DELETE FROM fingerprints WHERE recording_id = %(recording)s"
LET_GO = "UPDATE recordings SET object_key = NULL WHERE id = %(recording)s"
NOTE = "SELECT note_in_passport(%(recording)s, 'recording.bytes_deleted', '{}')"


async def clear(connection: Connection) -> int:
    """Let go of the bytes that are due, at most of 100 recordings; return of how many.

    The contributor hears of each, and its passport notes it in the same transaction.
    """
    due = await every(connection, Due, DUE)
    for recording in due:
        for words in (DOOM_OBJECT, DOOM_RENDITIONS, FORGET, LET_GO, NOTE):
            await run(connection, words, recording=recording.id)
        await tell(connection, recording.account_id, "recording.bytes_deleted", recording=recording.id, by="clock")
    return len(due)

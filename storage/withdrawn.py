"""What becomes of recordings that nobody may use any more: our own copies go within the time that the terms promise.

Consent was withdrawn, or the time is over that it was given for. Until then the contributor can still fetch the
recording. Afterwards the row stays, without bytes, copies, stills and fingerprints, as the other end of receipts,
licences and the passport.
"""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from storage.database import Connection, apart, every, run
from storage.events import tell
from storage.recordings import DOOM_OBJECT, FORGET_GLIMPSES, move


class Over(Struct, frozen=True):
    """A recording whose time is over."""

    id: UUID


class Due(Struct, frozen=True):
    """A recording of which something is to go: its bytes or, where its owner deleted those, its fingerprints."""

    id: UUID
    account_id: UUID
    bytes: bool


# A use that was given is over, and no other lasts.
OVER = """
    SELECT r.id FROM recordings r
    WHERE r.state = 'accepted'
      AND r.id IN (SELECT recording_id FROM consent_uses WHERE status = 'given' AND expires_at <= now())
      AND NOT EXISTS (SELECT FROM consent_uses u
          WHERE u.recording_id = r.id AND u.status = 'given' AND u.expires_at > now())
    ORDER BY r.account_id, r.id LIMIT 100 FOR UPDATE OF r SKIP LOCKED
"""
# A day before the promised time, and never later than thirty days after the end.
DUE = """
    SELECT r.id, r.account_id, r.object_key IS NOT NULL AS bytes FROM recordings r
    JOIN LATERAL (SELECT * FROM consents WHERE recording_id = r.id ORDER BY given_at DESC, id DESC LIMIT 1) c ON true
    JOIN term_sheets s ON s.id = c.term_sheet_id AND s.version = c.term_sheet_version
    LEFT JOIN withdrawals w ON w.recording_id = r.id AND w.ended
    CROSS JOIN LATERAL (SELECT coalesce(w.sales_stopped_at,
            (SELECT max(expires_at) FROM consent_uses WHERE recording_id = r.id AND status = 'given')) AS ended_at,
        CASE WHEN w.id IS NULL THEN s.document #>> '{retention,after_end}'
            ELSE s.document #>> '{withdrawal,delete_at_platform_within}' END::interval AS promised) AS promise
    WHERE r.state = 'withdrawn'
        AND (r.object_key IS NOT NULL OR EXISTS (SELECT FROM fingerprints WHERE recording_id = r.id))
        AND ended_at < now() + interval '1 day' - least(interval '30 days', promised)
    ORDER BY r.account_id, r.id LIMIT 100 FOR UPDATE OF r SKIP LOCKED
"""
# A copy that is being made finds that nobody waits for it any more.
NOT_DUE = "UPDATE privacy SET due = false WHERE recording_id = %(recording)s"
DOOM_RENDITIONS = """
    WITH gone AS (DELETE FROM renditions WHERE recording_id = %(recording)s RETURNING object_key)
    INSERT INTO doomed_objects (object_key) SELECT object_key FROM gone
"""
FORGET = "DELETE FROM fingerprints WHERE recording_id = %(recording)s"
LET_GO = "UPDATE recordings SET object_key = NULL WHERE id = %(recording)s"
NOTE = "SELECT note_in_passport(%(recording)s, 'recording.bytes_deleted', '{}')"


async def end(connection: Connection) -> int:
    """End recordings whose time is over, at most 100; return how many. What was earned is kept, and each owner hears.

    A grant goes on only with a new consent, which its contributor can give until now.
    """
    over = await every(connection, Over, OVER)
    for recording in over:
        async with apart(connection, recording.id):
            await move(connection, recording.id, "withdrawn", by="clock", because="term-ended")
    return len(over)


async def clear(connection: Connection) -> int:
    """Let go of the bytes and fingerprints that are due, at most of 100 recordings; return of how many.

    The contributor hears of each one's bytes, and its passport notes them in the same transaction.
    """
    due = await every(connection, Due, DUE)
    for recording in due:
        async with apart(connection, recording.id):
            await run(connection, FORGET, recording=recording.id)
            if recording.bytes:
                await let_go(connection, recording.id)
                owner = recording.account_id
                await tell(connection, owner, "recording.bytes_deleted", recording=recording.id, by="clock")
    return len(due)


async def let_go(connection: Connection, recording: UUID) -> None:
    """Let go of a withdrawn recording's bytes, copies and stills, and note that in its passport."""
    for words in (DOOM_OBJECT, NOT_DUE, DOOM_RENDITIONS, FORGET_GLIMPSES, LET_GO, NOTE):
        await run(connection, words, recording=recording)

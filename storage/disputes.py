"""Disputes: a contributor objects to a decision, a person answers, and the outcome is kept for the threshold report.

Every objection has a day by which it is answered, the one that the terms promise. Where nobody answers one about
quality by then, its contributor is right.

An outcome never changes a threshold by itself: the report shows an operator how often a limit was wrong, and the limit
moves with the next version of the algorithm.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import psycopg.errors
from msgspec import Struct

from storage.database import Connection, every, one
from storage.errors import DisputeOpen, MoveRefused
from storage.recordings import find, lock, move


class Dispute(Struct, frozen=True):
    """One objection: what was decided (`because`), the contributor's words, and how a person answered."""

    id: UUID
    recording: UUID
    because: str | None
    text: str
    opened_at: datetime
    answer_by: datetime
    answered_at: datetime | None
    outcome: str | None
    answer: str | None


COLUMNS = "id, recording_id AS recording, because, text, opened_at, answer_by, answered_at, outcome, answer"
OPEN = f"""
    INSERT INTO disputes (recording_id, account_id, because, text, answer_by, evidence)
    VALUES (%(recording)s, %(account)s, %(because)s, %(text)s, now() + answer_within(%(recording)s),
            (SELECT coalesce(jsonb_agg(evidence), '[]') FROM matches WHERE recording_id = %(recording)s))
    RETURNING {COLUMNS}
"""
OF_RECORDING = f"""
    SELECT {COLUMNS} FROM disputes WHERE recording_id = %(recording)s ORDER BY opened_at DESC LIMIT 100
"""


NOTHING_DECIDED = "There is nothing to object to: only what was rejected or sent back can be disputed."


async def open_dispute(connection: Connection, account: UUID, recording: UUID, text: str) -> Dispute:
    """Hand a rejected or returned recording to a person, with its owner's words.

    In the same words again it is the dispute that is open. Raises RecordingMissing, DisputeOpen for other words, and
    MoveRefused: there must be a decision to object to, and bytes to look at.
    """
    disputed = await lock(connection, account, recording)
    if disputed.state not in ("rejected", "needs_fix") or disputed.object_key is None:
        return _repeated(await of_recording(connection, recording), text, disputed.state)
    try:
        opened = await one(
            connection, Dispute, OPEN, recording=recording, account=account, because=disputed.moved_because, text=text
        )
    except psycopg.errors.UniqueViolation as error:
        raise DisputeOpen from error
    await move(connection, recording, "in_review", by="contributor", because=text)
    assert opened is not None  # noqa: S101  An insert that returns nothing has raised.
    return opened


def _repeated(known: list[Dispute], text: str, state: str) -> Dispute:
    """Give the open dispute that is sent again. Raises DisputeOpen for other words, and MoveRefused where none is."""
    already = next((dispute for dispute in known if dispute.answered_at is None), None)
    if already is None:
        raise MoveRefused(NOTHING_DECIDED, state=state)
    if already.text != text:
        raise DisputeOpen
    return already


async def of_own(connection: Connection, account: UUID, recording: UUID) -> list[Dispute]:
    """List the disputes about a recording of the contributor's, newest first. Raises RecordingMissing."""
    await find(connection, account, recording)
    return await of_recording(connection, recording)


async def of_recording(connection: Connection, recording: UUID) -> list[Dispute]:
    """List the disputes about a recording, newest first."""
    return await every(connection, Dispute, OF_RECORDING, recording=recording)


class _Id(Struct, frozen=True):
    id: UUID


#: What the worker decides about the quality of a take alone.
QUALITY = ("another-take", "cannot-be-mended", "borderline", "campaign-review")
# A take that failed by its quality was compared with others as well, and an operator's words may be about likeness. A
# dispute's own move has its contributor's words, so only the worker's moves say why it was ever in doubt.
UNANSWERED = """
    SELECT r.id FROM disputes d JOIN recordings r ON r.id = d.recording_id
    WHERE (%(recording)s::uuid IS NULL OR r.id = %(recording)s)
        AND d.answered_at IS NULL AND d.answer_by < now() AND r.state = 'in_review'
        AND EXISTS (SELECT FROM consents WHERE recording_id = r.id)
        AND NOT EXISTS (SELECT FROM recording_events e WHERE e.recording_id = r.id AND e.moved_by = 'worker'
            AND e.to_state IN ('in_review', 'needs_fix', 'rejected') AND e.because <> ALL(%(quality)s))
        AND NOT EXISTS (SELECT FROM matches WHERE recording_id = r.id)
        AND NOT EXISTS (SELECT FROM recordings other WHERE other.sha256 = r.sha256 AND other.account_id <> r.account_id
            AND other.state NOT IN ('deleted', 'erased'))
    ORDER BY d.answer_by LIMIT 500 FOR UPDATE OF r SKIP LOCKED
"""


async def unanswered(connection: Connection) -> list[UUID]:
    """List recordings whose objection nobody answered in the time that its terms promised, at most 500."""
    return [row.id for row in await every(connection, _Id, UNANSWERED, quality=list(QUALITY), recording=None)]


async def accept_unanswered(connection: Connection, recording: UUID) -> bool:
    """Accept one of them; False when somebody has answered since.

    Likeness to what somebody else holds, or to what was paid already, is never settled by silence. What is accepted
    earns its pay here.
    """
    found = await one(connection, _Id, UNANSWERED, quality=list(QUALITY), recording=recording)
    if found is not None:
        await move(connection, found.id, "accepted", by="clock", because="dispute-unanswered")
    return found is not None


class Outcomes(Struct, frozen=True):
    """How disputes about one reason ended; `strength_over_threshold` of its matches, 1 is just at the limit."""

    because: str | None
    outcome: str
    disputes: int
    strength_over_threshold: float | None


THRESHOLD_REPORT = """
    SELECT because, outcome, count(DISTINCT d.id)::int AS disputes,
           avg((e ->> 'strength')::float8 / nullif((e ->> 'threshold')::float8, 0)) AS strength_over_threshold
    FROM disputes d LEFT JOIN LATERAL jsonb_array_elements(d.evidence) e ON true
    WHERE answered_at IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
"""


async def threshold_report(connection: Connection) -> list[Outcomes]:
    """Say how often people agreed with contributors, by what had been decided."""
    return await every(connection, Outcomes, THRESHOLD_REPORT)

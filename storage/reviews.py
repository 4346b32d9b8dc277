"""Reviews: a person decides about a recording that is in review, with a reason that its contributor reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from msgspec import Struct

from storage.database import Connection, every, one, run
from storage.errors import MoveRefused, RecordingMissing, SameReviewer
from storage.recordings import Recording, move
from storage.states import State
from storage.steps import Removed

Verdict: TypeAlias = Literal["accepted", "rejected", "needs_fix"]


class Waiting(Struct, frozen=True):
    """A recording that waits for a person: since when, and the code or the contributor's own words why.

    `consented` tells whether it can be accepted: without its contributor's consent nobody can. `due` is until when its
    quote promised a decision, or its terms an answer to an objection, which makes it `disputed`.
    """

    id: UUID
    pseudonym: str
    campaign: str
    media_type: str
    language: str | None
    duration_ms: int | None
    because: str | None
    since: datetime
    consented: bool
    disputed: bool
    due: datetime | None


#: Why a person looks at the quality alone. Likeness to what somebody else holds is never settled by silence.
QUALITY = ("borderline", "campaign-review")
QUEUE = """
    SELECT r.id, a.pseudonym, c.title AS campaign, r.media_type, r.language, r.duration_ms, r.moved_because AS because,
        r.updated_at AS since, EXISTS (SELECT FROM consents WHERE recording_id = r.id) AS consented,
        d.id IS NOT NULL AS disputed, coalesce(d.answer_by, r.updated_at + q.review_within) AS due
    FROM recordings r JOIN accounts a ON a.id = r.account_id JOIN campaigns c ON c.id = r.campaign_id
    LEFT JOIN quotes q ON q.id = r.quote_id
    LEFT JOIN disputes d ON d.recording_id = r.id AND d.answered_at IS NULL
    WHERE r.state = 'in_review' ORDER BY r.updated_at, r.id LIMIT %(limit)s
"""


async def queue(connection: Connection, limit: int = 100) -> list[Waiting]:
    """List what waits for a person, the longest first."""
    return await every(connection, Waiting, QUEUE, limit=limit)


class _Held(Struct, frozen=True):
    state: State


class _Id(Struct, frozen=True):
    id: UUID


LOCK = "SELECT state FROM recordings WHERE id = %(recording)s FOR UPDATE"
REMOVE = """
    INSERT INTO removed_spans (recording_id, start_ms, end_ms, reason)
    VALUES (%(recording)s, %(start)s, %(end)s, %(reason)s) ON CONFLICT DO NOTHING
"""


# Only a decision that was objected to has an objection behind it; whoever made it is not the one to confirm it.
OBJECTED_TO = """
    SELECT reviewer FROM review_decisions WHERE recording_id = %(recording)s
        AND EXISTS (SELECT FROM disputes WHERE recording_id = %(recording)s AND answered_at IS NULL)
    ORDER BY id DESC LIMIT 1
"""
NOTE = """
    INSERT INTO review_decisions (recording_id, reviewer, verdict) VALUES (%(recording)s, %(reviewer)s, %(verdict)s)
"""


class _Reviewer(Struct, frozen=True):
    reviewer: str


async def decide(
    connection: Connection,
    recording: UUID,
    verdict: Verdict,
    because: str,
    removed: Sequence[Removed] = (),
    *,
    reviewer: str = "operator",
) -> Recording:
    """Decide about a recording in review, in the caller's transaction; `removed` spans are not paid.

    An accepted one earns its pay here. `reviewer` is noted. Raises RecordingMissing, SameReviewer, and MoveRefused when
    it is not in review (any more) or its contributor has not consented.
    """
    held = await one(connection, _Held, LOCK, recording=recording)
    if held is None:
        raise RecordingMissing("There is no recording by that id.")
    if held.state != "in_review":
        raise MoveRefused(state=held.state)
    before = await one(connection, _Reviewer, OBJECTED_TO, recording=recording)
    if before is not None and before.reviewer == reviewer and verdict != "accepted":
        raise SameReviewer
    await run(connection, NOTE, recording=recording, reviewer=reviewer, verdict=verdict)
    for span in removed:
        await run(connection, REMOVE, recording=recording, start=span.start_ms, end=span.end_ms, reason=span.reason)
    return await move(connection, recording, verdict, by="operator", because=because)


# An open dispute is about a decision that was made; its text is its contributor's and may read like one of our reasons.
OVERDUE = """
    SELECT r.id FROM recordings r JOIN quotes q ON q.id = r.quote_id
    WHERE (%(recording)s::uuid IS NULL OR r.id = %(recording)s)
        AND r.state = 'in_review' AND r.moved_because = ANY(%(quality)s) AND r.updated_at + q.review_within < now()
        AND EXISTS (SELECT FROM consents WHERE recording_id = r.id)
        AND NOT EXISTS (SELECT FROM disputes WHERE recording_id = r.id AND answered_at IS NULL)
    ORDER BY r.updated_at LIMIT 500 FOR UPDATE OF r SKIP LOCKED
"""


async def overdue(connection: Connection) -> list[UUID]:
    """List what nobody looked at in the time that its quote promised, the longest first, at most 500."""
    return [row.id for row in await every(connection, _Id, OVERDUE, quality=list(QUALITY), recording=None)]


async def accept_overdue(connection: Connection, recording: UUID) -> bool:
    """Accept one that is overdue; False when somebody has looked at it since.

    It was in doubt for its quality alone, so nobody but us loses by our being late. It earns its pay here.
    """
    found = await one(connection, _Id, OVERDUE, quality=list(QUALITY), recording=recording)
    if found is not None:
        await move(connection, found.id, "accepted", by="clock", because="review-overdue")
    return found is not None

"""Validation as the database sees it: attempts, their fence, and the one transaction that decides.

An attempt takes the next number of its recording. Only the newest number can store a result, so a worker that was
thought dead and comes back changes nothing.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import Struct

from storage import reports
from storage.database import Connection, one, run
from storage.recordings import doom_chunks, move
from storage.states import State

#: Moves from here are the worker's.
WAITING = ("validating", "failed")


class Attempt(Struct, frozen=True):
    """What one attempt needs to know: the claim, the upload, the campaign's rules and its prompt. Sizes in bytes."""

    recording_id: UUID
    account_id: UUID
    number: int
    state: State
    sha256: bytes
    size_bytes: int
    upload_id: UUID
    profile: str
    rules: dict[str, Any]
    max_duration_ms: int
    prompt: str | None


class Situation(Struct, frozen=True):
    """What the decision depends on besides the report, as it stands at the moment of deciding."""

    consented: bool
    review_always: bool
    held_by_another: bool
    quota_left: bool


BEGIN = """
    UPDATE recordings r SET validation_attempt = validation_attempt + 1
    FROM uploads u, campaigns c
    WHERE r.id = %(recording)s AND r.state IN ('validating', 'failed')
        AND u.recording_id = r.id AND c.id = r.campaign_id
    RETURNING r.id AS recording_id, r.account_id, r.validation_attempt AS number, r.state, r.sha256, r.size_bytes,
              u.id AS upload_id, c.profile, c.rules, c.max_duration_ms,
              (SELECT text FROM prompts WHERE id = r.prompt_id) AS prompt
"""


async def begin(connection: Connection, recording: UUID) -> Attempt | None:
    """Take the next attempt; None when there is nothing left to validate, which is how a job run twice ends."""
    attempt = await one(connection, Attempt, BEGIN, recording=recording)
    if attempt is not None and attempt.state == "failed":
        await move(connection, recording, "validating", by="worker", because="tried-again")
    return attempt


class Fence(Struct, frozen=True):
    """The recording's campaign, when the attempt is still the newest."""

    campaign_id: UUID


FENCE = """
    SELECT campaign_id FROM recordings
    WHERE id = %(recording)s AND validation_attempt = %(number)s AND state = 'validating' FOR UPDATE
"""


async def fenced(connection: Connection, attempt: Attempt) -> bool:
    """Hold the recording for this attempt; False when another attempt took over or its owner deleted it."""
    row = await one(connection, Fence, FENCE, recording=attempt.recording_id, number=attempt.number)
    return row is not None


# Two contributors' identical bytes, and the last place of a quota, are decided one after the other.
ONE_AT_A_TIME = """
    SELECT pg_advisory_xact_lock(hashtextextended('sha256 ' || encode(sha256, 'hex'), 0)),
           pg_advisory_xact_lock(hashtextextended('campaign ' || campaign_id::text, 0))
    FROM recordings WHERE id = %(recording)s
"""
# What was withdrawn has been paid, and may have neither bytes nor fingerprints any more: its hash is all that says so.
SITUATION = """
    SELECT EXISTS (SELECT FROM consents WHERE recording_id = r.id) AS consented,
        c.review = 'always' AS review_always,
        EXISTS (SELECT FROM recordings other WHERE other.sha256 = r.sha256 AND other.account_id <> r.account_id
            AND (other.object_key IS NOT NULL OR other.state = 'withdrawn')
            AND other.state NOT IN ('deleted', 'erased')) AS held_by_another,
        place_left(r.campaign_id, r.quote_id, coalesce(r.begun_at, r.created_at)) AS quota_left
    FROM recordings r JOIN campaigns c ON c.id = r.campaign_id WHERE r.id = %(recording)s
"""


async def situation(connection: Connection, attempt: Attempt) -> Situation:
    """Look at what the decision depends on, and keep it so until the transaction ends."""
    await run(connection, ONE_AT_A_TIME, recording=attempt.recording_id)
    seen = await one(connection, Situation, SITUATION, recording=attempt.recording_id)
    return seen or Situation(consented=False, review_always=True, held_by_another=False, quota_left=False)


RESULT = """
    UPDATE recordings SET object_key = %(object_key)s, duration_ms = %(duration_ms)s WHERE id = %(recording)s
"""


# What attempts before this one stored and could not commit; one that still runs lets go of its own when it ends.
DOOM_EARLIER = """
    INSERT INTO doomed_objects (object_key)
    SELECT 'recordings/' || %(recording)s || '/' || attempt FROM generate_series(1, %(number)s - 1) AS attempt
"""


async def conclude(
    connection: Connection,
    attempt: Attempt,
    *,
    to: State,
    because: str | None,
    report: dict[str, Any],
    glimpses: bytes | None,
    object_key: str,
    duration_ms: int | None,
) -> None:
    """Write report, object and decision, and let go of the chunks, inside the fence."""
    recording = attempt.recording_id
    await reports.store(connection, recording, attempt.number, report, glimpses)
    await run(connection, RESULT, recording=recording, object_key=object_key, duration_ms=duration_ms)
    await move(connection, recording, to, by="worker", because=because)
    await doom_chunks(connection, recording)
    await run(connection, DOOM_EARLIER, recording=str(recording), number=attempt.number)


async def reject_unseen(connection: Connection, attempt: Attempt, because: str) -> None:
    """Reject bytes that were never examined, inside the fence: there is no report, and the claim can be made again."""
    await move(connection, attempt.recording_id, "rejected", by="worker", because=because)
    await doom_chunks(connection, attempt.recording_id)


async def fail(connection: Connection, attempt: Attempt) -> None:
    """Say that we could not validate it yet; the job goes on trying."""
    if await fenced(connection, attempt):
        await move(connection, attempt.recording_id, "failed", by="worker", because="our-fault")

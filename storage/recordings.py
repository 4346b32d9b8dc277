"""Recordings: moved from state to state, read, changed and deleted by their owner; `claims` makes them.

The allowed moves are rows of `recording_edges`; a trigger refuses every other move and writes an event for each that
happens, so a recording's history is complete whoever moves it. `move` is the only function here that changes a state.
"""

from __future__ import annotations

from datetime import datetime
from typing import LiteralString
from uuid import UUID

import psycopg.errors
from msgspec import UNSET, Struct, UnsetType

from storage.accruals import accrue
from storage.database import Connection, apart, every, one, run
from storage.errors import LanguageRefused, MoveRefused, PromptMissing, RecordingMissing, SlotTaken
from storage.events import Mover
from storage.states import State

#: Why a recording was rejected without a look at its content: what arrived is not what was announced or, in old rows,
#: was lost on our side. The next claim of the same bytes starts over, because a contributor who sends the right file
#: must be heard.
NOT_THE_CONTENT = ("hash-mismatch", "bytes-lost")


class Recording(Struct, frozen=True):
    """One recording as its row stands; `sha256` is 32 raw bytes, `duration_ms` is known after validation."""

    id: UUID
    account_id: UUID
    campaign_id: UUID
    prompt_id: UUID | None
    language: str | None
    title: str | None
    sha256: bytes
    size_bytes: int
    media_type: str
    state: State
    moved_because: str | None
    replaces: UUID | None
    object_key: str | None
    duration_ms: int | None
    quote_id: UUID | None
    created_at: datetime
    updated_at: datetime


COLUMNS = """
    id, account_id, campaign_id, prompt_id, language, title, sha256, size_bytes, media_type, state, moved_because,
    replaces, object_key, duration_ms, quote_id, created_at, updated_at
"""


def check_language(language: str | None, languages: list[str]) -> None:
    """Let through a language the campaign collects, in any region; raises LanguageRefused.

    A campaign without languages takes all of them, and street scenes have none.
    """
    if languages and language is not None and not any(speaks(language, wanted) for wanted in languages):
        raise LanguageRefused(languages=languages)


def speaks(language: str, wanted: str) -> bool:
    """Whether `language` is within `wanted` by RFC 4647 basic filtering: de-AT is within de, de is not within de-AT."""
    language, wanted = language.lower(), wanted.lower()
    return language == wanted or language.startswith(wanted + "-")


FIND = f"""
    SELECT {COLUMNS} FROM recordings
    WHERE id = %(recording)s AND account_id = %(account)s AND state NOT IN ('deleted', 'erased')
"""
LOCK = FIND + " FOR UPDATE"
#: Keeps others from changing it, too, but not from selling it: a sale holds a hundred thousand of them for minutes.
LOCK_WORDS = FIND + " FOR NO KEY UPDATE"


async def find(connection: Connection, account: UUID, recording: UUID) -> Recording:
    """Give the contributor's recording. Raises RecordingMissing for anybody else's too, and for a deleted one."""
    return await _own(connection, FIND, account, recording)


async def lock(connection: Connection, account: UUID, recording: UUID) -> Recording:
    """As `find`, and keep others from changing the recording until the transaction ends."""
    return await _own(connection, LOCK, account, recording)


async def _own(connection: Connection, query: LiteralString, account: UUID, recording: UUID) -> Recording:
    found = await one(connection, Recording, query, account=account, recording=recording)
    if found is None:
        raise RecordingMissing
    return found


LISTING = f"""
    SELECT {COLUMNS} FROM recordings
    WHERE account_id = %(account)s
      AND (%(before)s::uuid IS NULL OR id < %(before)s)
      AND (%(campaign)s::uuid IS NULL OR campaign_id = %(campaign)s)
      AND CASE WHEN %(state)s::text IS NULL THEN state NOT IN ('deleted', 'erased') ELSE state = %(state)s END
    ORDER BY id DESC LIMIT %(limit)s
"""


async def listing(
    connection: Connection,
    account: UUID,
    *,
    state: State | None = None,
    campaign: UUID | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[Recording]:
    """List the contributor's recordings, newest first, from the one before `before` on."""
    return await every(
        connection, Recording, LISTING, account=account, state=state, campaign=campaign, before=before, limit=limit
    )


# Locked more strongly than an update does by itself: a sale in flight only keeps its recordings where they are.
MOVE = f"""
    WITH held AS MATERIALIZED (SELECT id FROM recordings WHERE id = %(recording)s FOR UPDATE)
    UPDATE recordings SET state = %(to)s, moved_by = %(by)s, moved_because = %(because)s
    WHERE id = (SELECT id FROM held) AND state <> %(to)s
    RETURNING {COLUMNS}
"""


async def move(connection: Connection, recording: UUID, to: State, *, by: Mover, because: str | None) -> Recording:
    """Move a recording to another state, in the caller's transaction; the trigger writes the event.

    Whoever accepts it, it earns its pay in the same transaction.

    Raises MoveRefused when it cannot go there from where it is, or would be accepted without consent.
    """
    try:
        moved = await one(connection, Recording, MOVE, recording=recording, to=to, by=by, because=because)
    except psycopg.errors.CheckViolation as error:
        raise MoveRefused(to=to) from error
    if moved is None:
        raise MoveRefused(to=to)
    if to == "accepted":
        await accrue(connection, recording)
    return moved


class Details(Struct, frozen=True):
    """What a contributor may set on a recording; what is not mentioned stays."""

    title: str | UnsetType | None = UNSET
    language: str | UnsetType | None = UNSET
    prompt_id: UUID | UnsetType | None = UNSET


class Collected(Struct, frozen=True):
    """The languages a campaign collects, and whether a prompt is one of its own."""

    languages: list[str]
    has_prompt: bool


COLLECTED = """
    SELECT languages, EXISTS (SELECT FROM prompts WHERE campaign_id = %(campaign)s AND id = %(prompt)s) AS has_prompt
    FROM campaigns WHERE id = %(campaign)s
"""
CHANGE = f"""
    UPDATE recordings SET title = %(title)s, language = %(language)s, prompt_id = %(prompt)s WHERE id = %(recording)s
    RETURNING {COLUMNS}
"""
#: A prompt fixes what was asked for; after the decision it stays what it was when the decision was made.
PROMPT_FIXED = "This recording is decided: its prompt stays what it was then."
PROMPT_OPEN = ("claimed", "uploading", "validating", "failed", "needs_fix", "needs_consent", "in_review")


async def change(connection: Connection, account: UUID, recording: UUID, details: Details) -> Recording:
    """Set title, language and prompt.

    Raises RecordingMissing, PromptMissing, LanguageRefused, SlotTaken, and MoveRefused once a decision stands.
    """
    present = await _own(connection, LOCK_WORDS, account, recording)
    title = present.title if details.title is UNSET else details.title
    language = present.language if details.language is UNSET else details.language
    prompt = present.prompt_id if details.prompt_id is UNSET else details.prompt_id
    collected = await one(connection, Collected, COLLECTED, campaign=present.campaign_id, prompt=prompt)
    if collected is None or (prompt is not None and not collected.has_prompt):
        raise PromptMissing
    if language != present.language:
        check_language(language, collected.languages)
    if prompt != present.prompt_id and present.state not in PROMPT_OPEN:
        raise MoveRefused(PROMPT_FIXED, state=present.state)
    try:
        changed = await one(
            connection, Recording, CHANGE, recording=recording, title=title, language=language, prompt=prompt
        )
    except psycopg.errors.UniqueViolation as error:
        raise SlotTaken from error
    return changed or present


# An attempt of a worker that was killed may have stored an object that no row names; of `validation.keep` is the key.
DOOM_OBJECT = """
    INSERT INTO doomed_objects (object_key)
    SELECT object_key FROM recordings WHERE id = %(recording)s AND object_key IS NOT NULL
    UNION SELECT 'recordings/' || id || '/' || n FROM recordings, generate_series(1, validation_attempt) AS n
    WHERE id = %(recording)s
"""
DOOM_CHUNKS = """
    WITH gone AS (DELETE FROM upload_chunks USING uploads WHERE upload_id = uploads.id
        AND recording_id = %(recording)s RETURNING object_key)
    INSERT INTO doomed_objects (object_key) SELECT object_key FROM gone
"""


# Whoever writes to an upload holds its row first and the recording's afterwards; so does whoever ends that.
END_WRITING = """
    UPDATE uploads SET busy_token = NULL, busy_until = NULL WHERE recording_id = %(recording)s
        AND account_id = %(account)s
"""
#: Stills and the spectrogram show the recording itself; what was measured stays.
FORGET_GLIMPSES = "UPDATE reports SET glimpses = NULL WHERE recording_id = %(recording)s"


async def delete(connection: Connection, account: UUID, recording: UUID, because: str = "asked-for") -> None:
    """Delete a recording that was never accepted, with everything of it; its objects are removed soon after.

    `deletions` decides what becomes of others. Raises RecordingMissing, MoveRefused.
    """
    await run(connection, END_WRITING, account=account, recording=recording)
    await lock(connection, account, recording)
    await move(connection, recording, "deleted", by="contributor", because=because)
    await run(connection, DOOM_OBJECT, recording=recording)
    await run(connection, FORGET_GLIMPSES, recording=recording)
    await doom_chunks(connection, recording)
    await run(connection, "UPDATE recordings SET object_key = NULL WHERE id = %(recording)s", recording=recording)


async def doom_chunks(connection: Connection, recording: UUID) -> None:
    """Let go of a recording's chunks; their objects are removed soon after."""
    await run(connection, DOOM_CHUNKS, recording=recording)


EXPIRED = """
    SELECT r.id FROM uploads u JOIN recordings r ON r.id = u.recording_id
    WHERE u.completed_at IS NULL AND u.expires_at < now() AND r.state IN ('claimed', 'uploading')
    ORDER BY u.expires_at LIMIT 100 FOR UPDATE OF r SKIP LOCKED
"""


class Id(Struct, frozen=True):
    """The id of a row."""

    id: UUID


async def expire(connection: Connection) -> int:
    """Let go of claims for which nothing arrived in time, at most 100 at once; return how many."""
    expired = await every(connection, Id, EXPIRED)
    for recording in expired:
        async with apart(connection, recording.id):
            await move(connection, recording.id, "expired", by="clock", because="nothing-arrived")
            await doom_chunks(connection, recording.id)
    return len(expired)

"""Recordings: claimed before a byte is sent, moved from state to state, read by their owner.

The allowed moves are rows of `recording_edges`; a trigger refuses every other move and writes an event for each that
happens, so a recording's history is complete whoever moves it. `move` is the only function here that changes a state.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import psycopg.errors
from msgspec import UNSET, Struct, UnsetType

from storage.database import Connection, every, one, run
from storage.errors import (
    CampaignClosed,
    CampaignMissing,
    DailyBytesUsed,
    LanguageRefused,
    MediaTypeRefused,
    MoveRefused,
    PromptMissing,
    RecordingMissing,
    ReplacementRefused,
    SlotTaken,
    TooLarge,
    TooManyWaiting,
)

State = Literal[
    "claimed",
    "uploading",
    "validating",
    "failed",
    "needs_fix",
    "needs_consent",
    "in_review",
    "accepted",
    "held",
    "rejected",
    "replaced",
    "withdrawn",
    "expired",
    "deleted",
    "erased",
]
Mover = Literal["contributor", "operator", "worker", "clock"]

#: Why a recording was rejected without a look at its content: what arrived is not what was announced, or it was lost on
#: our side. The next claim of the same bytes starts over, because a contributor who sends the right file must be heard.
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
    created_at: datetime
    updated_at: datetime


class Claim(Struct, frozen=True):
    """What a contributor announces before sending a byte."""

    campaign_id: UUID
    sha256: bytes
    size_bytes: int
    media_type: str
    language: str | None = None
    prompt_id: UUID | None = None
    title: str | None = None
    replaces: UUID | None = None


class Allowance(Struct, frozen=True):
    """What the service grants one contributor: the largest file, recordings in the queue, bytes a day, time to send."""

    largest_bytes: int
    waiting: int
    daily_bytes: int
    claim_lasts: timedelta


COLUMNS = """
    id, account_id, campaign_id, prompt_id, language, title, sha256, size_bytes, media_type, state, moved_because,
    replaces, object_key, duration_ms, created_at, updated_at
"""
SAME_CONTENT = f"""
    SELECT {COLUMNS} FROM recordings
    WHERE account_id = %(account)s AND sha256 = %(sha256)s AND state NOT IN ('expired', 'deleted', 'erased')
"""
INSERT = f"""
    INSERT INTO recordings
        (account_id, campaign_id, prompt_id, language, title, sha256, size_bytes, media_type, replaces)
    VALUES (%(account)s, %(campaign)s, %(prompt)s, %(language)s, %(title)s, %(sha256)s, %(size)s, %(media_type)s,
            %(replaces)s)
    ON CONFLICT DO NOTHING
    RETURNING {COLUMNS}
"""
INSERT_UPLOAD = """
    INSERT INTO uploads (recording_id, account_id, length, expires_at)
    VALUES (%(recording)s, %(account)s, %(length)s, now() + %(lasts)s)
"""


async def claim(connection: Connection, account: UUID, wish: Claim, allowance: Allowance) -> tuple[Recording, bool]:
    """Give the recording of these bytes, and whether it is new; nothing is uploaded for one that exists.

    Every limit is checked here, before a byte is sent on a contributor's data plan. Two identical claims at once give
    one recording: the second waits for the first and finds its row. Raises what `_check` and `_make_room` raise, and
    SlotTaken when the contributor has another take for this prompt.
    """
    present = await _present(connection, account, wish.sha256)
    if present is not None:
        return present, False
    await _check(connection, account, wish, allowance)
    if wish.replaces is not None:
        await _replace(connection, account, wish, wish.replaces)
    made = await one(
        connection,
        Recording,
        INSERT,
        account=account,
        campaign=wish.campaign_id,
        prompt=wish.prompt_id,
        language=wish.language,
        title=wish.title,
        sha256=wish.sha256,
        size=wish.size_bytes,
        media_type=wish.media_type,
        replaces=wish.replaces,
    )
    if made is None:
        return await _beaten(connection, account, wish), False
    lasts = allowance.claim_lasts
    await run(connection, INSERT_UPLOAD, recording=made.id, account=account, length=made.size_bytes, lasts=lasts)
    return made, True


async def _present(connection: Connection, account: UUID, sha256: bytes) -> Recording | None:
    """Find the recording that holds these bytes already, clearing away one whose bytes never were these."""
    present = await one(connection, Recording, SAME_CONTENT, account=account, sha256=sha256)
    if present is not None and present.state == "rejected" and present.moved_because in NOT_THE_CONTENT:
        await move(connection, present.id, "deleted", by="contributor", because="claimed-again")
        return None
    return present


async def _beaten(connection: Connection, account: UUID, wish: Claim) -> Recording:
    """Explain why there is a row in the way: the same bytes claimed at the same moment, or another take in the slot."""
    present = await one(connection, Recording, SAME_CONTENT, account=account, sha256=wish.sha256)
    if present is None:
        raise SlotTaken
    return present


class CampaignLimits(Struct, frozen=True):
    """What a campaign takes, and what this contributor has used of their allowance."""

    media: str
    languages: list[str]
    max_bytes: int
    open: bool
    has_prompt: bool
    prompt_language: str | None
    waiting: int
    claimed_today: int


LIMITS = """
    SELECT c.media, c.languages, c.max_bytes,
        (c.deadline IS NULL OR c.deadline > now())
            AND (SELECT count(*) FROM recordings WHERE campaign_id = c.id AND state IN ('accepted', 'held'))
                < c.quota_recordings AS open,
        p.id IS NOT NULL AS has_prompt, p.language AS prompt_language,
        (SELECT count(*) FROM recordings
            WHERE account_id = %(account)s AND state IN ('validating', 'failed')) AS waiting,
        (SELECT coalesce(sum(size_bytes), 0)::bigint FROM recordings
            WHERE account_id = %(account)s AND created_at > now() - interval '1 day'
              AND NOT (state IN ('deleted', 'expired') AND object_key IS NULL)) AS claimed_today
    FROM campaigns c LEFT JOIN prompts p ON p.campaign_id = c.id AND p.id = %(prompt)s
    WHERE c.id = %(campaign)s
"""


async def _check(connection: Connection, account: UUID, wish: Claim, allowance: Allowance) -> None:
    """Refuse what would be refused after the upload as well.

    Raises CampaignMissing, CampaignClosed, MediaTypeRefused, TooLarge, PromptMissing, LanguageRefused, TooManyWaiting,
    DailyBytesUsed.
    """
    campaign = await one(
        connection, CampaignLimits, LIMITS, account=account, campaign=wish.campaign_id, prompt=wish.prompt_id
    )
    if campaign is None:
        raise CampaignMissing
    if not campaign.open:
        raise CampaignClosed
    if not may_hold(campaign.media, wish.media_type):
        raise MediaTypeRefused(collects=campaign.media, media_type=wish.media_type)
    largest = min(campaign.max_bytes, allowance.largest_bytes)
    if wish.size_bytes > largest:
        raise TooLarge(largest_bytes=largest, size_bytes=wish.size_bytes)
    if wish.prompt_id is not None and not campaign.has_prompt:
        raise PromptMissing
    check_language(wish.language, campaign.languages)
    if campaign.waiting >= allowance.waiting:
        raise TooManyWaiting(waiting=campaign.waiting)
    left = allowance.daily_bytes - campaign.claimed_today
    if wish.size_bytes > left:
        raise DailyBytesUsed(daily_bytes=allowance.daily_bytes, left_bytes=max(left, 0))


#: Containers that hold sound as often as pictures: phones name a voice memo `video/mp4`, browsers `video/webm`.
EITHER = frozenset({"video/mp4", "video/webm", "video/3gpp", "video/3gpp2", "application/ogg"})


def may_hold(media: str, media_type: str) -> bool:
    """Whether a file announced as `media_type` can be a recording for an `audio` or a `video` campaign.

    Only what is certainly of the other kind is refused here; the content decides later.
    """
    return media_type.startswith(f"{media}/") or (media == "audio" and media_type in EITHER)


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


async def _replace(connection: Connection, account: UUID, wish: Claim, old_id: UUID) -> None:
    """Let go of the take that the new one replaces; both are of the same prompt. Raises ReplacementRefused."""
    old = await find(connection, account, old_id)
    slot = (wish.campaign_id, wish.prompt_id)
    if old.state != "needs_fix" or (old.campaign_id, old.prompt_id) != slot:
        raise ReplacementRefused(state=old.state)
    await move(connection, old_id, "replaced", by="contributor", because="new-take")


FIND = f"""
    SELECT {COLUMNS} FROM recordings
    WHERE id = %(recording)s AND account_id = %(account)s AND state NOT IN ('deleted', 'erased')
"""
LOCK = FIND + " FOR UPDATE"


async def find(connection: Connection, account: UUID, recording: UUID) -> Recording:
    """Give the contributor's recording. Raises RecordingMissing for anybody else's too, and for a deleted one."""
    found = await one(connection, Recording, FIND, account=account, recording=recording)
    if found is None:
        raise RecordingMissing
    return found


async def lock(connection: Connection, account: UUID, recording: UUID) -> Recording:
    """As `find`, and keep others from changing the recording until the transaction ends."""
    found = await one(connection, Recording, LOCK, account=account, recording=recording)
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


MOVE = f"""
    UPDATE recordings SET state = %(to)s, moved_by = %(by)s, moved_because = %(because)s
    WHERE id = %(recording)s AND state <> %(to)s
    RETURNING {COLUMNS}
"""


async def move(connection: Connection, recording: UUID, to: State, *, by: Mover, because: str | None) -> Recording:
    """Move a recording to another state, in the caller's transaction; the trigger writes the event.

    Raises MoveRefused when it cannot go there from where it is, or would be accepted without consent.
    """
    try:
        moved = await one(connection, Recording, MOVE, recording=recording, to=to, by=by, because=because)
    except psycopg.errors.CheckViolation as error:
        raise MoveRefused(to=to) from error
    if moved is None:
        raise MoveRefused(to=to)
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
PROMPT_OPEN = ("claimed", "uploading", "validating", "failed", "needs_fix", "needs_consent", "in_review")


async def change(connection: Connection, account: UUID, recording: UUID, details: Details) -> Recording:
    """Set title, language and prompt.

    Raises RecordingMissing, PromptMissing, LanguageRefused, SlotTaken, and MoveRefused once a decision stands.
    """
    present = await lock(connection, account, recording)
    title = present.title if details.title is UNSET else details.title
    language = present.language if details.language is UNSET else details.language
    prompt = present.prompt_id if details.prompt_id is UNSET else details.prompt_id
    collected = await one(connection, Collected, COLLECTED, campaign=present.campaign_id, prompt=prompt)
    if collected is None or (prompt is not None and not collected.has_prompt):
        raise PromptMissing
    if language != present.language:
        check_language(language, collected.languages)
    if prompt != present.prompt_id and present.state not in PROMPT_OPEN:
        raise MoveRefused(state=present.state)
    try:
        changed = await one(
            connection, Recording, CHANGE, recording=recording, title=title, language=language, prompt=prompt
        )
    except psycopg.errors.UniqueViolation as error:
        raise SlotTaken from error
    return changed or present


DOOM_OBJECT = """
    INSERT INTO doomed_objects (object_key) SELECT object_key FROM recordings
    WHERE id = %(recording)s AND object_key IS NOT NULL
"""
DOOM_CHUNKS = """
    WITH gone AS (DELETE FROM upload_chunks USING uploads WHERE upload_id = uploads.id
        AND recording_id = %(recording)s RETURNING object_key)
    INSERT INTO doomed_objects (object_key) SELECT object_key FROM gone
"""


async def delete(connection: Connection, account: UUID, recording: UUID, because: str = "asked-for") -> None:
    """Delete a recording that was not sold; its objects are removed soon after.

    Raises RecordingMissing, MoveRefused.
    """
    await lock(connection, account, recording)
    await move(connection, recording, "deleted", by="contributor", because=because)
    await run(connection, DOOM_OBJECT, recording=recording)
    await doom_chunks(connection, recording)
    await run(connection, "UPDATE recordings SET object_key = NULL WHERE id = %(recording)s", recording=recording)


async def doom_chunks(connection: Connection, recording: UUID) -> None:
    """Let go of a recording's chunks; their objects are removed soon after."""
    await run(connection, DOOM_CHUNKS, recording=recording)


async def dispute(connection: Connection, account: UUID, recording: UUID, text: str) -> Recording:
    """Hand a rejected or returned recording to a person, with its owner's words. Raises RecordingMissing, MoveRefused.

    A recording whose bytes were never stored has nothing to look at.
    """
    disputed = await lock(connection, account, recording)
    if disputed.state not in ("rejected", "needs_fix") or disputed.object_key is None:
        raise MoveRefused(state=disputed.state)
    return await move(connection, recording, "in_review", by="contributor", because=text)


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
        await move(connection, recording.id, "expired", by="clock", because="nothing-arrived")
        await doom_chunks(connection, recording.id)
    return len(expired)

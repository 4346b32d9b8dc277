"""Claims: a recording is announced before a byte is sent, and every limit is checked then.

A phone on a small data plan must not send what would be refused afterwards.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from msgspec import Struct

from storage import quotes
from storage.backlog import oldest_due_s
from storage.campaigns import Status, refuse_new
from storage.database import Connection, one, run
from storage.errors import (
    CampaignMissing,
    DailyBytesUsed,
    MediaTypeRefused,
    MoveRefused,
    PromptMissing,
    QuoteUsed,
    ReplacementRefused,
    SlotTaken,
    TooLarge,
    TooManyWaiting,
    ValidationBehind,
)
from storage.recordings import COLUMNS, NOT_THE_CONTENT, Recording, check_language, find, lock, move


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
    quote_id: UUID | None = None


class Allowance(Struct, frozen=True):
    """What the service grants one contributor: the largest file, recordings in the queue, bytes a day, time to send."""

    largest_bytes: int
    waiting: int
    daily_bytes: int
    claim_lasts: timedelta
    longest_wait_s: float


SAME_CONTENT = f"""
    SELECT {COLUMNS} FROM recordings
    WHERE account_id = %(account)s AND sha256 = %(sha256)s AND state NOT IN ('expired', 'deleted', 'erased')
"""
INSERT = f"""
    INSERT INTO recordings
        (account_id, campaign_id, prompt_id, language, title, sha256, size_bytes, media_type, replaces, quote_id,
            begun_at)
    VALUES (%(account)s, %(campaign)s, %(prompt)s, %(language)s, %(title)s, %(sha256)s, %(size)s, %(media_type)s,
            %(replaces)s, %(quote)s,
            (SELECT coalesce(begun_at, created_at) FROM recordings WHERE id = %(earlier)s))
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
    one recording: the second waits for the first and finds its row. Raises what `_quote`, `_check` and `_replace`
    raise, and SlotTaken when the contributor has another take for this prompt.
    """
    present = await _present(connection, account, wish.sha256)
    if present is not None and not _spoilt(present):
        return present, False
    try:
        quote = await _admitted(connection, account, wish, allowance, present)
    except (MoveRefused, QuoteUsed, ReplacementRefused):
        # Perhaps by this very claim: a phone that heard nothing sends it again while the first one is still at work.
        present = await _present(connection, account, wish.sha256)
        if present is None:
            raise
        return present, False
    made = await _insert(connection, account, wish, quote, _earlier(wish, present))
    if made is None:
        return await _beaten(connection, account, wish), False
    if wish.quote_id is not None:
        await quotes.use(connection, wish.quote_id)
    lasts = allowance.claim_lasts
    await run(connection, INSERT_UPLOAD, recording=made.id, account=account, length=made.size_bytes, lasts=lasts)
    return made, True


async def _admitted(
    connection: Connection, account: UUID, wish: Claim, allowance: Allowance, spoilt: Recording | None
) -> UUID | None:
    """Make room for a claim that may be made, and name the quote that it is made under.

    What arrived `spoilt` under the same hash goes, and so does the take that is replaced. Raises what `_quote`,
    `_check` and `_replace` raise, and MoveRefused when the spoilt one went this moment.
    """
    if spoilt is not None:
        await move(connection, spoilt.id, "deleted", by="contributor", because="claimed-again")
    quote = await _quote(connection, account, wish, spoilt)
    await _check(connection, account, wish, allowance, quote, _earlier(wish, spoilt))
    if wish.replaces is not None:
        await _replace(connection, account, wish, wish.replaces)
    return quote


async def _insert(
    connection: Connection, account: UUID, wish: Claim, quote: UUID | None, earlier: UUID | None
) -> Recording | None:
    """Write the recording's row; None where another one is in the way."""
    return await one(
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
        quote=quote,
        earlier=earlier,
    )


def _earlier(wish: Claim, spoilt: Recording | None) -> UUID | None:
    """Name the take that the new one is another try of: it goes on, also where nothing new is taken."""
    return wish.replaces or (spoilt.id if spoilt is not None and spoilt.campaign_id == wish.campaign_id else None)


async def _quote(connection: Connection, account: UUID, wish: Claim, spoilt: Recording | None) -> UUID | None:
    """Name the quote that the claim is made under: its own, else the one of the take that it replaces.

    Whoever sends again what arrived `spoilt` does so under the quote of then: it was not their work that was used up.
    Raises QuoteMissing, QuoteUsed, QuoteExpired, and RecordingMissing for a take that is not there.
    """
    kept = None if spoilt is None or spoilt.campaign_id != wish.campaign_id else spoilt.quote_id
    if kept is not None and wish.quote_id in (None, kept):
        return kept
    if wish.quote_id is not None:
        await quotes.lock_unused(connection, account, wish.campaign_id, wish.quote_id)
        return wish.quote_id
    if wish.replaces is None:
        return None
    return (await find(connection, account, wish.replaces)).quote_id


def _spoilt(present: Recording) -> bool:
    """Whether the bytes that arrived for a recording never were the announced ones."""
    return present.state == "rejected" and present.moved_because in NOT_THE_CONTENT


async def _present(connection: Connection, account: UUID, sha256: bytes) -> Recording | None:
    """Find the recording that was announced with this hash."""
    return await one(connection, Recording, SAME_CONTENT, account=account, sha256=sha256)


async def _beaten(connection: Connection, account: UUID, wish: Claim) -> Recording:
    """Explain why there is a row in the way: the same bytes claimed at the same moment, or another take in the slot."""
    present = await _present(connection, account, wish.sha256)
    if present is None:
        raise SlotTaken
    return present


class CampaignLimits(Struct, frozen=True):
    """What a campaign takes, and what this contributor has used of their allowance."""

    media: str
    languages: list[str]
    max_bytes: int
    status: Status
    has_prompt: bool
    prompt_language: str | None
    waiting: int
    claimed_today: int


# What was let go before all of it had come counts for nothing. What came whole was stored and examined, and counts:
# whoever deleted it and sent the next would have no limit.
# Who was quoted, or has begun within a month, may finish, whether the campaign is paused or over.
LIMITS = """
    SELECT c.media, c.languages, c.max_bytes,
        coalesce(
            CASE WHEN %(quote)s::uuid IS NULL AND coalesce(old.begun_at, old.created_at) > now() - interval '30 days'
                IS NOT TRUE THEN campaign_stop(c.standing, c.deadline) END,
            CASE WHEN place_left(c.id, %(quote)s, coalesce(old.begun_at, old.created_at)) THEN 'open' ELSE 'full' END
        ) AS status,
        p.id IS NOT NULL AS has_prompt, p.language AS prompt_language,
        (SELECT count(*) FROM recordings
            WHERE account_id = %(account)s AND state IN ('validating', 'failed')) AS waiting,
        (SELECT coalesce(sum(size_bytes), 0)::bigint FROM recordings
            WHERE account_id = %(account)s AND created_at > now() - interval '1 day'
              AND (state NOT IN ('deleted', 'expired') OR EXISTS (SELECT FROM uploads
                  WHERE recording_id = recordings.id AND completed_at IS NOT NULL))) AS claimed_today
    FROM campaigns c LEFT JOIN prompts p ON p.campaign_id = c.id AND p.id = %(prompt)s
        LEFT JOIN recordings old ON old.id = %(earlier)s AND old.account_id = %(account)s AND old.campaign_id = c.id
    WHERE c.id = %(campaign)s
"""


async def _check(
    connection: Connection,
    account: UUID,
    wish: Claim,
    allowance: Allowance,
    quote: UUID | None,
    earlier: UUID | None,
) -> None:
    """Refuse what would be refused after the upload as well; who was quoted, or had begun before, is in time.

    Raises CampaignMissing, CampaignClosed, CampaignPaused, MediaTypeRefused, TooLarge, PromptMissing, LanguageRefused,
    TooManyWaiting, DailyBytesUsed, and ValidationBehind while recordings wait longer for their report than the service
    stands for.
    """
    if await oldest_due_s(connection) > allowance.longest_wait_s:
        raise ValidationBehind
    campaign = await one(
        connection,
        CampaignLimits,
        LIMITS,
        account=account,
        campaign=wish.campaign_id,
        prompt=wish.prompt_id,
        quote=quote,
        earlier=earlier,
    )
    if campaign is None:
        raise CampaignMissing
    refuse_new(campaign.status)
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


async def _replace(connection: Connection, account: UUID, wish: Claim, old_id: UUID) -> None:
    """Let go of the take that the new one replaces; both are of the same prompt. Raises ReplacementRefused."""
    old = await lock(connection, account, old_id)
    slot = (wish.campaign_id, wish.prompt_id)
    if old.state != "needs_fix" or (old.campaign_id, old.prompt_id) != slot:
        raise ReplacementRefused(state=old.state)
    await move(connection, old_id, "replaced", by="contributor", because="new-take")

"""Campaigns: what is being collected, for how much, under which terms."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct
from psycopg.types.json import Jsonb

from storage import buyers
from storage.database import Connection, every, one, run
from storage.errors import BuyerRefused, CampaignClosed, CampaignMissing, CampaignPaused, TermsTooSoon
from storage.rates import check_promise

Media = Literal["audio", "video"]
#: What the operator decided; a closed campaign stays closed.
Standing = Literal["open", "paused", "closed"]
#: What a contributor meets: `ended` is past its deadline, and `full` has no place left.
Status = Literal["open", "paused", "full", "ended", "closed"]


class Campaign(Struct, frozen=True):
    """One campaign's row, with what is derived from others.

    `rate_micros` (1e-6 of the currency's unit) is paid for every `rate_per_ms` of accepted recording. `remaining` tells
    how many recordings may still be accepted, without the places that quotes keep; `status` looks at the deadline as
    well. `rules` maps a check's name to what this campaign sets differently from its capture profile.
    """

    id: UUID
    slug: str
    title: str
    brief: str
    media: Media
    languages: list[str]
    profile: str
    rules: dict[str, Any]
    max_bytes: int
    max_duration_ms: int
    review: Literal["automatic", "always"]
    rate_currency: str
    rate_micros: int
    rate_per_ms: int
    quota_recordings: int
    remaining: int
    status: Status
    standing: Standing
    deadline: datetime | None
    term_sheet_id: str
    term_sheet_version: int
    term_sheet_sha256: bytes
    purpose: str | None
    buyer_name: str | None
    buyer_country: str | None
    buyer_sector: str | None


class Prompt(Struct, frozen=True):
    """What to say or to film, and in which language; each prompt takes one recording of each contributor."""

    id: UUID
    language: str | None
    text: str


SELECT = """
    SELECT c.id, c.slug, c.title, c.brief, c.media, c.languages, c.profile, c.rules, c.max_bytes, c.max_duration_ms,
        c.review, c.rate_currency, c.rate_micros, c.rate_per_ms, c.quota_recordings, c.deadline,
        c.standing, c.term_sheet_id, c.term_sheet_version, s.sha256 AS term_sheet_sha256,
        c.purpose, b.legal_name AS buyer_name, b.country AS buyer_country, b.sector AS buyer_sector,
        greatest(c.quota_recordings - taken.places, 0)::int AS remaining,
        coalesce(campaign_stop(c.standing, c.deadline),
            CASE WHEN c.quota_recordings > taken.places THEN 'open' ELSE 'full' END) AS status
    FROM campaigns c
    JOIN term_sheets s ON s.id = c.term_sheet_id AND s.version = c.term_sheet_version
    LEFT JOIN buyers b ON b.id = c.buyer_id
    CROSS JOIN LATERAL (SELECT places_taken(c.id, NULL) AS places) taken
"""


async def find(connection: Connection, campaign: UUID) -> Campaign:
    """Read one campaign. Raises CampaignMissing."""
    found = await one(connection, Campaign, SELECT + "WHERE c.id = %(campaign)s", campaign=campaign)
    if found is None:
        raise CampaignMissing
    return found


def refuse_new(status: Status) -> None:
    """Let through what a campaign takes that is open. Raises CampaignPaused, CampaignClosed."""
    if status == "paused":
        raise CampaignPaused
    if status != "open":
        raise CampaignClosed(campaign_status=status)


LISTING = f"""
    SELECT * FROM ({SELECT}
        WHERE (%(media)s::text IS NULL OR c.media = %(media)s)
          AND (%(language)s::text IS NULL OR c.languages = '{{}}' OR EXISTS (
              SELECT FROM unnest(c.languages) AS spoken
              WHERE lower(%(language)s) IN (lower(spoken), lower(split_part(spoken, '-', 1)))))
          AND (%(after)s::uuid IS NULL OR c.id < %(after)s)) AS listed
    WHERE %(status)s::text IS NULL OR status = %(status)s
    ORDER BY id DESC LIMIT %(limit)s
"""


async def listing(
    connection: Connection,
    *,
    media: Media | None,
    language: str | None,
    status: Status | None = None,
    after: UUID | None,
    limit: int,
) -> list[Campaign]:
    """List campaigns, newest first, from the one after `after`.

    A campaign without languages takes any. `en` finds a campaign in `en-GB`, because whoever asks for a language means
    every way to speak it.
    """
    wanted = {"media": media, "language": language, "status": status, "after": after, "limit": limit}
    return await every(connection, Campaign, LISTING, **wanted)


async def prompts(connection: Connection, campaign: UUID) -> list[Prompt]:
    """Read a campaign's prompts in their order, at most 1,000."""
    return await every(
        connection,
        Prompt,
        "SELECT id, language, text FROM prompts WHERE campaign_id = %(campaign)s ORDER BY position LIMIT 1000",
        campaign=campaign,
    )


class Draft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A campaign as its operator writes it; prompts are pairs of language and text, in their order.

    `purpose` is a sentence that contributors read, `buyer` the one in the register that asked for it, if one did.
    """

    slug: str
    title: str
    brief: str
    media: Media
    languages: list[str]
    profile: str
    rules: dict[str, Any]
    max_bytes: int
    max_duration_ms: int
    review: Literal["automatic", "always"] = "automatic"
    rate_currency: str
    rate_micros: int
    rate_per_ms: int
    quota_recordings: int
    deadline: datetime | None = None
    term_sheet_id: str
    term_sheet_version: int
    prompts: list[tuple[str | None, str]]
    purpose: Annotated[str, Meta(min_length=1, max_length=500)] | None = None
    buyer: UUID | None = None


class _Id(Struct, frozen=True):
    id: UUID


async def open_campaign(connection: Connection, draft: Draft) -> UUID | None:
    """Write a campaign and its prompts; None, and no change, when one of that slug exists.

    Raises TermSheetMissing, RateBelowTerms for one that would pay less than its own card says, and BuyerMissing or
    BuyerRefused for a buyer that could be sold nothing.
    """
    if draft.buyer is not None and (buyer := await buyers.find(connection, draft.buyer)).screening != "cleared":
        raise BuyerRefused(screening=buyer.screening, because=buyer.screening_because)
    sheet, version = draft.term_sheet_id, draft.term_sheet_version
    await check_promise(connection, sheet, version, draft.rate_currency, draft.rate_micros, draft.rate_per_ms)
    made = await one(
        connection,
        _Id,
        """
        INSERT INTO campaigns (slug, title, brief, media, languages, profile, rules, max_bytes, max_duration_ms, review,
            rate_currency, rate_micros, rate_per_ms, quota_recordings, deadline, term_sheet_id, term_sheet_version,
            purpose, buyer_id)
        VALUES (%(slug)s, %(title)s, %(brief)s, %(media)s, %(languages)s, %(profile)s, %(rules)s, %(max_bytes)s,
            %(max_duration_ms)s, %(review)s, %(rate_currency)s, %(rate_micros)s, %(rate_per_ms)s, %(quota_recordings)s,
            %(deadline)s, %(term_sheet_id)s, %(term_sheet_version)s, %(purpose)s, %(buyer)s)
        ON CONFLICT (slug) DO NOTHING RETURNING id
        """,
        **{name: getattr(draft, name) for name in Draft.__struct_fields__ if name not in {"rules", "prompts"}},
        rules=Jsonb(draft.rules),
    )
    if made is None:
        return None
    for position, (language, text) in enumerate(draft.prompts):
        await run(
            connection,
            """
            INSERT INTO prompts (campaign_id, position, language, text)
            VALUES (%(campaign)s, %(position)s, %(language)s, %(text)s)
            """,
            campaign=made.id,
            position=position,
            language=language,
            text=text,
        )
    return made.id


class _Possible(Struct, frozen=True):
    since: datetime
    now: datetime


# Contributors hear of a version when it is published, and were promised to hear so long before it counts.
POSSIBLE = """
    SELECT CASE WHEN EXISTS (SELECT FROM consents g JOIN recordings r ON r.id = g.recording_id
            WHERE r.campaign_id = c.id AND g.term_sheet_id = c.term_sheet_id)
        THEN new.published_at + coalesce(old.document #>> '{changes,notice}', 'P0D')::interval
        ELSE new.published_at END AS since, now() AS now
    FROM campaigns c
    JOIN term_sheets old ON old.id = c.term_sheet_id AND old.version = c.term_sheet_version
    JOIN term_sheets new ON new.id = %(sheet)s AND new.version = %(version)s
    WHERE c.id = %(campaign)s
"""
CHANGE_TERMS = """
    UPDATE campaigns SET term_sheet_id = %(sheet)s, term_sheet_version = %(version)s WHERE id = %(campaign)s
"""


async def change_terms(connection: Connection, campaign: UUID, sheet: str, version: int) -> None:
    """Offer what is claimed from now on under another sheet or version; quotes and consents keep theirs.

    Raises CampaignMissing, TermSheetMissing, RateBelowTerms, and TermsTooSoon until the notice is over that the present
    sheet promises to those who gave a recording under it.
    """
    row = await find(connection, campaign)
    await check_promise(connection, sheet, version, row.rate_currency, row.rate_micros, row.rate_per_ms)
    possible = await one(connection, _Possible, POSSIBLE, campaign=campaign, sheet=sheet, version=version)
    if possible is not None and possible.since > possible.now:
        raise TermsTooSoon(possible_from=f"{possible.since:%Y-%m-%d}")
    await run(connection, CHANGE_TERMS, campaign=campaign, sheet=sheet, version=version)

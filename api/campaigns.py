"""Campaigns: what is being collected, what it pays, and by which rules a recording is judged. Readable by anybody."""

from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath, QueryParameter
from msgspec import Meta, Struct

from api.conditional import PUBLIC
from api.dependencies import Database
from api.errors import CursorInvalid
from api.explanation_texts import language_of
from api.localised import locale_of, localised
from api.money import HOUR_MS, hourly
from api.pages import Cursor, Limit, Page, page, position_of
from api.problems import problems
from api.term_sheets import TermSheetReference, reference_to
from api.track_records import TrackRecord, track_record_of
from capture_validation.capacity import CAPACITY, Capacity
from capture_validation.profile import CaptureProfile, CaptureRule, capture_profile, override, profile
from capture_validation.texts import LOCALES
from storage import campaign_changes, campaigns, track_records
from storage.campaign_changes import Change
from storage.campaigns import Campaign as Row
from storage.campaigns import Draft, Media, Prompt, Standing, Status
from storage.database import Connection, reading, transaction
from storage.errors import CampaignMissing
from storage.quotes import Offer
from storage.track_records import TrackRecord as Experience


class Rate(Struct, frozen=True):
    """What is paid: `micros` (1e-6 of the currency's unit) for every `per_ms` milliseconds of accepted recording."""

    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z", examples=["EUR"])]
    micros: Annotated[int, Meta(ge=0, examples=[12_000_000])]
    per_ms: Annotated[int, Meta(gt=0, examples=[HOUR_MS])]
    display: Annotated[str, Meta(examples=["€12.00 per hour"])]


class Quota(Struct, frozen=True):
    """How many recordings the campaign takes in all, and how many it still takes."""

    recordings: Annotated[int, Meta(ge=0, examples=[5000])]
    remaining: Annotated[int, Meta(ge=0, examples=[4871])]


class CampaignState(Struct, frozen=True):
    """What an operator may change of a campaign, as it stood at some moment."""

    standing: Standing
    quota_recordings: Annotated[int, Meta(ge=0, examples=[5000])]
    deadline: datetime | None


class CampaignChange(Struct, frozen=True):
    """A change by the campaign's operator, with its reason; it counts for what was announced after it."""

    id: UUID
    at: datetime
    because: Annotated[str, Meta(examples=["The buyer has enough hours."])]
    before: CampaignState
    after: CampaignState


class CampaignBuyer(Struct, frozen=True):
    """The company that asked for the recordings of a campaign."""

    name: Annotated[str, Meta(examples=["Harbour Speech GmbH"])]
    country: Annotated[str, Meta(examples=["DE"])]
    sector: Annotated[str, Meta(examples=["speech_technology"])]


class CampaignEntry(Struct, frozen=True):
    """A campaign in the list."""

    id: UUID
    title: Annotated[str, Meta(examples=["Read twelve sentences"])]
    media: Media
    languages: Annotated[list[str], Meta(examples=[["en", "de", "es"]])]
    rate: Rate
    quota: Quota
    status: Annotated[
        Status,
        Meta(
            description=(
                "Whether it takes something new: `open`; `paused` for now by its operator; `full`, every place is "
                "given away; `ended`, its deadline is over; `closed` early, for good. What you have announced, and a "
                "quote that you hold, go on in all of them."
            )
        ),
    ]
    open: Annotated[bool, Meta(description="Whether `status` is `open`.")]
    deadline: datetime | None
    url: Annotated[str, Meta(examples=["/v1/campaigns/0198c2f4-6a51-7c3e-9d1b-5f3f0a1c2b3d"])]


class Campaign(CampaignEntry, frozen=True):
    """Everything a contributor decides by before recording; `rules` are the capture profile with this campaign's own.

    With `review` `always` a person looks at every recording; with `automatic`, only at the ones that leave a doubt.
    `track_record` tells how it went for others, and is null until there is enough to tell.
    """

    brief: Annotated[str, Meta(examples=["Read each sentence aloud once, in a quiet room."])]
    purpose: Annotated[
        str | None,
        Meta(description="What it is for, in words.", examples=["Dictation that doctors can use in small languages."]),
    ]
    buyer: Annotated[
        CampaignBuyer | None,
        Meta(
            description=(
                "Who asked for it; null where nobody in particular did. Others may buy as well, as the terms say: you "
                "learn each of them with its sale, and may refuse companies (`/v1/me/refused-companies`)."
            )
        ),
    ]
    prompts: list[Prompt]
    max_bytes: Annotated[int, Meta(gt=0, examples=[50_000_000])]
    max_duration_ms: Annotated[int, Meta(gt=0, examples=[60_000])]
    review: Literal["automatic", "always"]
    term_sheet: TermSheetReference
    rules: tuple[CaptureRule, ...]
    changes: Annotated[list[CampaignChange], Meta(description="The newest 50 changes, the newest first.")]
    capture_profile_url: Annotated[
        str, Meta(examples=["/v1/campaigns/0198c2f4-6a51-7c3e-9d1b-5f3f0a1c2b3d/capture-profile"])
    ]
    track_record: TrackRecord | None


def rate_of(row: Row | Offer, locale: str = "en") -> Rate:
    """Write the rate for a reader of `locale`."""
    display = hourly(row.rate_currency, row.rate_micros, row.rate_per_ms, locale)
    return Rate(row.rate_currency, row.rate_micros, row.rate_per_ms, display)


def rules_of(row: Row, locale: str = "en") -> CaptureProfile:
    """Resolve the campaign's profile, its own rules and its own limits on the file, for a reader of `locale`."""
    rules = msgspec.json.encode(row.rules)
    return _resolved(row.profile, rules, row.media, row.max_bytes, row.max_duration_ms, language_of(locale))


def check_rules(draft: Draft) -> CaptureProfile:
    """Resolve the rules of a campaign that is not open yet. Raises UnknownProfile, InvalidRule."""
    rules = msgspec.json.encode(draft.rules)
    return _resolved(draft.profile, rules, draft.media, draft.max_bytes, draft.max_duration_ms, LOCALES[0])


@lru_cache(maxsize=256)
def _resolved(
    name: str, rules: bytes, media: Media, max_bytes: int, max_duration_ms: int, language: str
) -> CaptureProfile:
    capacity = narrowed(media, max_bytes, max_duration_ms)
    return capture_profile(override(profile(name), msgspec.json.decode(rules)), capacity, language)


def narrowed(media: Media, max_bytes: int, max_duration_ms: int) -> Capacity:
    """Lower the library's capacity to the campaign's; it is never raised."""
    seconds = max_duration_ms / 1000
    if media == "audio":
        return msgspec.structs.replace(
            CAPACITY,
            audio_bytes=min(CAPACITY.audio_bytes, max_bytes),
            audio_duration_s=min(CAPACITY.audio_duration_s, seconds),
        )
    return msgspec.structs.replace(
        CAPACITY,
        video_bytes=min(CAPACITY.video_bytes, max_bytes),
        video_duration_s=min(CAPACITY.video_duration_s, seconds),
    )


def entry_of(row: Row, locale: str = "en") -> CampaignEntry:
    """Show a row in the list to a reader of `locale`."""
    return CampaignEntry(
        id=row.id,
        title=row.title,
        media=row.media,
        languages=row.languages,
        rate=rate_of(row, locale),
        quota=Quota(row.quota_recordings, row.remaining),
        status=row.status,
        open=row.status == "open",
        deadline=row.deadline,
        url=f"/v1/campaigns/{row.id}",
    )


def change_of(row: Change) -> CampaignChange:
    """Show a change."""
    before = CampaignState(row.standing_before, row.quota_before, row.deadline_before)
    return CampaignChange(row.id, row.at, row.because, before, CampaignState(row.standing, row.quota, row.deadline))


async def shown(connection: Connection, campaign: UUID, locale: str = "en") -> Campaign:
    """Show a campaign in full to a reader of `locale`. Raises CampaignMissing."""
    row = await campaigns.find(connection, campaign)
    prompts = await campaigns.prompts(connection, campaign)
    changes = await campaign_changes.listing(connection, campaign)
    return campaign_of(row, prompts, changes, await track_records.of_campaign(connection, campaign), locale)


def buyer_of(row: Row) -> CampaignBuyer | None:
    """Name the buyer that asked for a campaign."""
    if row.buyer_name is None or row.buyer_country is None or row.buyer_sector is None:
        return None
    return CampaignBuyer(row.buyer_name, row.buyer_country, row.buyer_sector)


def campaign_of(
    row: Row, prompts: list[Prompt], changes: list[Change], experience: Experience | None, locale: str
) -> Campaign:
    """Put a row and what belongs to it together."""
    return Campaign(
        **msgspec.structs.asdict(entry_of(row, locale)),
        brief=row.brief,
        purpose=row.purpose,
        buyer=buyer_of(row),
        prompts=prompts,
        max_bytes=row.max_bytes,
        max_duration_ms=row.max_duration_ms,
        review=row.review,
        term_sheet=reference_to(row.term_sheet_id, row.term_sheet_version, row.term_sheet_sha256),
        rules=rules_of(row, locale).rules,
        changes=[change_of(change) for change in changes],
        capture_profile_url=f"/v1/campaigns/{row.id}/capture-profile",
        track_record=track_record_of(experience, row.rate_currency, locale) if experience else None,
    )


@get("/v1/campaigns", opt={"public": True}, responses=problems(CursorInvalid, public=True), tags=["Campaigns"])
async def list_campaigns(
    request: Request[Any, Any, Any],
    database: Database,
    media: Annotated[Media | None, QueryParameter(description="Only campaigns for sound, or for pictures.")] = None,
    language: Annotated[
        str | None, QueryParameter(max_length=35, description="Only campaigns in this language (BCP 47).")
    ] = None,
    status: Annotated[
        Status | None, QueryParameter(description="Only campaigns that stand so; `open` ones take recordings now.")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response[Page[CampaignEntry]]:
    """List campaigns, newest first; closed ones stay readable and say so."""
    async with reading(database) as connection:
        rows = await campaigns.listing(
            connection, media=media, language=language, status=status, after=position_of(cursor), limit=limit + 1
        )
    locale = locale_of(request)
    shown = page([entry_of(row, locale) for row in rows], limit, lambda entry: entry.id)
    return localised(request, shown, locale, PUBLIC)


@get(
    "/v1/campaigns/{campaign:uuid}",
    opt={"public": True},
    responses=problems(CampaignMissing, public=True),
    tags=["Campaigns"],
)
async def read_campaign(
    request: Request[Any, Any, Any], campaign: FromPath[UUID], database: Database
) -> Response[Campaign]:
    """Read a campaign: what for and for whom, brief, prompts, rules, rate, terms, and how it went for others before."""
    locale = locale_of(request)
    async with transaction(database) as connection:
        found = await shown(connection, campaign, locale)
    return localised(request, found, locale, PUBLIC)


@get(
    "/v1/campaigns/{campaign:uuid}/capture-profile",
    opt={"public": True},
    responses=problems(CampaignMissing, public=True),
    tags=["Campaigns"],
)
async def read_capture_profile(
    request: Request[Any, Any, Any], campaign: FromPath[UUID], database: Database
) -> Response[CaptureProfile]:
    """Read the rules of a campaign as data, so that an app can warn before a byte is sent, in the reader's language."""
    async with reading(database) as connection:
        row = await campaigns.find(connection, campaign)
    locale = locale_of(request)
    return localised(request, rules_of(row, locale), locale, PUBLIC)


handlers = [list_campaigns, read_campaign, read_capture_profile]

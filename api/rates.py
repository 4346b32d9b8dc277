"""Rates: what campaigns pay and paid, and what one example recording would earn. Readable by anybody."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath, QueryParameter
from msgspec import Meta, Struct

from api.conditional import PUBLIC
from api.dependencies import Database
from api.errors import CursorInvalid
from api.explanations import ExplainedStep, explained
from api.localised import locale_of, localised
from api.money import HOUR_MS, Money, money
from api.pages import Cursor, Limit, Page, page, position_of
from api.problems import problems
from storage import rates
from storage.campaigns import Media
from storage.database import reading
from storage.errors import CampaignMissing, LanguageRefused
from storage.ledger.amounts import half_even
from storage.rates import Rate, Terms
from storage.recordings import check_language
from storage.steps import Fee, Sheet, Tax, for_accepting
from storage.steps import Rate as PaidRate


class RateVersion(Struct, frozen=True):
    """What a campaign pays, or paid until `until`: `micros` for every `per_ms` milliseconds that are accepted."""

    id: UUID
    campaign: UUID
    title: Annotated[str, Meta(examples=["Read twelve sentences"])]
    media: Media
    languages: Annotated[list[str], Meta(examples=[["en", "de", "es"]])]
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z", examples=["EUR"])]
    micros: Annotated[int, Meta(ge=0, examples=[12_000_000])]
    per_ms: Annotated[int, Meta(gt=0, examples=[HOUR_MS])]
    per_hour: Money
    since: datetime
    until: datetime | None
    because: Annotated[str | None, Meta(description="Why it changed.", examples=["The buyer asked for more hours."])]
    term_sheet_url: Annotated[str, Meta(examples=["/v1/term-sheets/voice-standard/versions/1"])]


class Estimate(Struct, frozen=True):
    """What one accepted recording of a length would earn today, step by step; it binds nobody. A quote does."""

    campaign: UUID
    duration_ms: Annotated[int, Meta(gt=0, examples=[12_000])]
    net: Money
    steps: list[ExplainedStep]
    hold: Annotated[str, Meta(description="How long it stays pending (ISO 8601).", examples=["P7D"])]
    binding: Annotated[bool, Meta(description="Always false: ask for a quote to have it promised.")] = False


def view(rate: Rate, locale: str) -> RateVersion:
    """Show a version of a rate to a reader of `locale`."""
    return RateVersion(
        id=rate.id,
        campaign=rate.campaign_id,
        title=rate.campaign_title,
        media=rate.media,
        languages=rate.languages,
        currency=rate.currency,
        micros=rate.micros,
        per_ms=rate.per_ms,
        per_hour=money(rate.currency, half_even(rate.micros * HOUR_MS, rate.per_ms), locale),
        since=rate.since,
        until=rate.until,
        because=rate.because,
        term_sheet_url=f"/v1/term-sheets/{rate.term_sheet_id}/versions/{rate.term_sheet_version}",
    )


@get("/v1/rates", opt={"public": True}, responses=problems(CursorInvalid, public=True), tags=["Campaigns"])
async def list_rates(
    request: Request[Any, Any, Any],
    database: Database,
    media: Annotated[Media | None, QueryParameter(description="Only campaigns for sound, or for pictures.")] = None,
    language: Annotated[
        str | None, QueryParameter(max_length=35, description="Only campaigns in this language (BCP 47).")
    ] = None,
    territory: Annotated[
        str | None,
        QueryParameter(pattern=r"^[A-Z]{2}\Z", description="Only where recordings are licensed for this country."),
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response[Page[RateVersion]]:
    """List what campaigns pay and what they paid before, the newest change first, each with its reason."""
    locale = locale_of(request)
    async with reading(database) as connection:
        rows = await rates.listing(
            connection,
            media=media,
            language=language,
            territory=territory,
            before=position_of(cursor),
            limit=limit + 1,
        )
    shown = page([view(row, locale) for row in rows], limit, lambda version: version.id)
    return localised(request, shown, locale, PUBLIC)


def estimated(campaign: UUID, terms: Terms, duration_ms: int, locale: str) -> Estimate:
    """Work out what an example recording would earn."""
    worked = for_accepting(
        PaidRate(terms.micros, terms.per_ms, None),
        duration_ms,
        (),
        msgspec.convert(terms.fees, list[Fee]),
        Tax(0, "before-tax"),
        Sheet(terms.term_sheet_id, terms.term_sheet_version),
    )
    steps = explained(worked.steps, terms.currency, locale, estimate=True)
    return Estimate(campaign, duration_ms, money(terms.currency, worked.net, locale), steps, terms.hold)


@get(
    "/v1/campaigns/{campaign:uuid}/estimate",
    opt={"public": True},
    responses=problems(CampaignMissing, LanguageRefused, public=True),
    tags=["Campaigns"],
)
async def estimate(
    request: Request[Any, Any, Any],
    campaign: FromPath[UUID],
    database: Database,
    duration: Annotated[
        timedelta | None,
        QueryParameter(description="How long the recording would be (ISO 8601, such as PT12S); a minute by default."),
    ] = None,
    language: Annotated[
        str | None, QueryParameter(max_length=35, description="Refused when the campaign does not collect it.")
    ] = None,
) -> Response[Estimate]:
    """See what one example recording would earn, before tax, with every step."""
    locale = locale_of(request)
    async with reading(database) as connection:
        terms = await rates.terms(connection, campaign)
    check_language(language, terms.languages)
    asked = timedelta(minutes=1) if duration is None else duration
    duration_ms = min(max(round(asked.total_seconds() * 1000), 1), terms.max_duration_ms)
    return localised(request, estimated(campaign, terms, duration_ms, locale), locale, PUBLIC)


handlers = [list_rates, estimate]

"""Quotes: a signed offer before recording, so that nobody works for a price or under terms that change meanwhile."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath
from msgspec import Meta, Struct

from api.campaigns import Rate, rate_of
from api.dependencies import Caller, Configuration, Database, Signing
from api.errors import CursorInvalid
from api.localised import locale_of
from api.pages import Cursor, Limit, Page, page, position_of
from api.problems import problems
from api.signing import sign
from api.term_sheets import TermSheetReference, reference_to
from storage import quotes
from storage.database import transaction
from storage.errors import CampaignClosed, CampaignMissing, CampaignPaused, TooManyQuotes
from storage.quotes import Offer, Quote

TYP = "quote+jws"


class Offered(Struct, frozen=True):
    """What is promised, as it is signed: rate, review time, who may buy, for how long, and what never happens."""

    id: UUID
    campaign: UUID
    contributor: UUID
    rate: Rate
    review_within: Annotated[
        timedelta,
        Meta(
            description=(
                "How long a person takes at most where one has to look (ISO 8601). Where only quality was in doubt and "
                "nobody has, the recording is accepted and paid."
            ),
            examples=["PT72H"],
        ),
    ]
    term_sheet: TermSheetReference
    buyers: Annotated[
        dict[str, Any],
        Meta(
            description="Who may buy, as the term sheet says it.",
            examples=[{"disclosure": "named_at_sale", "excluded_sectors": ["surveillance", "military"]}],
        ),
    ]
    term: Annotated[
        dict[str, Any],
        Meta(description="How long they may use it.", examples=[{"duration": "P5Y", "starts": "acceptance"}]),
    ]
    prohibited_uses: Annotated[list[str], Meta(examples=[["voice_cloning", "speaker_recognition"]])]
    created_at: datetime
    expires_at: datetime


class QuoteView(Offered, frozen=True):
    """A quote with its signature; name it as `quote` when the recording is announced."""

    used_at: datetime | None
    jws: Annotated[
        str,
        Meta(
            description="The offer as a compact JWS, to keep; the keys are at /.well-known/jwks.json.",
            examples=["eyJhbGciOiJFZDI1NTE5In0.eyJpZCI6IjAxOThjMmY0In0.c2lnbmF0dXJl"],
        ),
    ]


def offered(offer: Offer, locale: str) -> Offered:
    """Put the campaign's offer and the parts of its term sheet that a contributor decides by into one document.

    What the rate is called is signed as it was read, in the language of whoever asked.
    """
    sheet = offer.sheet
    return Offered(
        id=offer.id,
        campaign=offer.campaign_id,
        contributor=offer.account_id,
        rate=rate_of(offer, locale),
        review_within=offer.review_within,
        term_sheet=reference_to(offer.term_sheet_id, offer.term_sheet_version, offer.term_sheet_sha256),
        buyers=sheet["parties"].get("buyers", {}),
        term=sheet["term"],
        prohibited_uses=[use["code"] for use in sheet["uses"] if use["stance"] == "prohibited"],
        created_at=offer.created_at,
        expires_at=offer.expires_at,
    )


def view(quote: Quote) -> QuoteView:
    """Show what was signed: there is no second copy that could say something else."""
    payload = quote.jws.split(".")[1]
    signed = msgspec.json.decode(urlsafe_b64decode(payload + "=="), type=Offered)
    return QuoteView(**msgspec.structs.asdict(signed), used_at=quote.used_at, jws=quote.jws)


@post(
    "/v1/campaigns/{campaign:uuid}/quotes",
    responses=problems(CampaignMissing, CampaignClosed, CampaignPaused, TooManyQuotes),
    tags=["Quotes"],
)
async def ask_for_quote(
    request: Request[Any, Any, Any],
    campaign: FromPath[UUID],
    account: Caller,
    database: Database,
    signing: Signing,
    settings: Configuration,
) -> Response[QuoteView]:
    """Get a binding offer for one recording.

    It keeps a place of the campaign until it expires, or, once it is used, until that recording is decided. What the
    campaign changes afterwards (rate, terms, size) does not touch it.
    """
    signer = await signing.signer()
    lasts, review_within = timedelta(hours=settings.quote_hours), timedelta(hours=settings.review_hours)
    async with transaction(database) as connection:
        offer = await quotes.prepare(connection, account.id, campaign, lasts=lasts, review_within=review_within)
        jws = sign(signer, msgspec.to_builtins(offered(offer, locale_of(request))), typ=TYP)
        quote = await quotes.keep(connection, offer, jws)
    return Response(view(quote), status_code=201, headers={"Cache-Control": "no-store"})


@get("/v1/quotes", responses=problems(CursorInvalid), tags=["Quotes"])
async def list_quotes(account: Caller, database: Database, cursor: Cursor = None, limit: Limit = 50) -> Page[QuoteView]:
    """List your quotes, newest first: the ones to use, the used ones, and the ones that expired."""
    async with transaction(database) as connection:
        found = await quotes.listing(connection, account.id, before=position_of(cursor), limit=limit + 1)
    return page([view(quote) for quote in found], limit, lambda shown: shown.id)


handlers = [ask_for_quote, list_quotes]

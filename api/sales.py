"""Sales: operators licence recordings to buyers, and each contributor sees who uses what is theirs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from api.buyers import OPERATOR
from api.conditional import PRIVATE, conditional
from api.dependencies import Caller, Database
from api.errors import AnswerLost
from api.idempotency import bind
from api.localised import locale_of
from api.money import Money, money
from api.pages import Cursor, Limit, Page, page, position_of
from api.problems import problems
from storage import recordings, sales
from storage.database import reading, transaction
from storage.errors import (
    BuyerMissing,
    BuyerRefused,
    DatasetMissing,
    LicenceOver,
    NotForSale,
    RecordingMissing,
    SaleMissing,
)
from storage.ledger.errors import CurrencyUnknown
from storage.operator_actions import acting
from storage.sales import Sale

UseCode = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,62}\Z", examples=["asr_training"])]


class NewSale(Struct, frozen=True):
    """What a buyer gets and pays; `price_micros` is for the whole version and is divided by length."""

    buyer: UUID
    dataset: UUID
    version: Annotated[int, Meta(ge=1, examples=[1])]
    uses: Annotated[list[UseCode], Meta(min_length=1, max_length=50, examples=[["asr_training"]])]
    purpose: Annotated[
        str, Meta(min_length=1, max_length=1000, examples=["Speech recognition for hospital documentation."])
    ]
    ends_at: Annotated[datetime, Meta(tz=True, examples=["2030-12-31T23:59:59Z"])]
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z", examples=["EUR"])]
    price_micros: Annotated[int, Meta(ge=0, le=10**15, examples=[250_000_000])]
    without_refused: Annotated[
        bool, Meta(description="Leave out what may not be sold, instead of refusing the whole sale.")
    ] = False


class UseView(Struct, frozen=True):
    """One buyer's use of your recording: who, for what, until when, and what it pays you.

    `delivered_at` is when the buyer first fetched it; `ended_at` is set when it ended before its time, and `notice`
    then says what the buyer has done about its copies.
    """

    sale: UUID
    buyer: Annotated[str, Meta(examples=["Harbour Speech GmbH"])]
    country: Annotated[str, Meta(examples=["DE"])]
    sector: Annotated[str, Meta(examples=["speech_technology"])]
    purpose: Annotated[str, Meta(examples=["Speech recognition for hospital documentation."])]
    dataset: Annotated[str, Meta(examples=["Read speech, English"])]
    version: Annotated[int, Meta(examples=[1])]
    uses: Annotated[list[UseCode], Meta(examples=[["asr_training"]])]
    starts_at: datetime
    ends_at: datetime
    delivered_at: datetime | None
    ended_at: datetime | None
    notice: Annotated[str, Meta(examples=["deletion_attested"])] | None
    fee: Money
    your_share_bps: Annotated[int, Meta(description="Your part of the fee, in hundredths of a percent.")]
    your_share: Money


def view(use: sales.RecordingUse, locale: str) -> UseView:
    """Show a use to the contributor whose recording it is."""
    return UseView(
        sale=use.sale,
        buyer=use.buyer,
        country=use.country,
        sector=use.sector,
        purpose=use.purpose,
        dataset=use.dataset,
        version=use.version,
        uses=use.uses,
        starts_at=use.starts_at,
        ends_at=use.ends_at,
        delivered_at=use.delivered_at,
        ended_at=use.ended_at,
        notice=use.notice,
        fee=money(use.currency, use.fee_micros, locale),
        your_share_bps=use.share_bps,
        your_share=money(use.currency, use.contributor_micros, locale),
    )


@post(
    "/v1/operator/sales",
    opt=OPERATOR,
    responses=problems(
        AnswerLost, BuyerMissing, BuyerRefused, DatasetMissing, LicenceOver, NotForSale, CurrencyUnknown
    ),
    tags=["Operators"],
)
async def sell(data: JSONBody[NewSale], request: Request[Any, Any, Any], account: Caller, database: Database) -> Sale:
    """Licence a version of a dataset to a buyer.

    Refused unless the buyer is cleared and every recording may be sold for these uses until then: a consent that stands
    and lasts, no objection, no sector that its terms exclude. Every contributor hears of it and is paid: at once for a
    few hundred recordings, within minutes for a hundred thousand.
    """
    offer = sales.Offer(
        buyer_id=data.buyer,
        dataset_id=data.dataset,
        version=data.version,
        uses=sorted(set(data.uses)),
        purpose=data.purpose,
        ends_at=data.ends_at,
        currency=data.currency,
        price_micros=data.price_micros,
        without_refused=data.without_refused,
    )
    async with acting(database, account.id) as connection:
        await bind(connection, request)
        return await sales.sell(connection, offer)


@get("/v1/operator/sales", opt=OPERATOR, responses=problems(), tags=["Operators"])
async def list_sales(database: Database, limit: Limit = 50, cursor: Cursor = None) -> Page[Sale]:
    """List the sales, newest first."""
    async with reading(database) as connection:
        rows = await sales.listing(connection, before=position_of(cursor), limit=limit + 1)
    return page(rows, limit, lambda row: row.id)


@get("/v1/operator/sales/{sale:uuid}", opt=OPERATOR, responses=problems(SaleMissing), tags=["Operators"])
async def read_sale(sale: FromPath[UUID], database: Database) -> Sale:
    """Read one sale, and how many of its recordings ended before its time."""
    async with reading(database) as connection:
        return await sales.find(connection, sale)


@get("/v1/recordings/{recording:uuid}/uses", responses=problems(RecordingMissing), tags=["Uses"])
async def list_uses(
    recording: FromPath[UUID],
    request: Request[Any, Any, Any],
    account: Caller,
    database: Database,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[Page[UseView]]:
    """See who licensed your recording, for what, until when, and what it pays you; the newest first."""
    locale = locale_of(request)
    async with transaction(database) as connection:
        await recordings.find(connection, account.id, recording)
        rows = await sales.uses_of(connection, recording, before=position_of(cursor), limit=limit + 1)
    listed = page(rows, limit, lambda row: row.sale)
    shown = Page([view(row, locale) for row in listed.data], listed.next_cursor)
    headers = {"Content-Language": locale, "Vary": "Accept-Language, Authorization"}
    return conditional(request, shown, PRIVATE, headers)


handlers = [sell, list_sales, read_sale, list_uses]

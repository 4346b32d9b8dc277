"""Earnings: added up over a period, for one recording, and looked ahead without a promise."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Request, Response, get
from litestar.exceptions import ValidationException
from litestar.params import FromPath, QueryParameter
from msgspec import Meta, Struct

from api.balances import BalanceTransactionView, line_view
from api.dependencies import Caller, Database
from api.errors import CursorInvalid
from api.localised import locale_of, localised
from api.money import Money, money
from api.pages import Cursor, Limit, Page, page, position_of
from api.problems import problems
from storage import balance_transactions, earnings, recordings
from storage.balance_transactions import Wanted
from storage.database import transaction
from storage.earnings import Group, Grouping, Sum, Week
from storage.errors import RecordingMissing

#: A projection changes when a week ends; a phone may show it for minutes.
BRIEFLY = "private, max-age=300"


class Total(Struct, frozen=True):
    """Amounts of one currency added up; what was taken back is subtracted."""

    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z", examples=["EUR"])]
    gross: Money
    fee: Money
    tax: Money
    net: Money
    lines: Annotated[int, Meta(ge=0, description="How many balance transactions that is.", examples=[42])]


class Part(Total, frozen=True):
    """A part of the whole: `key` is a month, the id of a recording or a buyer, or uses, and null for the rest."""

    key: Annotated[str | None, Meta(examples=["2026-11"])]
    label: Annotated[str | None, Meta(description="What a person calls it.", examples=["By the window"])]


class Point(Struct, frozen=True):
    """One month of a chart."""

    month: Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}\Z", examples=["2026-11"])]
    net: Money


class Summary(Struct, frozen=True):
    """What you earned: in all, part by part, and month by month for a chart."""

    group_by: Grouping
    period: Annotated[str | None, Meta(examples=["2026"])]
    totals: list[Total]
    parts: Annotated[list[Part], Meta(description="The 200 largest; months in their order.")]
    points: list[Point]


class RecordingEarnings(Struct, frozen=True):
    """What one recording earned in its life, and every line of it, newest first."""

    lifetime: list[Total]
    data: list[BalanceTransactionView]
    next_cursor: Annotated[str | None, Meta(examples=["AZjC9GpRfD6dG18_CgxAOw"])]


class Projection(Struct, frozen=True):
    """What the coming weeks might bring, if they are like the last ones; nobody promises it."""

    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z", examples=["EUR"])]
    weeks: Annotated[int, Meta(ge=1, examples=[4])]
    low: Money
    likely: Money
    high: Money
    method: Annotated[
        str,
        Meta(
            description="`quartiles-of-weeks/1`: the quartiles of `inputs`, times `weeks`, rounded down.",
            examples=["quartiles-of-weeks/1"],
        ),
    ]
    inputs: Annotated[list[Money], Meta(description="What each of the last twelve weeks brought, the newest first.")]
    promise: Annotated[bool, Meta(description="Always false.")] = False


class Projections(Struct, frozen=True):
    """A projection for each currency that you earned in lately."""

    data: list[Projection]


def total(row: Sum, locale: str) -> Total:
    """Show amounts that were added up."""
    return Total(row.currency, *_amounts(row, locale), row.lines)


def part(row: Group, locale: str) -> Part:
    """Show a part of them."""
    return Part(row.currency, *_amounts(row, locale), row.lines, row.key, row.label)


def _amounts(row: Sum, locale: str) -> tuple[Money, Money, Money, Money]:
    gross, fee, tax, net = (
        money(row.currency, micros, locale)
        for micros in (row.gross_micros, row.fee_micros, row.tax_micros, row.net_micros)
    )
    return gross, fee, tax, net


PERIOD = re.compile(r"(?P<year>[1-9][0-9]{3})(-(?P<month>0[1-9]|1[0-2]))?")


def bounds(period: str | None) -> tuple[datetime | None, datetime | None]:
    """Read a year or a month as its two ends in UTC, the second not part of it. Raises ValidationException."""
    if period is None:
        return None, None
    found = PERIOD.fullmatch(period)
    if found is None or period.startswith("9999"):
        message = "must be a year or a month, such as 2026 or 2026-11"
        raise ValidationException(extra=[{"key": "period", "source": "query", "message": message}])
    year, month = int(found["year"]), found["month"]
    if month is None:
        return datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    following = datetime(year + int(month) // 12, int(month) % 12 + 1, 1, tzinfo=UTC)
    return datetime(year, int(month), 1, tzinfo=UTC), following


@get("/v1/earnings/summary", responses=problems(), tags=["Earnings"])
async def summarise_earnings(
    request: Request[Any, Any, Any],
    account: Caller,
    database: Database,
    group_by: Annotated[Grouping, QueryParameter(description="What the parts are.")] = "month",
    period: Annotated[
        str | None, QueryParameter(max_length=7, description="A year or a month (UTC), such as 2026 or 2026-11.")
    ] = None,
) -> Response[Summary]:
    """Add up what you earned, with a point for every month."""
    since, until = bounds(period)
    locale = locale_of(request)
    async with transaction(database) as connection:
        whole = await earnings.totals(connection, account.id, since=since, until=until)
        months = await earnings.groups(connection, account.id, "month", since=since, until=until)
        parts = (
            months
            if group_by == "month"
            else await earnings.groups(connection, account.id, group_by, since=since, until=until)
        )
    summary = Summary(
        group_by,
        period,
        [total(row, locale) for row in whole],
        [part(row, locale) for row in parts],
        [Point(row.key or "", money(row.currency, row.net_micros, locale)) for row in months],
    )
    return localised(request, summary, locale)


@get(
    "/v1/recordings/{recording:uuid}/earnings",
    responses=problems(RecordingMissing, CursorInvalid),
    tags=["Earnings"],
)
async def read_recording_earnings(
    request: Request[Any, Any, Any],
    recording: FromPath[UUID],
    account: Caller,
    database: Database,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response[RecordingEarnings]:
    """Read what one recording earned, from its acceptance to its last sale."""
    locale, before = locale_of(request), position_of(cursor)
    async with transaction(database) as connection:
        await recordings.find(connection, account.id, recording)
        lifetime = await earnings.totals(connection, account.id, recording=recording)
        rows = await balance_transactions.listing(
            connection, account.id, Wanted(recording=recording), before=before, limit=limit + 1
        )
    listed: Page[BalanceTransactionView] = page([line_view(row, locale) for row in rows], limit, lambda line: line.id)
    shown = RecordingEarnings([total(row, locale) for row in lifetime], listed.data, listed.next_cursor)
    return localised(request, shown, locale)


def projected(currency: str, past: Sequence[Week], weeks: int, locale: str) -> Projection:
    """Look ahead by the quartiles of the past weeks: half of all weeks lie between the two outer ones."""
    inputs = [week.net_micros for week in past]
    middle = (_quartile(inputs, 1), median(inputs), _quartile(inputs, 3))
    low, likely, high = (money(currency, int(value * weeks // 1), locale) for value in middle)
    shown = [money(currency, micros, locale) for micros in inputs]
    return Projection(currency, weeks, low, likely, high, "quartiles-of-weeks/1", shown)


def _quartile(values: Sequence[int], which: Literal[1, 3]) -> float:
    """Give the median of the lower or the upper half; the middle one of an odd number belongs to both (Tukey)."""
    ordered = sorted(values)
    half = (len(ordered) + 1) // 2
    return median(ordered[:half] if which == 1 else ordered[-half:])


@get("/v1/earnings/projection", responses=problems(), tags=["Earnings"])
async def project_earnings(
    request: Request[Any, Any, Any],
    account: Caller,
    database: Database,
    weeks: Annotated[int, QueryParameter(ge=1, le=52, description="How far to look ahead.")] = 4,
) -> Response[Projections]:
    """See what the coming weeks might bring if they are like your last twelve; it is no promise."""
    locale = locale_of(request)
    async with transaction(database) as connection:
        past = await earnings.weeks(connection, account.id)
    currencies = sorted({week.currency for week in past})
    shown = [
        projected(currency, [week for week in past if week.currency == currency], weeks, locale)
        for currency in currencies
    ]
    return localised(request, Projections(shown), locale, BRIEFLY)


handlers = [summarise_earnings, read_recording_earnings, project_earnings]

"""Tax: where a contributor lives for it, what is therefore withheld by which rule, and what each year came to."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Request, Response, get, put
from litestar.params import JSONBody
from msgspec import Meta, Struct

from api import confirmations
from api.dependencies import Caller, Configuration, Database
from api.errors import StepUpRequired
from api.explanation_texts import language_of, texts
from api.localised import locale_of, localised
from api.money import Money, money
from api.problems import problems
from storage import tax
from storage.database import Connection, reading, transaction


class TaxProfile(Struct, frozen=True):
    """Where you live for tax, and your tax number, if you have one there."""

    residence: Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z", description="ISO 3166-1.", examples=["DE"])]
    tax_id: Annotated[str, Meta(min_length=4, max_length=40, examples=["65 929 970 489"])] | None = None


class Withholding(Struct, frozen=True):
    """What is kept back of everything you earn from now on, and why."""

    bps: Annotated[int, Meta(ge=0, le=10_000, description="Hundredths of a per cent.", examples=[0])]
    rule: Annotated[str, Meta(examples=["nothing-withheld"])]
    why: Annotated[str, Meta(examples=["Nobody has to withhold tax from what you earn here; declare it at home."])]


class TaxProfileView(Struct, frozen=True):
    """Your tax profile; of the number only its end is shown, and nobody reads it but for the tax office's report."""

    status: Literal["complete", "number-missing", "missing"]
    residence: Annotated[str | None, Meta(examples=["DE"])]
    tax_id_hint: Annotated[str | None, Meta(examples=["489"])]
    updated_at: datetime | None
    withholding: Withholding


class TaxYear(Struct, frozen=True):
    """What a year (UTC) came to in one currency, as a tax office asks: before anything was taken, and what was.

    What was taken back counts in the year in which it was. `complete` years do not change any more.
    """

    year: Annotated[int, Meta(examples=[2026])]
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z", examples=["EUR"])]
    gross: Money
    fee: Money
    withheld: Money
    net: Money
    paid_out: Money
    complete: bool


class TaxYears(Struct, frozen=True):
    """Every year in which you earned or were paid, the newest first."""

    data: list[TaxYear]


async def shown(connection: Connection, account: UUID, locale: str) -> TaxProfileView:
    """Show a contributor's profile and the rule that fits it; a rule of an operator's is in the operator's words."""
    found, rule = await tax.profile(connection, account), await tax.applied(connection, account)
    why = texts(language_of(locale)).get(f"tax.{rule.code}", rule.because)
    withheld = Withholding(rule.bps, rule.code, why)
    if found is None:
        return TaxProfileView("missing", None, None, None, withheld)
    status: Literal["complete", "number-missing"] = "complete" if found.tax_id_hint else "number-missing"
    return TaxProfileView(status, found.residence, found.tax_id_hint, found.updated_at, withheld)


@get("/v1/tax-profile", responses=problems(), tags=["Earnings"])
async def read_tax_profile(
    request: Request[Any, Any, Any], account: Caller, database: Database
) -> Response[TaxProfileView]:
    """Read your tax profile, and what is withheld of your earnings and why."""
    locale = locale_of(request)
    async with transaction(database) as connection:
        return localised(request, await shown(connection, account.id, locale), locale)


@put("/v1/tax-profile", responses=problems(StepUpRequired), tags=["Earnings"])
async def change_tax_profile(
    data: JSONBody[TaxProfile],
    request: Request[Any, Any, Any],
    account: Caller,
    database: Database,
    settings: Configuration,
) -> TaxProfileView:
    """Say where you live for tax; it counts for what you earn from now on.

    Needs your password again (`/v1/sessions/current/confirmations`).
    """
    number = None if data.tax_id is None else re.sub(r"[\s./-]", "", data.tax_id).upper()
    async with transaction(database) as connection:
        await confirmations.demand(connection, account)
        await tax.keep(connection, settings.master_key, account.id, data.residence, number or None)
        return await shown(connection, account.id, locale_of(request))


@get("/v1/tax-documents", responses=problems(), tags=["Earnings"])
async def list_tax_documents(
    request: Request[Any, Any, Any], account: Caller, database: Database
) -> Response[TaxYears]:
    """Read what each year came to, for your tax return; the signed statements of its months are the proof."""
    locale = locale_of(request)
    async with reading(database) as connection:
        rows = await tax.years(connection, account.id)
    return localised(request, TaxYears([year_view(row, locale) for row in rows]), locale)


def year_view(row: tax.Year, locale: str) -> TaxYear:
    """Show a year to a reader of `locale`."""
    gross, fee, withheld, net, paid_out = (
        money(row.currency, micros, locale)
        for micros in (row.gross_micros, row.fee_micros, row.tax_micros, row.net_micros, row.paid_micros)
    )
    return TaxYear(row.year, row.currency, gross, fee, withheld, net, paid_out, row.complete)


handlers = [read_tax_profile, change_tax_profile, list_tax_documents]

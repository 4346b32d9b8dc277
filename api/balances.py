"""Balances: what somebody has, where it is, and every line that changed it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Request, Response, get
from litestar.params import QueryParameter
from msgspec import Meta, Struct

from api.dependencies import Caller, Configuration, Database
from api.errors import CursorInvalid
from api.explanation_texts import language_of, texts
from api.localised import locale_of, localised
from api.money import Money, at_most, money
from api.pages import Cursor, Limit, Page, page, position_of
from api.payout_providers import payable
from api.problems import problems
from storage import balance_transactions, earnings
from storage.balance_transactions import BalanceTransaction, Type, Wanted
from storage.database import reading, transaction
from storage.ledger import accounts
from storage.ledger.accounts import Balance


class BalanceView(Struct, frozen=True):
    """What you have in one currency, by where it is.

    `pending` waits for the end of its hold, `available` can be paid out, `reserved` is set aside for a payout or by an
    operator, `in_transit` is on its way to you, `paid_total` has arrived. `owed` was taken back after it had been paid
    out; what becomes available settles it first. Where `payable` is false, nobody here can pay this currency to a bank
    account yet: `note` says so in your language, and all of it stays yours.
    """

    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z", examples=["EUR"])]
    pending: Money
    available: Money
    reserved: Money
    in_transit: Money
    paid_total: Money
    owed: Money
    next_available_at: Annotated[
        datetime | None, Meta(description="When the next pending amount becomes available; null when none is pending.")
    ]
    payable: bool
    note: Annotated[str | None, Meta(examples=["We cannot pay out USD yet. All of it stays yours."])]


class BalanceList(Struct, frozen=True):
    """A balance for each currency that you ever had something in."""

    data: list[BalanceView]


class Source(Struct, frozen=True):
    """What a line was for; `url` leads there."""

    type: Literal["recording", "sale", "payout", "balance_transaction", "operator"]
    id: UUID | None
    url: Annotated[str | None, Meta(examples=["/v1/recordings/0198c2f4-6a51-7c3e-9d1b-5f3f0a1c2b3d"])]


class BalanceTransactionView(Struct, frozen=True):
    """One line of your balance, in the words that Stripe made common: `net` is `gross` less `fee` and `tax`.

    Negative amounts were taken. `status` is `pending` until `available_at`; a line that was taken back names the line
    that did it.
    """

    id: UUID
    type: Type
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z", examples=["EUR"])]
    gross: Money
    fee: Money
    tax: Money
    net: Money
    status: Literal["pending", "available", "reversed"]
    available_at: datetime
    created_at: datetime
    recording: UUID | None
    source: Source
    reversed_by: UUID | None
    because: Annotated[
        str | None, Meta(description="The reason, in the words of whoever decided.", examples=["We lost a recording."])
    ]
    explanation_url: Annotated[
        str | None, Meta(examples=["/v1/earnings/0198c2f4-6a51-7c3e-9d1b-5f3f0a1c2b3d/explanation"])
    ]


def balance_view(
    balance: Balance, next_available_at: datetime | None, locale: str, payable: frozenset[str]
) -> BalanceView:
    """Show a balance to a reader of `locale`; `payable` are the currencies that can be paid out."""
    amounts = {
        name: money(balance.currency, micros, locale)
        for name, micros in (
            ("pending", balance.pending),
            ("reserved", balance.reserved),
            ("in_transit", balance.in_transit),
            ("paid_total", balance.paid),
            ("owed", balance.receivable),
        )
    }
    paid_out = balance.currency in payable
    note = texts(language_of(locale))["balance.unpayable"].format(currency=balance.currency)
    return BalanceView(
        currency=balance.currency,
        available=at_most(balance.currency, balance.available, locale),
        next_available_at=next_available_at,
        payable=paid_out,
        note=None if paid_out else note,
        **amounts,
    )


def source_of(line: BalanceTransaction) -> Source:
    """Say what a line was for, the nearest cause first."""
    if line.reverses is not None:
        return Source("balance_transaction", line.reverses, None)
    if line.payout_id is not None:
        return Source("payout", line.payout_id, f"/v1/payouts/{line.payout_id}")
    if line.sale_id is not None:
        return Source("sale", line.sale_id, f"/v1/recordings/{line.recording_id}/uses")
    if line.recording_id is not None:
        return Source("recording", line.recording_id, f"/v1/recordings/{line.recording_id}")
    return Source("operator", None, None)


def line_view(line: BalanceTransaction, locale: str) -> BalanceTransactionView:
    """Show a line to a reader of `locale`."""
    status: Literal["pending", "available", "reversed"] = "pending" if line.released_at is None else "available"
    earned = line.type in balance_transactions.EARNED
    return BalanceTransactionView(
        id=line.id,
        type=line.type,
        currency=line.currency,
        gross=money(line.currency, line.gross_micros, locale),
        fee=money(line.currency, line.fee_micros, locale),
        tax=money(line.currency, line.tax_micros, locale),
        net=money(line.currency, line.net_micros, locale),
        status=status if line.reversed_by is None else "reversed",
        available_at=line.available_at,
        created_at=line.created_at,
        recording=line.recording_id,
        source=source_of(line),
        reversed_by=line.reversed_by,
        because=line.because,
        explanation_url=f"/v1/earnings/{line.id}/explanation" if earned else None,
    )


@get("/v1/balances", responses=problems(), tags=["Earnings"])
async def read_balances(
    request: Request[Any, Any, Any], account: Caller, database: Database, settings: Configuration
) -> Response[BalanceList]:
    """Read what you have, currency by currency."""
    locale = locale_of(request)
    async with transaction(database) as connection:
        rows = await accounts.balances(connection, account.id)
        upcoming = await earnings.next_available(connection, account.id)
    can = payable(settings)
    shown = [balance_view(row, upcoming.get(row.currency), locale, can) for row in rows]
    return localised(request, BalanceList(shown), locale)


@get("/v1/balance-transactions", responses=problems(CursorInvalid), tags=["Earnings"])
async def list_balance_transactions(
    request: Request[Any, Any, Any],
    account: Caller,
    database: Database,
    type_: Annotated[Type | None, QueryParameter(name="type", description="Only lines of this type.")] = None,
    since: Annotated[datetime | None, QueryParameter(name="from", description="Not older than this.")] = None,
    until: Annotated[datetime | None, QueryParameter(name="to", description="Older than this.")] = None,
    recording: Annotated[UUID | None, QueryParameter(description="Only lines for this recording.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response[Page[BalanceTransactionView]]:
    """List every line that changed your balance, newest first; lines that come meanwhile do not move the pages."""
    locale = locale_of(request)
    wanted = Wanted(type_, recording, since, until)
    async with reading(database) as connection:
        rows = await balance_transactions.listing(
            connection, account.id, wanted, before=position_of(cursor), limit=limit + 1
        )
    shown = page([line_view(row, locale) for row in rows], limit, lambda line: line.id)
    return localised(request, shown, locale)


handlers = [read_balances, list_balance_transactions]

"""Payouts: ask for what is available, watch it on its way, call it back while that is possible."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK
from msgspec import Meta, Struct

from api import confirmations
from api.dependencies import Caller, Configuration, Database
from api.errors import AnswerLost, StepUpRequired
from api.idempotency import bind
from api.localised import locale_of, localised
from api.money import MICROS, Money, money
from api.pages import Cursor, Limit, Page, page, position_of
from api.payout_failures import Failure, failure
from api.payout_providers import payable
from api.problems import problems
from storage import payouts
from storage.database import reading, transaction
from storage.events import Mover
from storage.ledger.errors import Overdrawn
from storage.payout_errors import (
    CurrencyUnpayable,
    DestinationMissing,
    DestinationResting,
    NothingToPay,
    PayoutMissing,
    PayoutMoveRefused,
    PayoutTooSmall,
)
from storage.payouts import Move, Payout, State

#: A SEPA credit transfer arrives on the next bank day; weekends and our own hands are allowed for.
USUAL = timedelta(days=5)
ENDED = frozenset({"paid", "failed", "returned", "cancelled"})
Because = Annotated[
    str | None,
    Meta(description="In the words of whoever decided, where there are any.", examples=["We could not reach you."]),
]


class NewPayout(Struct, frozen=True):
    """Where to, and how much: everything that is available when no amount is given.

    `currency` is one that your balance says is `payable`.
    """

    destination: UUID
    micros: (
        Annotated[int, Meta(ge=1, description="Millionths of the unit; rounded down to the smallest coin.")] | None
    ) = None
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z", examples=["EUR"])] = "EUR"


class Moment(Struct, frozen=True):
    """One step of a payout's way."""

    state: State
    by: Mover
    because: Because
    at: datetime


class PayoutView(Struct, frozen=True):
    """A payout as its owner sees it; `expected_at` is null once it has ended.

    `failure` is there when it failed or came back: why, and what you can do, in your language.
    """

    id: UUID
    state: State
    amount: Money
    destination: UUID
    created_at: datetime
    expected_at: datetime | None
    because: Because
    failure: Failure | None
    can_cancel: bool


class PayoutDetail(PayoutView, frozen=True):
    """A payout with every step of its way, oldest first."""

    timeline: list[Moment]


def view(row: Payout, locale: str) -> PayoutView:
    """Show a row to its owner."""
    return PayoutView(**_shown(row, locale))


def detail(row: Payout, story: list[Move], locale: str) -> PayoutDetail:
    """Show a row with its story."""
    moments = [Moment(move.to_state, move.moved_by, move.because, move.at) for move in story]
    return PayoutDetail(**_shown(row, locale), timeline=moments)


def _shown(row: Payout, locale: str) -> dict[str, Any]:
    return {
        "id": row.id,
        "state": row.state,
        "amount": money(row.currency, row.micros, locale),
        "destination": row.destination_id,
        "created_at": row.created_at,
        "expected_at": None if row.state in ENDED else row.created_at + USUAL,
        "because": row.moved_because,
        "failure": failed(row, locale),
        "can_cancel": row.state in {"requested", "approved"},
    }


def failed(row: Payout, locale: str) -> Failure | None:
    """Say why a payout did not arrive, if it did not."""
    if row.state not in {"failed", "returned"}:
        return None
    return failure(row.failure_code, row.moved_because, locale)


@post(
    "/v1/payouts",
    responses=problems(
        StepUpRequired,
        AnswerLost,
        DestinationMissing,
        DestinationResting,
        CurrencyUnpayable,
        NothingToPay,
        PayoutTooSmall,
        Overdrawn,
    ),
    tags=["Payouts"],
)
async def request_payout(
    data: JSONBody[NewPayout],
    request: Request[Any, Any, Any],
    account: Caller,
    database: Database,
    settings: Configuration,
) -> PayoutDetail:
    """Ask for a payout; the money is set aside at once.

    Needs your password again (`/v1/sessions/current/confirmations`). Send an `Idempotency-Key`, so that a lost answer
    does not become a second payout.
    """
    least = settings.payout_minimum * MICROS
    async with transaction(database) as connection:
        await bind(connection, request)
        await confirmations.demand(connection, account)
        made = await payouts.request(
            connection,
            account.id,
            data.destination,
            data.micros,
            least,
            currency=data.currency,
            payable=payable(settings),
        )
        return detail(made, await payouts.moves(connection, made.id), locale_of(request))


@get("/v1/payouts", responses=problems(), tags=["Payouts"])
async def list_payouts(
    request: Request[Any, Any, Any], account: Caller, database: Database, cursor: Cursor = None, limit: Limit = 50
) -> Response[Page[PayoutView]]:
    """List your payouts, newest first."""
    async with reading(database) as connection:
        rows = await payouts.listing(connection, account.id, position_of(cursor), limit + 1)
    found = page(rows, limit, lambda row: row.id)
    locale = locale_of(request)
    return localised(request, Page([view(row, locale) for row in found.data], found.next_cursor), locale)


@get("/v1/payouts/{payout:uuid}", responses=problems(PayoutMissing), tags=["Payouts"])
async def read_payout(
    payout: FromPath[UUID], request: Request[Any, Any, Any], account: Caller, database: Database
) -> Response[PayoutDetail]:
    """Read one payout and every step of its way."""
    async with transaction(database) as connection:
        found = await payouts.find(connection, account.id, payout)
        story = await payouts.moves(connection, payout)
    locale = locale_of(request)
    return localised(request, detail(found, story, locale), locale)


@post(
    "/v1/payouts/{payout:uuid}/cancel",
    status_code=HTTP_200_OK,
    responses=problems(PayoutMissing, PayoutMoveRefused),
    tags=["Payouts"],
)
async def cancel_payout(
    payout: FromPath[UUID], request: Request[Any, Any, Any], account: Caller, database: Database
) -> PayoutDetail:
    """Call a payout back before it is handed to the bank; the money is available again at once."""
    async with transaction(database) as connection:
        await payouts.find(connection, account.id, payout)
        ended = await payouts.move(connection, payout, "cancelled", by="contributor")
        return detail(ended, await payouts.moves(connection, payout), locale_of(request))


handlers = [request_payout, list_payouts, read_payout, cancel_payout]

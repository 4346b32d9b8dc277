"""Payout destinations: the bank accounts that money may go to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

from litestar import Request, Response, delete, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct
from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from api import confirmations
from api.conditional import PRIVATE, conditional
from api.dependencies import Caller, Configuration, Database
from api.errors import IbanInvalid, StepUpRequired
from api.pages import Page
from api.problems import problems
from storage import payout_destinations
from storage.database import reading, transaction
from storage.payout_destinations import BankAccount, Destination
from storage.payout_errors import DestinationInUse, DestinationMissing


class NewDestination(Struct, frozen=True):
    """A bank account in the SEPA area."""

    method: Literal["sepa"]
    holder: Annotated[
        str,
        # A name of nothing but blanks would be refused with the whole file that pays everybody.
        Meta(min_length=1, max_length=70, pattern=r"^[^\x00-\x1f]*[^\x00-\x20][^\x00-\x1f]*\Z"),
        Meta(description="As the bank knows them.", examples=["Amina Okello"]),
    ]
    iban: Annotated[
        str,
        Meta(max_length=42, description="With or without spaces; checked by length and check digits (ISO 13616)."),
        Meta(examples=["DE89 3704 0044 0532 0130 00"]),
    ]


class DestinationView(Struct, frozen=True):
    """A bank account as it is shown again: never the whole number."""

    id: UUID
    method: Annotated[str, Meta(examples=["sepa"])]
    currency: Annotated[str, Meta(examples=["EUR"])]
    country: Annotated[str, Meta(examples=["DE"])]
    hint: Annotated[str, Meta(description="The last four characters.", examples=["3000"])]
    created_at: datetime
    usable_from: datetime
    usable: bool


def view(row: Destination) -> DestinationView:
    """Show a row to its owner."""
    return DestinationView(
        row.id, row.method, row.currency, row.country, row.hint, row.created_at, row.usable_from, row.usable
    )


@post("/v1/payout-destinations", responses=problems(StepUpRequired, IbanInvalid), tags=["Payouts"])
async def add_destination(
    data: JSONBody[NewDestination], account: Caller, database: Database, settings: Configuration
) -> DestinationView:
    """Name a bank account.

    Needs your password again (`/v1/sessions/current/confirmations`). It can be used after a pause, and an event tells
    every one of your devices; if it was not you, remove it and sign that device out.
    """
    bank = checked(data)
    pause = timedelta(hours=settings.destination_hours)
    async with transaction(database) as connection:
        await confirmations.demand(connection, account)
        return view(await payout_destinations.add(connection, settings.master_key, account.id, uuid4(), bank, pause))


def checked(data: NewDestination) -> BankAccount:
    """Check length, characters, check digits and the country's own rules. Raises IbanInvalid."""
    try:
        iban = IBAN(data.iban, validate_bban=True)
    except SchwiftyException as error:
        raise IbanInvalid from error
    if not iban.in_sepa_zone:
        raise IbanInvalid
    return BankAccount(data.holder.strip(), iban.compact, str(iban.bic) if iban.bic else None)


@get("/v1/payout-destinations", responses=problems(), tags=["Payouts"])
async def list_destinations(
    request: Request[Any, Any, Any], account: Caller, database: Database
) -> Response[Page[DestinationView]]:
    """List your bank accounts, newest first."""
    async with reading(database) as connection:
        rows = await payout_destinations.listing(connection, account.id)
    return conditional(request, Page([view(row) for row in rows]), PRIVATE)


@delete(
    "/v1/payout-destinations/{destination:uuid}",
    responses=problems(DestinationMissing, DestinationInUse),
    tags=["Payouts"],
)
async def remove_destination(destination: FromPath[UUID], account: Caller, database: Database) -> None:
    """Remove a bank account; its number is erased at once. Needs no password: whoever finds a stranger's acts fast."""
    async with transaction(database) as connection:
        if not await payout_destinations.remove(connection, account.id, destination):
            raise DestinationInUse


handlers = [add_destination, list_destinations, remove_destination]

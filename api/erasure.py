"""Leaving: an account and everything of it is erased, and its owner keeps a signed word of what was done."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import delete
from litestar.exceptions import NotAuthorizedException
from msgspec import Meta, Struct, to_builtins

from api.confirmations import demand
from api.dependencies import Caller, Database, Objects, Signing
from api.errors import StepUpRequired
from api.problems import problems
from api.signing import sign
from storage import accounts, erasures
from storage.database import Connection, transaction
from storage.erasures import Erased
from storage.errors import PayoutUnderWay, StoreUnavailable
from storage.ledger.accounts import balances

TYP = "companion-erasure+jws"


class Remainder(Struct, frozen=True):
    """What was earned and not paid out yet, in micros of one currency; it is not forfeited."""

    currency: Annotated[str, Meta(examples=["EUR"])]
    micros: Annotated[int, Meta(examples=[4_200_000])]


class Farewell(Struct, frozen=True):
    """What was erased. Keep `receipt`: it is signed, and with it what you earned can still be claimed."""

    account: UUID
    pseudonym: Annotated[str, Meta(examples=["contributor-7k3m9qxa"])]
    erased_at: datetime
    recordings: Annotated[int, Meta(examples=[12])]
    unpaid: list[Remainder]
    receipt: Annotated[str, Meta(examples=["eyJhbGciOiJFZDI1NTE5In0.eyJhY2NvdW50IjoiIn0.c2lnbmF0dXJl"])]


@delete(
    "/v1/accounts/me",
    opt={"leaving": True},
    status_code=200,
    responses=problems(StepUpRequired, PayoutUnderWay, StoreUnavailable),
    tags=["Accounts"],
)
async def erase_account(account: Caller, database: Database, store: Objects, signing: Signing) -> Farewell:
    """Erase your account: recordings in every version and copy, reports, devices, e-mail address and keys.

    Sales stop at once and licences end. Your keys are destroyed, so that no backup can be read either. What others must
    be able to prove stays for the legal period under your random pseudonym: consents, sales and payments. Give your
    password again first (`POST /v1/sessions/current/confirmations`); nothing of this can be undone. If the answer got
    lost on its way, repeat the request with the same token within a day: the receipt comes again.
    """
    signer = await signing.signer()
    async with transaction(database) as connection:
        if await accounts.profile_of(connection, account.id) is not None:
            await demand(connection, account)
        unpaid = await unpaid_of(connection, account.id)
        erased = await erasures.erase(connection, account.id, session=account.session_id)
        if erased is None:
            raise NotAuthorizedException("This account is gone.")
        # The log comes last: what was refused above is not in it, and what is in it will be done, if need be again.
        await erasures.log(store, account.id, erased.erased_at)
    return Farewell(
        account=erased.account,
        pseudonym=erased.pseudonym,
        erased_at=erased.erased_at,
        recordings=erased.recordings,
        unpaid=unpaid,
        receipt=sign(signer, facts(erased, unpaid), typ=TYP),
    )


async def unpaid_of(connection: Connection, account: UUID) -> list[Remainder]:
    """Sum up what somebody has not been paid yet, in each currency."""
    sums = [(b.currency, b.pending + b.available + b.reserved) for b in await balances(connection, account)]
    return [Remainder(currency, micros) for currency, micros in sums if micros]


def facts(erased: Erased, unpaid: list[Remainder]) -> dict[str, object]:
    """What the receipt states, as canonical JSON can hold it."""
    return {
        "account": str(erased.account),
        "pseudonym": erased.pseudonym,
        "erased_at": to_builtins(erased.erased_at),
        "recordings": erased.recordings,
        "unpaid": [{"currency": rest.currency, "micros": rest.micros} for rest in unpaid],
    }


handlers = [erase_account]

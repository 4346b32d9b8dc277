"""Step-up: a phone that is signed in gives the password again before it may touch money.

A phone that lies unlocked on a table is signed in for weeks; sending its owner's money elsewhere needs more than that.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from litestar import Request, post
from litestar.params import JSONBody
from msgspec import Meta, Struct

from api.addresses import network_of
from api.dependencies import Caller, Database, Hashing
from api.errors import StepUpRequired, TooManyAttempts
from api.passwords import PasswordsBusy
from api.problems import problems
from storage import accounts, sessions
from storage.database import Connection, transaction
from storage.errors import SignInRefused
from storage.sessions import Account


class Password(Struct, frozen=True):
    """The password of the account that is signed in."""

    password: Annotated[str, Meta(max_length=256, examples=["a sentence nobody else says"])]


class Confirmation(Struct, frozen=True):
    """This device may touch money until then."""

    until: datetime


@post(
    "/v1/sessions/current/confirmations",
    opt={"idempotency": False},
    responses=problems(SignInRefused, TooManyAttempts, PasswordsBusy),
    tags=["Sessions"],
)
async def confirm(
    data: JSONBody[Password], request: Request[Any, Any, Any], account: Caller, database: Database, passwords: Hashing
) -> Confirmation:
    """Give your password again: bank accounts and payouts ask for it.

    It holds on this device for five minutes. Wrong ones count as failed sign-ins do.
    """
    network = network_of(request)
    async with transaction(database) as connection:
        profile = await accounts.profile_of(connection, account.id)
        email = "" if profile is None else profile.email
        wait = await accounts.admit(connection, email, network)
        known = await accounts.credentials(connection, email)
    if wait is not None:
        raise TooManyAttempts(wait)
    if known is None or not await passwords.matches(data.password, known.password_hash):
        raise SignInRefused("This is not the password of your account; you stay signed in.")
    async with transaction(database) as connection:
        await accounts.forgive(connection, email, network)
        return Confirmation(await sessions.confirm(connection, account.session_id))


async def demand(connection: Connection, account: Account) -> None:
    """Let only a device pass that has confirmed a moment ago. Raises StepUpRequired."""
    if not await sessions.confirmed(connection, account.session_id):
        raise StepUpRequired


handlers = [confirm]

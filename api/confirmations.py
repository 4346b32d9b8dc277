"""Step-up: a phone that is signed in gives the password again before it may touch money.

A phone that lies unlocked on a table is signed in for weeks; sending its owner's money elsewhere needs more than that.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from litestar import post
from litestar.params import JSONBody
from msgspec import Meta, Struct

from api.dependencies import Caller, Database, Hashing
from api.errors import StepUpRequired, TooManyAttempts
from api.passwords import PasswordsBusy
from api.problems import problems
from storage import accounts, attempts, sessions
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
async def confirm(data: JSONBody[Password], account: Caller, database: Database, passwords: Hashing) -> Confirmation:
    """Give your password again: bank accounts and payouts ask for it.

    It holds on this device for five minutes. After 5 wrong ones within 15 minutes this device waits.
    """
    # Of its own, because whoever guesses elsewhere must not keep a device that is signed in from its money.
    device = f"session {account.session_id}"
    async with transaction(database) as connection:
        profile = await accounts.profile_of(connection, account.id)
        email = "" if profile is None else profile.email
        wait = await attempts.admit(connection, email, device, familiar=True)
        known = await accounts.credentials(connection, email)
    if wait is not None:
        raise TooManyAttempts(wait)
    if known is None or not await passwords.matches(data.password, known.password_hash):
        raise SignInRefused("This is not the password of your account; you stay signed in.")
    async with transaction(database) as connection:
        await attempts.forgive(connection, email, device)
        return Confirmation(await sessions.confirm(connection, account.session_id))


async def demand(connection: Connection, account: Account) -> None:
    """Let only a device pass that has confirmed a moment ago. Raises StepUpRequired."""
    if not await sessions.confirmed(connection, account.session_id):
        raise StepUpRequired


handlers = [confirm]

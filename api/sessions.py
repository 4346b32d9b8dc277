"""Sessions: sign in, stay signed in, see every device, sign any of them out."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK
from msgspec import Meta, Struct

from api.accounts import Device, Email
from api.addresses import hashed, network_of
from api.dependencies import Caller, Configuration, Database, Hashing
from api.errors import TooManyAttempts
from api.pages import Page
from api.passwords import PasswordsBusy
from api.problems import problems
from storage import accounts, attempts, pauses, sessions
from storage.accounts import Credentials
from storage.database import Pool, reading, transaction
from storage.errors import SessionMissing, SignInRefused, TokenRefused
from storage.sessions import Session, Tokens


class SignIn(Struct, frozen=True):
    """An e-mail address and its password; `device` names this phone in the list of devices."""

    email: Email
    password: Annotated[str, Meta(max_length=256, examples=["a sentence nobody else says"])]
    device: Device | None = None


class Refresh(Struct, frozen=True):
    """The refresh token that came with the last pair."""

    refresh_token: Annotated[str, Meta(max_length=100, examples=["ccr_0J3k0T8zq1mXv5cB7wYhQn2sLr4uPd6eGf9aKt-HiUo"])]


@post(
    "/v1/sessions",
    opt={"public": True},
    responses=problems(SignInRefused, TooManyAttempts, PasswordsBusy, public=True),
    tags=["Sessions"],
)
async def sign_in(
    data: JSONBody[SignIn],
    request: Request[Any, Any, Any],
    database: Database,
    passwords: Hashing,
    settings: Configuration,
) -> Tokens:
    """Sign in on this device.

    A wrong password and an unknown address get the same answer after the same time. After 5 failures within 15
    minutes from one network, that network waits; after 100 within an hour from anywhere, every network does from which
    nobody has signed in to the account before. Devices that are signed in stay so.
    """
    network = network_of(request)
    network_hash = hashed(settings, network)
    known = await _admitted(database, data.email, network, network_hash)
    if not await passwords.matches(data.password, known.password_hash if known else None) or known is None:
        raise SignInRefused
    fresh_hash = await passwords.renewed(data.password, known.password_hash)
    async with transaction(database) as connection:
        if not await accounts.standing(connection, known):
            raise SignInRefused
        await attempts.forgive(connection, data.email, network)
        await attempts.remember(connection, known.id, network_hash)
        if fresh_hash is not None:
            await accounts.rehash(connection, known.id, fresh_hash)
        _, tokens = await sessions.start(connection, known.id, data.device)
    return tokens


async def _admitted(database: Pool, email: str, network: str, network_hash: bytes) -> Credentials | None:
    """Count the attempt, and read what its password is checked against. Raises TooManyAttempts."""
    async with transaction(database) as connection:
        known = await accounts.credentials(connection, email)
        familiar = await attempts.familiar(connection, known.id if known else None, network_hash)
        wait = await attempts.admit(connection, email, network, familiar=familiar)
    # Raised outside the transaction, which would otherwise take the counted attempt back.
    if wait is not None:
        raise TooManyAttempts(wait)
    return known


@post(
    "/v1/sessions/refresh",
    opt={"public": True},
    status_code=HTTP_200_OK,
    responses=problems(TokenRefused, public=True),
    tags=["Sessions"],
)
async def refresh(
    data: JSONBody[Refresh], request: Request[Any, Any, Any], database: Database, settings: Configuration
) -> Tokens:
    """Exchange the refresh token for a fresh pair.

    Each refresh token is used once. A phone that lost the answer may ask again for 10 seconds; after that, a token that
    comes back was copied by somebody, and every token of that sign-in ends.
    """
    async with transaction(database) as connection:
        tokens = await sessions.refresh(connection, data.refresh_token)
        if tokens is not None and (account := await sessions.owner(connection, tokens.access_token)) is not None:
            # Whoever is signed in here may sign another device in here, whatever is guessed elsewhere.
            await attempts.remember(connection, account.id, hashed(settings, network_of(request)))
    if tokens is None:
        raise TokenRefused
    return tokens


@get("/v1/sessions", responses=problems(), tags=["Sessions"])
async def list_sessions(account: Caller, database: Database) -> Page[Session]:
    """List the devices that are signed in, newest first."""
    async with reading(database) as connection:
        return Page(await sessions.open_sessions(connection, account))


@delete("/v1/sessions/current", responses=problems(), tags=["Sessions"])
async def sign_out(account: Caller, database: Database) -> None:
    """Sign this device out, at once."""
    async with transaction(database) as connection:
        await sessions.revoke(connection, account.session_id, "signed out")


@delete("/v1/sessions/{session:uuid}", responses=problems(SessionMissing), tags=["Sessions"])
async def sign_device_out(
    session: FromPath[UUID],
    account: Caller,
    database: Database,
    lost: Annotated[
        bool,
        QueryParameter(description="The device is lost: pause your consent as well, see `/v1/me/consent-pause`."),
    ] = False,
) -> None:
    """Sign another device out, at once, for example a lost phone; what it sends at this moment is not kept."""
    async with transaction(database) as connection:
        if not await sessions.revoke_own(connection, account, session):
            raise SessionMissing
        if lost:
            await pauses.change(connection, account.id, paused=True)


handlers = [sign_in, refresh, list_sessions, sign_out, sign_device_out]

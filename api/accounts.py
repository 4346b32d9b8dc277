"""Accounts: sign up, and see what is known about oneself."""

from typing import Annotated, Any

from litestar import Request, get, post, put
from litestar.exceptions import NotAuthorizedException
from litestar.params import JSONBody
from msgspec import Meta, Struct

from api.addresses import SITE, hashed, network, network_of
from api.confirmations import demand
from api.dependencies import Caller, Configuration, Database, Hashing
from api.errors import StepUpRequired, TooManyAttempts
from api.passwords import PasswordsBusy
from api.problems import problems
from storage import accounts, attempts, sessions
from storage.accounts import Profile
from storage.database import reading, transaction
from storage.errors import EmailTaken
from storage.events import tell
from storage.sessions import Tokens

#: One @ with something on both sides is all that can be known without sending a letter.
Email = Annotated[
    str, Meta(pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+\Z", max_length=254, examples=["amina@example.org"])
]
Device = Annotated[str, Meta(max_length=100, examples=["Amina's phone"])]


class SignUp(Struct, frozen=True):
    """What a new account needs; `device` names this phone in the list of devices."""

    email: Email
    password: Annotated[str, Meta(min_length=10, max_length=256, examples=["a sentence nobody else says"])]
    device: Device | None = None


class SignedUp(Struct, frozen=True):
    """The new account, already signed in on this device."""

    account: Profile
    tokens: Tokens


@post(
    "/v1/accounts",
    opt={"public": True},
    responses=problems(EmailTaken, TooManyAttempts, PasswordsBusy, public=True),
    tags=["Accounts"],
)
async def sign_up(
    data: JSONBody[SignUp],
    request: Request[Any, Any, Any],
    database: Database,
    passwords: Hashing,
    settings: Configuration,
) -> SignedUp:
    """Open an account.

    The pseudonym is random; buyers never see the e-mail address. The account is signed in on this device at once. One
    network may open a thousand accounts within a day, or as many as the operator lets it.
    """
    here, site = network_of(request), hashed(settings, network(request.scope, SITE))
    async with transaction(database) as connection:
        # Only sign-ups that hit an existing account stay counted here, so nobody can try out who has one.
        wait = await attempts.admit(connection, data.email, here)
        wait = wait or await attempts.admit_sign_up(connection, site, settings.sign_ups)
    if wait is not None:
        raise TooManyAttempts(wait)
    password_hash = await passwords.hash(data.password)
    async with transaction(database) as connection:
        # Again: others on the same network had their passwords hashed meanwhile.
        if (wait := await attempts.admit_sign_up(connection, site, settings.sign_ups)) is not None:
            raise TooManyAttempts(wait)
        account = await accounts.create(connection, data.email, password_hash)
        await attempts.count_sign_up(connection, site)
        await attempts.forgive(connection, data.email, here)
        await attempts.remember(connection, account.id, hashed(settings, here))
        _, tokens = await sessions.start(connection, account.id, data.device)
    return SignedUp(account, tokens)


@get("/v1/me", responses=problems(), tags=["Accounts"])
async def me(account: Caller, database: Database) -> Profile:
    """Show the account that is signed in."""
    async with reading(database) as connection:
        profile = await accounts.profile_of(connection, account.id)
    if profile is None:
        raise NotAuthorizedException("This account is gone.")
    return profile


class NewPassword(Struct, frozen=True):
    """The password that counts from now on."""

    password: Annotated[str, Meta(min_length=10, max_length=256, examples=["another sentence nobody else says"])]


@put("/v1/me/password", responses=problems(StepUpRequired, PasswordsBusy), status_code=204, tags=["Accounts"])
async def change_password(
    data: JSONBody[NewPassword],
    request: Request[Any, Any, Any],
    account: Caller,
    database: Database,
    passwords: Hashing,
    settings: Configuration,
) -> None:
    """Change your password, and sign every other device out.

    Needs the present one (`POST /v1/sessions/current/confirmations`). Whoever has forgotten it asks an operator, who
    can set another one.
    """
    async with reading(database) as connection:
        await demand(connection, account)
    password_hash = await passwords.hash(data.password)
    async with transaction(database) as connection:
        await accounts.rehash(connection, account.id, password_hash)
        await sessions.revoke_others(connection, account, "password changed")
        await attempts.forget_networks(connection, account.id)
        await attempts.remember(connection, account.id, hashed(settings, network_of(request)))
        await tell(connection, account.id, "password.changed", by="contributor")


handlers = [sign_up, me, change_password]

"""Who is asking: every route is private unless it says `opt={"public": True}`.

A route that forgets to say anything is therefore closed. `opt={"operator": True}` keeps a route to operators, and
`opt={"buyer": True}` to buyers, who have keys instead of accounts: neither's token opens what is the other's. Only
`opt={"leaving": True}` still answers a token with which its account was erased.
The token is opaque: one indexed read tells whom it speaks for, so signing out works at once. Whoever asks has a share
of what can be under way at once, and so does an address that is a permission by itself (`opt={"ticket": True}`).
"""

from collections.abc import Hashable
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.shares import Shares
from storage.buyers import Buyer, keyholder
from storage.database import reading
from storage.sessions import Account, leaver, owner

#: Where the account, or the buyer, of a request is kept between the middleware and the handler.
KEY = "companion.account"
BUYER = "companion.buyer"
#: Characters at a ticket's beginning that say what it opens, a recording or a buyer, whenever it was made.
TICKET_NAMES = 21


def authenticated(app: ASGIApp) -> ASGIApp:
    """Wrap a route: find the account before anything else runs, or refuse."""

    async def authenticate(scope: Scope, receive: Receive, send: Send) -> None:
        whose = await asking(scope)
        if whose is None:
            # What is public may be kept, but not the tokens of whoever signs in (RFC 6749, section 5.1).
            reading_only = scope["method"] in {"GET", "HEAD", "OPTIONS"}  # type: ignore[typeddict-item]
            await app(scope, receive, send if reading_only else unkept(send))
            return
        state = Request(scope).app.state
        shares: Shares = state.shares
        with shares.one(whose), state.gate.fairly(scope, whose):
            await app(scope, receive, unkept(send))

    return authenticate


def unkept(send: Send) -> Send:
    """Let nobody's browser keep what is somebody's own, unless the route says how."""

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message["headers"]]
            if not any(name.lower() == b"cache-control" for name, _ in headers):
                message = {**message, "headers": [*headers, (b"cache-control", b"no-store")]}
        await send(message)

    return answer


async def asking(scope: Scope) -> Hashable | None:
    """Say whose share a request is of, and keep who it is; None where anybody may ask.

    Raises NotAuthorizedException, PermissionDeniedException.
    """
    opt = scope["route_handler"].opt
    if opt.get("buyer"):
        buyer = scope[BUYER] = await buyer_of(Request(scope))  # type: ignore[literal-required]
        return buyer.id
    if opt.get("ticket"):
        return str(scope["path_params"]["ticket"])[:TICKET_NAMES]
    if opt.get("public") or scope["method"] == "OPTIONS":  # type: ignore[typeddict-item]
        return None
    account = await account_of(Request(scope), leaving=bool(opt.get("leaving")))
    if opt.get("operator") and account.role != "operator":
        raise PermissionDeniedException("Only an operator may do that.")
    scope[KEY] = account  # type: ignore[literal-required]
    return account.id


async def account_of(request: ASGIConnection[Any, Any, Any, Any], *, leaving: bool = False) -> Account:
    """Read the bearer token; with `leaving`, also one with which its account was erased a moment ago.

    Raises NotAuthorizedException, which never says which part was wrong.
    """
    token = bearer(request)
    async with reading(request.app.state.database) as connection:
        account = await owner(connection, token)
        if account is None and leaving:
            account = await leaver(connection, token)
    if account is None:
        raise refused("The token is unknown or has expired; refresh it or sign in again.")
    return account


async def buyer_of(request: ASGIConnection[Any, Any, Any, Any]) -> Buyer:
    """Read a buyer's API key from the same header. Raises NotAuthorizedException."""
    key = bearer(request)
    async with reading(request.app.state.database) as connection:
        buyer = await keyholder(connection, key)
    if buyer is None:
        raise refused("The key is unknown or was taken back.")
    return buyer


def bearer(request: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Read what stands behind `Bearer`. Raises NotAuthorizedException."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotAuthorizedException("Sign in first.", headers={"WWW-Authenticate": "Bearer"})
    return token.strip()


def refused(sentence: str) -> NotAuthorizedException:
    """Say that what was shown opens nothing (RFC 6750, section 3.1)."""
    return NotAuthorizedException(sentence, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


def current_account(request: Request[Any, Any, Any]) -> Account:
    """Give the account that the middleware found."""
    return request.scope[KEY]  # type: ignore[literal-required, no-any-return]


def current_buyer(request: Request[Any, Any, Any]) -> Buyer:
    """Give the buyer that the middleware found."""
    return request.scope[BUYER]  # type: ignore[literal-required, no-any-return]

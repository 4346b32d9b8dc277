"""Who is asking: every route is private unless it says `opt={"public": True}`.

A route that forgets to say anything is therefore closed. `opt={"operator": True}` keeps a route to operators.
The token is opaque: one indexed read tells whom it speaks for, so signing out works at once.
"""

from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.types import ASGIApp, Receive, Scope, Send

from storage.database import reading
from storage.sessions import Account, owner

#: Where the account of a request is kept between the middleware and the handler.
KEY = "companion.account"


def authenticated(app: ASGIApp) -> ASGIApp:
    """Wrap a route: find the account before anything else runs, or refuse."""

    async def authenticate(scope: Scope, receive: Receive, send: Send) -> None:
        opt = scope["route_handler"].opt
        if not opt.get("public") and scope["method"] != "OPTIONS":  # type: ignore[typeddict-item]
            account = await account_of(Request(scope))
            if opt.get("operator") and account.role != "operator":
                raise PermissionDeniedException("Only an operator may do that.")
            scope[KEY] = account  # type: ignore[literal-required]
        await app(scope, receive, send)

    return authenticate


async def account_of(request: ASGIConnection[Any, Any, Any, Any]) -> Account:
    """Read the bearer token. Raises NotAuthorizedException, which never says which part was wrong."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthorizedException("Sign in first.", headers={"WWW-Authenticate": "Bearer"})
    async with reading(request.app.state.database) as connection:
        account = await owner(connection, token.strip())
    if account is None:
        raise NotAuthorizedException(
            "The token is unknown or has expired; refresh it or sign in again.",
            headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )
    return account


def current_account(request: Request[Any, Any, Any]) -> Account:
    """Give the account that the middleware found."""
    return request.scope[KEY]  # type: ignore[literal-required, no-any-return]

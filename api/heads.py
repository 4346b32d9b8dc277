"""HEAD wherever GET is: the same answer without its body (RFC 9110, section 9.3.2).

Litestar answers HEAD with 405 unless a route asks for it. A route that has its own, as tus does, keeps it.
"""

import re
from typing import Any

from litestar import Litestar, Request
from litestar.types import ASGIApp, Message, Receive, Scope, Send

#: What the copy of a scope bears, for routes whose body costs much or whose reading counts.
BODILESS = "companion.bodiless"


def bodiless(request: Request[Any, Any, Any]) -> bool:
    """Tell whether nobody will get the body of the answer."""
    return request.method == "HEAD" or BODILESS in request.scope


def headed(app: Litestar, inner: ASGIApp) -> ASGIApp:
    """Wrap the whole application."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        method = str(scope.get("method", ""))
        if method != "HEAD" or _has_its_own(app, scope["path"]):
            await inner(scope, receive, send)
            return
        # The server keeps its own scope and must go on seeing HEAD, so GET is asked with a copy.
        asked: Any = {**scope, "method": "GET", BODILESS: True}

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await inner(asked, receive, without_body)
        scope["path_template"] = asked.get("path_template", "")

    return answer


def _has_its_own(app: Litestar, path: str) -> bool:
    """Look for a route with a HEAD handler at that path; HEAD is rare, so nothing is prepared for it."""
    own = (route.path_format for route in app.routes if "HEAD" in getattr(route, "methods", ()))
    return any(re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", template), path) for template in own)

"""Web pages of other origins: what a browser lets them ask, and what it lets them read of an answer (CORS)."""

from __future__ import annotations

from litestar.config.cors import CORSConfig
from litestar.datastructures import MutableScopeHeaders
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.settings import Settings
from api.uploads import SPOKEN, VERSION

#: Headers of answers that a page may read.
EXPOSED = (
    *("Content-Language", "ETag", "Idempotency-Replayed", "Location", "Repr-Digest", "Retry-After", "X-JWS-Signature"),
    *("X-Request-Id", "Tus-Resumable", *SPOKEN, "Upload-Expires", "Upload-Length", "Upload-Metadata", "Upload-Offset"),
)
UPLOADS = "/v1/uploads"


def cors(settings: Settings) -> CORSConfig:
    """Let web clients call; without cookies an origin gains nothing that its user did not type in."""
    origins = [origin.strip() for origin in settings.cors_origins.split(",")]
    return CORSConfig(allow_origins=origins, expose_headers=list(EXPOSED), max_age=86400)


#: Where what an answer depends on is kept on its way out.
VARY = "companion.vary"


def noted(app: ASGIApp) -> ASGIApp:
    """Wrap a route: note what its answer depends on, because Litestar writes `Vary: Origin` over it."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                scope[VARY] = MutableScopeHeaders.from_message(message).get("vary", "")  # type: ignore[literal-required]
            await send(message)

        await app(scope, receive, noting)

    return answer


def varied(inner: ASGIApp, settings: Settings) -> ASGIApp:
    """Wrap the application so that caches hear all that an answer depends on.

    Where only some origins may read, that is the origin, too, also for whoever asked without one: a copy of that answer
    would be kept from the page that may read it. Without the reader's language a card would be shown in another one.
    """
    if "*" in cors(settings).allow_origins:
        return inner

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def saying(message: Message) -> None:
            if message["type"] == "http.response.start":
                known: str = scope.get(VARY, "")  # type: ignore[assignment]
                MutableScopeHeaders.from_message(message)["Vary"] = f"{known}, Origin" if known else "Origin"
            await send(message)

        await inner(scope, receive, saying)

    return answer


def discoverable(inner: ASGIApp) -> ASGIApp:
    """Wrap the application so that a web page, too, learns by OPTIONS which parts of tus are spoken.

    Litestar answers every OPTIONS that has an Origin by itself, before any route.
    """
    told = {**SPOKEN, "Tus-Resumable": VERSION, "Access-Control-Expose-Headers": ", ".join(EXPOSED)}
    more = [(name.lower().encode(), value.encode()) for name, value in told.items()]

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def saying_more(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        by_page = scope.get("method") == "OPTIONS" and any(name == b"origin" for name, _ in scope["headers"])
        await inner(scope, receive, saying_more if by_page and scope["path"].startswith(UPLOADS) else send)

    return answer

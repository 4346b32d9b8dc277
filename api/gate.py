"""The gate: when more is asked than can be done, a few are served at a time and the rest hear "come back in a moment".

Without it every request is begun, all of them share one processor, and everybody waits for seconds. It stands before
tokens are looked up and JSON is read. A request holds its place only while it is worked on: its body has arrived
before, and what goes out slowly goes out after, so a slow network never holds up others. The bytes of an upload do not
stand in the line at all: they have a limit of their own, and so they are finished first.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import msgspec
from litestar.enums import ScopeType
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.types import ASGIApp, HTTPRequestEvent, HTTPScope, Message, Receive, Scope, Send

from api.errors import BodyTooSlow, Overloaded
from api.line import HASHING, Line
from api.problems import MEDIA_TYPE, problem

#: A body that is no upload arrives within this time, in seconds; no JSON is larger than this, in bytes.
BODY_S = 30.0
BODY_BYTES = 1_000_000
#: How long one account's refusals are held back when it has more than a handful here, in seconds, and how many at most.
LINGER_S, MOST_LINGERING = 1.0, 256
#: What an orchestrator and a scraper ask must be answered most of all when nothing else is.
ALWAYS_OPEN = frozenset({"/healthz", "/readyz", "/metrics"})
#: Where bodies are recordings: streamed, judged by their own clock, and never kept in memory.
#: What is only said about an upload is JSON, which may not take one of their places for as long as it likes.
TRANSFERS = re.compile(r"/v1/uploads(/[^/]*)?|/v1/prechecks|/v1/passports/look-ups")
READING = frozenset({"GET", "HEAD", "OPTIONS"})
#: What hashes a password.
PASSWORDS = frozenset({"/v1/accounts", "/v1/sessions", "/v1/sessions/current/confirmations", "/v1/me/password"})


class Gate:
    """The line of requests, and how many uploads send bytes."""

    def __init__(self, running: int, waiting: int, transfers: int) -> None:
        """Begin empty."""
        self.line = Line(running, waiting)
        self.most_transfers = transfers
        self.transfers = 0
        self.transfers_turned_away = 0
        self.lingering = 0

    def around(self, app: ASGIApp) -> ASGIApp:
        """Wrap the whole application."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != ScopeType.HTTP or scope["path"] in ALWAYS_OPEN:
                await app(scope, receive, send)
                return
            try:
                if transfers(scope):
                    await self._transfer(app, scope, receive, send)
                else:
                    await self._in_line(app, scope, receive, send)
            except (Overloaded, BodyTooSlow, RequestEntityTooLarge) as error:
                await refuse(scope, send, error)

        return guarded

    async def _transfer(self, app: ASGIApp, scope: HTTPScope, receive: Receive, send: Send) -> None:
        if self.transfers >= self.most_transfers:
            self.transfers_turned_away += 1
            raise Overloaded
        self.transfers += 1
        try:
            await app(scope, receive, send)
        finally:
            self.transfers -= 1

    async def _linger(self, account: bytes) -> None:
        """Let one with much else here hear "later" later: who does not wait when told to would ask again at once."""
        if self.line.crowded(account) and self.lingering < MOST_LINGERING:
            self.lingering += 1
            try:
                await asyncio.sleep(LINGER_S)
            finally:
                self.lingering -= 1

    async def _in_line(self, app: ASGIApp, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Take the body, wait for a turn, and give the turn back when the answer begins."""
        account, urgent = asking(scope), urgency(scope)
        if scope["method"] not in READING:
            receive = await taken(receive)
        try:
            await self.line.enter(account, urgent)
        except Overloaded:
            del receive  # A body of up to 1 MB, which nobody will read.
            await self._linger(account)
            raise
        await in_turn(app, scope, receive, send, partial(self.line.leave, account, urgent))


async def in_turn(app: ASGIApp, scope: Scope, receive: Receive, send: Send, leave: Callable[[], None]) -> None:
    """Have a request answered, and give its turn back once: when the answer begins, or when there is none."""
    held = True

    async def answer(message: Message) -> None:
        nonlocal held
        if held:
            held = False
            leave()
        await send(message)

    try:
        await app(scope, receive, answer)
    finally:
        if held:
            leave()


def transfers(scope: HTTPScope) -> bool:
    """Whether the request's body is a recording."""
    return scope["method"] not in READING and TRANSFERS.fullmatch(scope["path"]) is not None


def urgency(scope: HTTPScope) -> int:
    """Reading comes first, then changing, which new claims are a part of, and what hashes a password last."""
    if scope["method"] in READING:
        return 0
    return HASHING if scope["method"] in {"POST", "PUT"} and scope["path"] in PASSWORDS else 1


def asking(scope: HTTPScope) -> bytes:
    """Who asks: the token as it stands in the header, because looking it up is work; else the address."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            return value
    client = scope.get("client")
    return client[0].encode() if client else b""


async def taken(receive: Receive) -> Receive:
    """Read a whole body and give it again. Raises BodyTooSlow, RequestEntityTooLarge."""
    pieces: list[bytes] = []
    size, more = 0, True
    try:
        async with asyncio.timeout(BODY_S):
            while more:
                event = await receive()
                if event["type"] != "http.request":
                    return _again(cast("Message", event), receive)
                pieces.append(event.get("body", b""))
                size += len(pieces[-1])
                if size > BODY_BYTES:
                    raise RequestEntityTooLarge
                more = event.get("more_body", False)
    except TimeoutError as error:
        raise BodyTooSlow from error
    whole: HTTPRequestEvent = {"type": "http.request", "body": b"".join(pieces), "more_body": False}
    return _again(whole, receive)


def _again(event: Any, receive: Receive) -> Receive:
    given = False

    async def replay() -> Any:
        nonlocal given
        if given:
            return await receive()
        given = True
        return event

    return replay


async def refuse(scope: HTTPScope, send: Send, error: Exception) -> None:
    """Answer with problem details, without the application: there is no time to waste on it."""
    answer = problem(error, str(cast("dict[str, Any]", scope).get("companion.request_id", "")))
    # Any web page may read this answer and when to come back: nothing in it is anybody's.
    headers = {**answer.headers, "content-type": MEDIA_TYPE, "access-control-allow-origin": "*"}
    headers["access-control-expose-headers"] = "Retry-After, X-Request-Id"
    body = msgspec.json.encode(answer.body)
    headers["content-length"] = str(len(body))
    sent = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": sent})
    await send({"type": "http.response.body", "body": body, "more_body": False})

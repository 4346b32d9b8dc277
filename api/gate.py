"""The gate: when more is asked than can be done, a few are served at a time and the rest hear "come back in a moment".

Without it every request is begun, all of them share one processor, and everybody waits for seconds. It stands before
tokens are looked up and JSON is read. A request holds its place only while it is worked on: a body that is still on its
way is waited for outside of the line, and what goes out slowly goes out after, so a slow network never holds up others.
A body is read when the route asks for it, which is after whoever is not let in has been answered. The bytes of an
upload do not stand in the line at all: they have a limit of their own, and so they are finished first.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import msgspec
from litestar.enums import ScopeType
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.types import ASGIApp, HTTPReceiveMessage, HTTPScope, Message, Receive, Scope, Send

from api.addresses import network
from api.authentication import BUYER, KEY
from api.bodies import Bodies, Room, whole
from api.errors import BodyTooSlow, Overloaded
from api.line import HASHING, Line
from api.problems import MEDIA_TYPE, problem
from api.shares import counted

#: How long one account's refusals are held back when it has more than a handful here, in seconds, and how many at most.
LINGER_S, MOST_LINGERING = 1.0, 256
#: Tokens that were found to be somebody's a while ago and are remembered for the line.
MOST_RECOGNISED = 20_000
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
        self.bodies = Bodies()
        self.recognised: dict[bytes, None] = {}
        self.most_transfers = transfers
        self.transfers = 0
        self.transferring: Counter[Hashable] = Counter()
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

    @contextmanager
    def fairly(self, scope: Scope, whose: Hashable) -> Iterator[None]:
        """Let somebody who was let in take bytes in; who does so already, only while as many more places are left.

        So the last places are for those who have none, however many the first ones would like, and nothing is kept free
        while only one asks (Choudhury, Hahne: "Dynamic Queue Length Thresholds for Shared-Memory Packet Switches",
        IEEE/ACM Transactions on Networking 6, 1998, with a factor of one). Raises Overloaded.
        """
        if scope["type"] != ScopeType.HTTP or not transfers(scope):
            yield
            return
        # This request has its place already.
        if self.transferring[whose] > self.most_transfers - self.transfers:
            self.transfers_turned_away += 1
            raise Overloaded
        with counted(self.transferring, whose):
            yield

    async def _linger(self, account: bytes) -> None:
        """Let one with much else here hear "later" later: who does not wait when told to would ask again at once."""
        if self.line.crowded(account) and self.lingering < MOST_LINGERING:
            self.lingering += 1
            try:
                await asyncio.sleep(LINGER_S)
            finally:
                self.lingering -= 1

    async def _in_line(self, app: ASGIApp, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Wait for a turn, and give the turn back when the answer begins."""
        turn = Turn(self.line, self._asking(scope), urgency(scope))
        try:
            await turn.begin()
        except Overloaded:
            await self._linger(turn.account)
            raise
        with self.bodies.room() as room:
            await self._in_turn(app, scope, turn.body(scope, receive, room), turn.sending(send), turn)

    async def _in_turn(self, app: ASGIApp, scope: HTTPScope, receive: Receive, send: Send, turn: Turn) -> None:
        try:
            await app(scope, receive, send)
        finally:
            turn.end()
            self._recognise(scope)

    def _asking(self, scope: HTTPScope) -> bytes:
        """Who asks, without looking it up, which is work: a token that was somebody's before, else the network.

        Whoever makes tokens up would be another one with each of them.
        """
        token = token_in(scope)
        return token if token in self.recognised else network(scope).encode()

    def _recognise(self, scope: HTTPScope) -> None:
        """Remember the token of a request that was let in."""
        token = token_in(scope)
        if token and token not in self.recognised and signed_in(scope) is not None:
            if len(self.recognised) >= MOST_RECOGNISED:
                del self.recognised[next(iter(self.recognised))]
            self.recognised[token] = None


class Turn:
    """One request's turn in the line: it begins, rests while a body is on its way, and ends with the answer."""

    def __init__(self, line: Line, account: bytes, urgency: int) -> None:
        """Begin outside of the line."""
        self.line, self.account, self.urgency = line, account, urgency
        self.number: int | None = None
        self.held = False

    async def begin(self) -> None:
        """Wait for the turn; a second time where it stood at first. Raises Overloaded."""
        self.number = await self.line.enter(self.account, self.urgency, self.number)
        self.held = True

    def end(self) -> None:
        """Give the turn back, if it is held."""
        if self.held:
            self.held = False
            self.line.leave(self.account, self.urgency)

    def sending(self, send: Send) -> Send:
        """Give the turn back when the answer begins."""

        async def answer(message: Message) -> None:
            self.end()
            await send(message)

        return answer

    def body(self, scope: HTTPScope, receive: Receive, room: Room) -> Receive:
        """Give the whole body when it is asked for, and hold no turn while it is on its way."""
        given = scope["method"] in READING

        async def asked() -> HTTPReceiveMessage:
            nonlocal given
            if given:
                return cast("HTTPReceiveMessage", await receive())
            given = True
            known = signed_in(scope)
            return await self._arrived(whole(receive, room, known or network(scope), known is not None))

        return cast("Receive", asked)

    async def _arrived(self, body: Any) -> HTTPReceiveMessage:
        reading = asyncio.ensure_future(body)
        try:
            # Most bodies are here already, and then nothing is waited for.
            await asyncio.sleep(0)
            if reading.done() or not self.held:
                return cast("HTTPReceiveMessage", await reading)
            self.end()
            event = await reading
            await self.begin()
            return cast("HTTPReceiveMessage", event)
        finally:
            reading.cancel()


def transfers(scope: HTTPScope) -> bool:
    """Whether the request's body is a recording."""
    return scope["method"] not in READING and TRANSFERS.fullmatch(scope["path"]) is not None


def urgency(scope: HTTPScope) -> int:
    """Reading comes first, then changing, which new claims are a part of, and what hashes a password last."""
    if scope["method"] in READING:
        return 0
    return HASHING if scope["method"] in {"POST", "PUT"} and scope["path"] in PASSWORDS else 1


def token_in(scope: HTTPScope) -> bytes:
    """Give the token as it stands in the header; nothing where there is none."""
    return next((value for name, value in scope["headers"] if name == b"authorization"), b"")


def signed_in(scope: HTTPScope) -> Hashable | None:
    """Give the id of the account or buyer that was let in; None while, or where, nobody has to be."""
    found: Any = scope.get(KEY) or scope.get(BUYER)
    return None if found is None else cast("Hashable", found.id)


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

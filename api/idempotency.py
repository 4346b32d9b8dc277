"""Idempotency-Key: a phone that lost the answer sends the request again and gets the answer it lost.

Honoured on every private POST that reads JSON; uploads have their own protocol for this and say
`opt={"idempotency": False}`. Only answers that changed something (2xx) are kept: a refusal changed nothing, so its key
is free for the corrected request. The rules follow draft-ietf-httpapi-idempotency-key-header.
"""

import hashlib
import logging
import re
from typing import Any
from uuid import UUID

from litestar import Request
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from msgspec import Struct

from api.authentication import KEY
from api.errors import AnswerLost, KeyInProgress, KeyInvalid, KeyReused
from storage import idempotency
from storage.database import Connection, Pool, transaction
from storage.encryption import unwrap, wrap
from storage.errors import Unavailable
from storage.idempotency import Kept, Taken, give_back, keep, take

logger = logging.getLogger("companion.idempotency")

#: Where the key of a request is kept between the middleware and work that binds it.
BOUND = "companion.idempotency"
PRINTABLE = re.compile(r"[\x21-\x7e]{1,255}")


def idempotent(app: ASGIApp) -> ASGIApp:
    """Wrap a route: repeat the kept answer of a key, or keep the answer that is given now."""

    async def answer_once(scope: Scope, receive: Receive, send: Send) -> None:
        request: Request[Any, Any, Any] = Request(scope, receive)
        key = request.headers.get("idempotency-key") if _honoured(scope) else None
        if key is None:
            await app(scope, receive, send)
            return
        if not PRINTABLE.fullmatch(key):
            raise KeyInvalid
        database: Pool = request.app.state.database
        account: UUID = scope[KEY].id  # type: ignore[literal-required]
        # Reading the body here is enough: the request that the handler gets finds it where this one left it.
        asked = hashlib.sha256(f"{request.method} {scope['path']}\n".encode() + await request.body()).digest()
        async with transaction(database) as connection:
            found = await take(connection, account, key, asked)
        sealing = Sealing(account, request.app.state.signing.master_key) if _secret(scope) else None
        if isinstance(found, Kept):
            await _repeat(found, send, sealing)
            return
        scope[BOUND] = (account, key, found)  # type: ignore[literal-required]
        await app(scope, receive, _Keeper(database, account, key, found, send, sealing))

    return answer_once


async def bind(connection: Connection, request: Request[Any, Any, Any]) -> None:
    """Do the work of a request's key, if it has one, in this transaction and never again. Raises KeyInProgress."""
    bound: tuple[UUID, str, Taken] | None = request.scope.get(BOUND)  # type: ignore[assignment]
    if bound is not None and not await idempotency.bind(connection, *bound):
        raise KeyInProgress


def _honoured(scope: Scope) -> bool:
    opt = scope["route_handler"].opt
    return scope["method"] == "POST" and KEY in scope and opt.get("idempotency", True)  # type: ignore[typeddict-item]


def _secret(scope: Scope) -> bool:
    """Whether the answer shows a secret of which we keep only a hash: it is kept encrypted."""
    return bool(scope["route_handler"].opt.get("secret"))


class Sealing(Struct, frozen=True):
    """How an answer is kept that shows a secret: under the master key, which is not in the database."""

    account: UUID
    master_key: bytes

    def seal(self, body: bytes) -> bytes:
        """Encrypt an answer."""
        return wrap(self.master_key, self.account, body)

    def open(self, body: bytes) -> bytes:
        """Decrypt a kept answer. Raises MediaDamaged."""
        return unwrap(self.master_key, self.account, body)


async def _repeat(kept: Kept, send: Send, sealing: Sealing | None) -> None:
    """Send the kept answer, byte for byte. Raises KeyReused, KeyInProgress, AnswerLost."""
    if not kept.same:
        raise KeyReused
    if kept.lost:
        raise AnswerLost
    if kept.status is None:
        raise KeyInProgress
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in kept.headers or []]
    headers.append((b"idempotency-replayed", b"true"))
    body = kept.body or b""
    body = body if sealing is None else sealing.open(body)
    await send({"type": "http.response.start", "status": kept.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


class _Keeper:
    """Holds an answer back until it is kept, so that nobody can have heard it and then lose it."""

    def __init__(
        self, database: Pool, account: UUID, key: str, taken: Taken, send: Send, sealing: Sealing | None = None
    ) -> None:
        self.database, self.account, self.key, self.taken, self.send = database, account, key, taken, send
        self.sealing = sealing
        self.start: Any = None
        self.body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        elif message["type"] == "http.response.body":
            self.body += message["body"]
            if not message["more_body"]:
                await self._settle()
                await self.send(self.start)
                await self.send({"type": "http.response.body", "body": self.body, "more_body": False})

    async def _settle(self) -> None:
        try:
            async with transaction(self.database) as connection:
                await self._record(connection)
        except Unavailable:
            # What was asked for is done, so its answer goes out; a repeat does the work again after a minute.
            logger.warning("An answer was given and could not be kept.")

    async def _record(self, connection: Connection) -> None:
        status: int = self.start["status"]
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.start["headers"]]
        if 200 <= status < 300:
            body = self.body if self.sealing is None else self.sealing.seal(self.body)
            await keep(connection, self.account, self.key, self.taken, status, headers, body)
        else:
            await give_back(connection, self.account, self.key, self.taken)

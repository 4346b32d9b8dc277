"""The log: one JSON object a line, and one line a request.

A line names the route's template, never the address that was asked for: ids, query strings and tokens stay out of the
log. Litestar's logging middleware would triple the cost of a request; this layer adds microseconds.
"""

import logging
import sys
import time
from typing import Any
from uuid import uuid4

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, Message, Receive, Scope, Send

from api.figures import Figures

logger = logging.getLogger("companion.requests")
#: What every LogRecord has; anything else was given as `extra` and belongs into the line.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonLines(logging.Formatter):
    """Write a record as one JSON object."""

    #: The second of the last line, and how it is written: many lines share one.
    second: tuple[int, str] = (0, "")

    def format(self, record: logging.LogRecord) -> str:
        if self.second[0] != int(record.created):
            self.second = (int(record.created), self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"))
        line: dict[str, Any] = {
            "at": self.second[1],
            "level": record.levelname.lower(),
            "from": record.name,
            "message": record.getMessage(),
        }
        line.update((key, value) for key, value in vars(record).items() if key not in _OWN)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


def configure(level: str) -> None:
    """Send every logger's lines to standard error."""
    # Who called, and in which thread, is in no line: finding it out costs as much as all the rest of a record.
    logging._srcfile = None  # noqa: SLF001 - the manual's own way ("Optimization").
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Both write a line for every statement or connection at INFO.
    for noisy in ("psycopg.pool", "urllib3", "procrastinate"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLogger().level))


def observed(app: ASGIApp, figures: Figures) -> ASGIApp:
    """Wrap the whole application: a request id, and a line and a count when the answer has gone out."""

    async def observe(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        request_id, began, status = str(uuid4()), time.perf_counter(), 0
        figures.under_way += 1
        scope["companion.request_id"] = request_id  # type: ignore[typeddict-unknown-key]

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message, request_id)
            await send(message)

        try:
            await app(scope, receive, answer)
        finally:
            took_s = time.perf_counter() - began
            route = str(scope.get("path_template", ""))
            figures.under_way -= 1
            figures.answered(scope["method"], route, status, took_s)
            _log_answer(request_id, scope["method"], route, status, took_s)

    return observe


def _log_answer(request_id: str, method: str, route: str, status: int, took_s: float) -> None:
    """Write the line of one answer; the route is the pattern, because an address may hold a secret."""
    if logger.isEnabledFor(logging.INFO):
        ms = round(took_s * 1000, 2)
        extra = {"request_id": request_id, "method": method, "route": route, "status": status, "ms": ms}
        logger.info("Answered.", extra=extra)


def _add_headers(message: HTTPResponseStartEvent, request_id: str) -> None:
    """Let a client quote the request, and keep a browser from guessing another type than the one sent."""
    message["headers"] = [
        *message["headers"],
        (b"x-request-id", request_id.encode()),
        (b"x-content-type-options", b"nosniff"),
    ]

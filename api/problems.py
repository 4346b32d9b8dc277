"""What a client hears when something goes wrong: RFC 9457 problem details.

Libraries raise plain exceptions and know no HTTP. `api/problem_table.py` gives each a stable slug, a status and a
title; here that row and the error's own sentence and facts become the answer. The document that describes the API and
the bytes on the wire come from the same struct.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import psycopg
from litestar import Request, Response, get
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotAuthorizedException,
    NotFoundException,
    ValidationException,
)
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath
from msgspec import UNSET, Struct, UnsetType

from api.errors import KindMissing
from api.problem_table import TABLE, Kind, kind_of
from storage import errors as stored

MEDIA_TYPE = "application/problem+json"
logger = logging.getLogger("companion.problems")


class RequestError(Struct, frozen=True):
    """One value of the request that cannot be used: where it is (JSON pointer or parameter name) and why."""

    pointer: str
    detail: str


class Problem(Struct, frozen=True, omit_defaults=True):
    """What went wrong, in the form of RFC 9457; further members carry the facts of the case.

    `type` never changes its meaning and leads to a page that explains it. `detail` is a sentence for a person.
    `instance` names this one request; quote it when asking for help.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[RequestError] | UnsetType = UNSET


class KindPage(Struct, frozen=True):
    """The explanation of one kind of problem."""

    type: str
    title: str
    status: int
    meaning: str


class Answer(Struct, frozen=True):
    """A problem ready to be sent."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]


def problem_response(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Answer a request that raised."""
    answer = problem(error, str(request.scope.get("companion.request_id", "")))
    if errors := answer.body.get("errors"):
        answer.body["errors"] = [RequestError(_sent_as(request, entry.pointer), entry.detail) for entry in errors]
    return Response(answer.body, status_code=answer.status, media_type=MEDIA_TYPE, headers=answer.headers)


def problem(error: Exception, request_id: str) -> Answer:
    """Make an error's answer: the row's status and the error's own sentence and facts."""
    kind = kind_of(type(error))
    status = error.status_code if isinstance(error, HTTPException) and kind.slug == "request-refused" else kind.status
    instance = f"urn:uuid:{request_id}"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and kind.retry_after_s is None:
        logger.error("A request failed.", exc_info=error, extra={"request_id": instance})
    body: dict[str, Any] = {
        "type": f"/problems/{kind.slug}",
        "title": kind.title,
        "status": status,
        "detail": _detail(error, kind),
        "instance": instance,
        **_facts(error),
    }
    return Answer(status, body, _headers(error, kind))


def _sent_as(request: Request[Any, Any, Any], name: str) -> str:
    """Give the name under which a parameter is sent; some have another one in our code, where it means something."""
    handler = request.scope.get("route_handler")
    known = {} if handler is None else handler.parsed_fn_signature.parameters
    field = known.get(name)
    return getattr(field and field.kwarg_definition, "name", None) or name


#: What a person reads where the exception's own words were written for a programmer, or say too much.
SENTENCES: dict[type[Exception], str] = {
    NotFoundException: "There is nothing at this address; the addresses are listed in /openapi.json.",
    MethodNotAllowedException: "The methods that this address takes are listed in the Allow header.",
    ValidationException: "Correct the values listed in `errors` and send the request again.",
    RequestEntityTooLarge: "The body of this request may be at most 1 MB.",
    psycopg.DataError: "A value in the request has characters or a size that cannot be stored.",
}
#: A parameter that is missing is named in Litestar's message only.
MISSING = re.compile(r"Missing required \w+ parameter '([^']+)'")
OUR_FAULT = "This is our fault and it has been noted. Try again; if it stays, quote `instance`."


def _detail(error: Exception, kind: Kind) -> str:
    """Give a sentence for a person; an unforeseen error says nothing about our insides."""
    if kind.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return OUR_FAULT
    for exception, sentence in SENTENCES.items():
        if isinstance(error, exception):
            return sentence
    # Ours that were raised without words have the status's own phrase, which helps nobody.
    if isinstance(error, HTTPException):
        worded = (
            type(error).__module__ != KindMissing.__module__ or error.detail != HTTPStatus(error.status_code).phrase
        )
        return str(error.detail) if worded else _sentence(type(error))
    return str(error.args[0] if error.args and error.args[0] else _sentence(type(error)))


def _sentence(exception: type[BaseException]) -> str:
    """Give the first line of the docstring, which is an exception's default message."""
    return (exception.__doc__ or "").strip().splitlines()[0]


def _facts(error: Exception) -> dict[str, Any]:
    if isinstance(error, ValidationException):
        missing = MISSING.match(str(error.detail))
        entries = [{"source": "query", "key": missing[1], "message": "It is missing."}] if missing else error.extra
        if isinstance(entries, list):
            return {"errors": [_request_error(entry) for entry in entries]}
    facts: Mapping[str, Any] = getattr(error, "facts", {})
    return {name: value for name, value in facts.items() if name not in {"type", "title", "status", "instance"}}


def _request_error(entry: Any) -> RequestError:
    """Rewrite one of Litestar's entries: a body value becomes a JSON pointer (RFC 6901), a parameter keeps its name."""
    key, message = str(entry.get("key", "")), str(entry.get("message", ""))
    if key == "data" and entry.get("source") not in {"query", "path", "header", "cookie"}:
        # The handler's own name for the whole body.
        return RequestError("", message)
    if entry.get("source") in {"query", "path", "header", "cookie"}:
        return RequestError(key, message)
    return RequestError(
        "".join(f"/{part}" for part in key.replace("[", ".").replace("]", "").split(".") if part), message
    )


def _headers(error: Exception, kind: Kind) -> dict[str, str]:
    headers = {"Cache-Control": "no-store", **(getattr(error, "headers", None) or {})}
    wait = getattr(error, "facts", {}).get("retry_after_s", kind.retry_after_s)
    if wait is not None:
        headers["Retry-After"] = str(wait)
    if kind.status == HTTPStatus.UNAUTHORIZED:
        headers.setdefault("WWW-Authenticate", "Bearer")
    return headers


def problems(*exceptions: type[Exception], public: bool = False) -> dict[int, ResponseSpec]:
    """Describe what a route may answer besides success; every route can be asked wrongly (400) and fail (503).

    A private route also answers 401. Kinds that share a status share one entry that names all of their slugs.
    """
    always = (ValidationException, stored.DatabaseBusy) + (() if public else (NotAuthorizedException,))
    kinds: dict[int, list[Kind]] = {}
    for exception in (*always, *exceptions):
        kind = kind_of(exception)
        kinds.setdefault(kind.status, []).append(kind)
    return {status: _described(rows) for status, rows in sorted(kinds.items())}


def _described(kinds: list[Kind]) -> ResponseSpec:
    description = "; ".join(dict.fromkeys(f"{kind.title} (`{kind.slug}`)" for kind in kinds))
    return ResponseSpec(data_container=Problem, generate_examples=False, description=description, media_type=MEDIA_TYPE)


def page_of(slug: str) -> KindPage:
    """Explain a kind of problem by its slug. Raises KindMissing."""
    for exception, kind in TABLE.items():
        if kind.slug == slug:
            ours = exception.__module__.startswith(("api", "storage"))
            meaning = SENTENCES.get(exception) or (_sentence(exception) if ours else kind.title + ".")
            return KindPage(f"/problems/{slug}", kind.title, kind.status, meaning)
    raise KindMissing


@get("/problems/{slug:str}", opt={"public": True}, responses=problems(KindMissing, public=True), tags=["Reference"])
async def explain_problem(slug: FromPath[str]) -> KindPage:
    """Explain one kind of problem: the page that the `type` of a problem leads to."""
    return page_of(slug)


@get("/problems", opt={"public": True}, responses=problems(public=True), tags=["Reference"])
async def list_problems() -> list[KindPage]:
    """List every kind of problem that this service answers with; the slugs never change their meaning."""
    return [page_of(slug) for slug in sorted({kind.slug for kind in TABLE.values()})]


handlers = [explain_problem, list_problems]

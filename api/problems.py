"""The one table from what can go wrong to what a client hears: RFC 9457 problem details.

Libraries raise plain exceptions and know no HTTP. Here each becomes a stable slug, a status, a title and a sentence a
contributor can act on. The document that describes the API and the bytes on the wire come from the same struct.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import psycopg
from litestar import Request, Response, get
from litestar.exceptions import (
    ClientException,
    HTTPException,
    MethodNotAllowedException,
    NotAuthorizedException,
    NotFoundException,
    PermissionDeniedException,
    ValidationException,
)
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath
from msgspec import UNSET, Struct, UnsetType

from api.passwords import PasswordsBusy
from capture_validation import errors as capture
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


class Kind(Struct, frozen=True):
    """One row of the table."""

    slug: str
    status: int
    title: str
    retry_after_s: int | None = None


class KindPage(Struct, frozen=True):
    """The explanation of one kind of problem."""

    type: str
    title: str
    status: int
    meaning: str


class UnsupportedMediaType(Exception):
    """The body is not of a type this route reads; send JSON as application/json."""


class MalformedJson(Exception):
    """The body is not valid JSON, or it is nested too deeply."""


class CursorInvalid(Exception):
    """The cursor is not one that this list has given out; start again without it."""


class TooManyAttempts(Exception):
    """Too many attempts; wait before the next one."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"Too many attempts; wait {retry_after_s} seconds before the next one.")
        self.facts = {"retry_after_s": retry_after_s}


class KeyReused(Exception):
    """This Idempotency-Key was used for another request; choose a new key for a new request."""


class KeyInProgress(Exception):
    """The first request with this Idempotency-Key is still being answered; ask again in a moment."""


class KeyInvalid(Exception):
    """An Idempotency-Key has 1 to 255 printable ASCII characters."""


class TusVersionUnknown(ClientException):
    """Only tus 1.0.0 is spoken here; say so in the Tus-Resumable header."""

    status_code = HTTPStatus.PRECONDITION_FAILED


class BodyTypeWrong(ClientException):
    """Bytes of an upload are sent as application/offset+octet-stream."""

    status_code = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class ChecksumMismatch(Exception):
    """The bytes arrived changed on the way; nothing of them was kept, send them again."""


class UploadTooSlow(Exception):
    """Too few bytes arrived for too long; what did arrive is kept, ask for the offset and go on from there."""

    def __init__(self, **facts: object) -> None:
        super().__init__()
        self.facts = facts


class RangeUnsatisfiable(ClientException):
    """The recording ends before the range that was asked for."""

    status_code = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE

    def __init__(self, size: int) -> None:
        """Tell the size, so that the client can ask again."""
        super().__init__(self.__doc__ or "", headers={"Content-Range": f"bytes */{size}"})


class KindMissing(Exception):
    """There is no kind of problem by that name."""


#: The nearest class in an exception's own ancestry decides, so a new exception without a row still gets its parent's.
TABLE: dict[type[Exception], Kind] = {
    # What HTTP itself refuses.
    NotFoundException: Kind("route-unknown", 404, "There is no such address"),
    MethodNotAllowedException: Kind("method-not-allowed", 405, "This address does not take that method"),
    NotAuthorizedException: Kind("unauthenticated", 401, "Sign in first"),
    PermissionDeniedException: Kind("forbidden", 403, "Not allowed"),
    ValidationException: Kind("request-invalid", 400, "A value in the request cannot be used"),
    MalformedJson: Kind("json-malformed", 400, "The body is not valid JSON"),
    CursorInvalid: Kind("cursor-invalid", 400, "The cursor cannot be used"),
    psycopg.DataError: Kind("value-unusable", 400, "A value in the request cannot be stored"),
    ClientException: Kind("request-refused", 400, "The request cannot be understood"),
    RequestEntityTooLarge: Kind("body-too-large", 413, "The body is too large"),
    UnsupportedMediaType: Kind("media-type-unsupported", 415, "The body has the wrong type"),
    PasswordsBusy: Kind("sign-in-busy", 429, "Very many are signing in", retry_after_s=2),
    TooManyAttempts: Kind("too-many-attempts", 429, "Too many attempts", retry_after_s=60),
    KeyReused: Kind("idempotency-key-reused", 422, "The Idempotency-Key belongs to another request"),
    KeyInProgress: Kind("idempotency-key-in-progress", 409, "The first request is still running", retry_after_s=1),
    KeyInvalid: Kind("idempotency-key-invalid", 400, "The Idempotency-Key cannot be used"),
    TusVersionUnknown: Kind("tus-version-unknown", 412, "Another version of tus"),
    BodyTypeWrong: Kind("upload-body-type", 415, "The body has the wrong type"),
    # tus names this status for a checksum that does not hold.
    ChecksumMismatch: Kind("checksum-mismatch", 460, "The bytes arrived changed"),
    stored.HashMismatch: Kind("hash-mismatch", 460, "Not the announced recording"),
    UploadTooSlow: Kind("upload-too-slow", 408, "Too few bytes for too long"),
    RangeUnsatisfiable: Kind("range-unsatisfiable", 416, "Nothing in that range"),
    KindMissing: Kind("problem-unknown", 404, "There is no such kind of problem"),
    # Nothing of that id belongs to this account, or to anybody: both answers are the same.
    stored.Missing: Kind("not-found", 404, "Not found"),
    stored.RecordingMissing: Kind("recording-missing", 404, "No such recording"),
    stored.UploadMissing: Kind("upload-missing", 404, "No such upload"),
    stored.CampaignMissing: Kind("campaign-missing", 404, "No such campaign"),
    stored.PromptMissing: Kind("prompt-missing", 422, "No such prompt in this campaign"),
    stored.TermSheetMissing: Kind("term-sheet-missing", 404, "No such term sheet"),
    stored.ReportMissing: Kind("report-missing", 404, "No report yet"),
    stored.MediaMissing: Kind("media-missing", 404, "No bytes yet"),
    stored.ConsentMissing: Kind("consent-missing", 404, "No decision yet"),
    stored.SessionMissing: Kind("session-missing", 404, "No such device"),
    # Well formed, and does not fit what is stored.
    stored.Conflict: Kind("conflict", 409, "The request does not fit"),
    stored.EmailTaken: Kind("email-taken", 409, "This e-mail address has an account"),
    stored.SlotTaken: Kind("slot-taken", 409, "This prompt has a take"),
    stored.ReplacementRefused: Kind("replacement-refused", 409, "This take cannot be replaced"),
    stored.CampaignClosed: Kind("campaign-closed", 409, "The campaign is closed"),
    stored.ClaimDiffers: Kind("claim-differs", 409, "The upload is not what was claimed"),
    stored.MoveRefused: Kind("move-refused", 409, "Not in this state"),
    stored.TermsChanged: Kind("terms-changed", 409, "The terms have changed"),
    stored.TermSheetPublished: Kind("term-sheet-published", 409, "Published words never change"),
    stored.UploadBusy: Kind("upload-busy", 423, "Another request is writing", retry_after_s=2),
    stored.UploadFinished: Kind("upload-finished", 409, "The upload is complete"),
    stored.OffsetConflict: Kind("offset-conflict", 409, "The offset does not continue"),
    # More than is allowed.
    stored.Refused: Kind("refused", 422, "Not allowed"),
    stored.TooLarge: Kind("too-large", 413, "The recording is too large"),
    stored.TooManyChunks: Kind("too-many-chunks", 422, "Too many small pieces"),
    stored.MediaTypeRefused: Kind("media-type-refused", 422, "Another kind of recording is wanted"),
    stored.LanguageRefused: Kind("language-refused", 422, "Another language is wanted"),
    stored.DecisionMissing: Kind("decision-missing", 422, "A decision is missing"),
    stored.TermSheetInvalid: Kind("term-sheet-invalid", 422, "The term sheet is incomplete"),
    stored.Exhausted: Kind("exhausted", 429, "Not so much at once", retry_after_s=60),
    stored.TooManyUploads: Kind("too-many-uploads", 429, "Too many uploads at once", retry_after_s=30),
    stored.TooManyWaiting: Kind("too-many-waiting", 429, "Too many recordings wait", retry_after_s=60),
    stored.DailyBytesUsed: Kind("daily-bytes-used", 429, "Enough for today", retry_after_s=3600),
    stored.Expired: Kind("expired", 410, "Too late"),
    stored.UploadExpired: Kind("upload-expired", 410, "The upload has expired"),
    stored.SignInRefused: Kind("sign-in-refused", 401, "Sign-in refused"),
    stored.TokenRefused: Kind("token-refused", 401, "The token does not stand"),
    # Our fault: the same request may be sent again.
    stored.Unavailable: Kind("unavailable", 503, "Try again later", retry_after_s=5),
    stored.DatabaseBusy: Kind("database-busy", 503, "Try again in a moment", retry_after_s=2),
    stored.StoreUnavailable: Kind("store-unavailable", 503, "Try again in a moment", retry_after_s=5),
    stored.StoreFull: Kind("store-full", 507, "No room for new recordings", retry_after_s=600),
    capture.SandboxError: Kind("validation-unavailable", 503, "Recordings cannot be examined now", retry_after_s=60),
    stored.MediaDamaged: Kind("media-damaged", 500, "The stored bytes are damaged"),
    stored.StorageError: Kind("storage-failed", 500, "Something went wrong here"),
    capture.CaptureError: Kind("examination-failed", 500, "Something went wrong here"),
    Exception: Kind("internal", 500, "Something went wrong here"),
}


def kind_of(exception: type[BaseException]) -> Kind:
    """Find the row of an exception's nearest ancestor."""
    return next(TABLE[cls] for cls in exception.__mro__ if issubclass(cls, Exception) and cls in TABLE)


def problem_response(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Answer a request that raised: the row's status and the error's own sentence and facts."""
    kind = kind_of(type(error))
    status = error.status_code if isinstance(error, HTTPException) and kind.slug == "request-refused" else kind.status
    instance = f"urn:uuid:{request.scope.get('companion.request_id', '')}"
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
    return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=_headers(error, kind))


#: What a person reads where the exception's own words were written for a programmer, or say too much.
SENTENCES: dict[type[Exception], str] = {
    NotFoundException: "There is nothing at this address; the addresses are listed in /openapi.json.",
    MethodNotAllowedException: "The methods that this address takes are listed in the Allow header.",
    ValidationException: "Correct the values listed in `errors` and send the request again.",
    RequestEntityTooLarge: "The body of this request may be at most 1 MB.",
    psycopg.DataError: "A value in the request has characters or a size that cannot be stored.",
}
OUR_FAULT = "This is our fault and it has been noted. Try again; if it stays, quote `instance`."


def _detail(error: Exception, kind: Kind) -> str:
    """Give a sentence for a person; an unforeseen error says nothing about our insides."""
    if kind.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return OUR_FAULT
    for exception, sentence in SENTENCES.items():
        if isinstance(error, exception):
            return sentence
    if isinstance(error, HTTPException):
        return str(error.detail)
    return str(error.args[0] if error.args and error.args[0] else _sentence(type(error)))


def _sentence(exception: type[BaseException]) -> str:
    """Give the first line of the docstring, which is an exception's default message."""
    return (exception.__doc__ or "").strip().splitlines()[0]


def _facts(error: Exception) -> dict[str, Any]:
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        return {"errors": [_request_error(entry) for entry in error.extra]}
    facts: Mapping[str, Any] = getattr(error, "facts", {})
    return {name: value for name, value in facts.items() if name not in {"type", "title", "status", "instance"}}


def _request_error(entry: Any) -> RequestError:
    """Rewrite one of Litestar's entries: a body value becomes a JSON pointer (RFC 6901), a parameter keeps its name."""
    key, message = str(entry.get("key", "")), str(entry.get("message", ""))
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
            meaning = _sentence(exception) if exception.__module__.startswith(("api", "storage")) else kind.title + "."
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

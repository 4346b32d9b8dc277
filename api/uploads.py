"""tus 1.0: resumable uploads that any tus client can speak, into the uploads that claims made.

A stock client may create its own upload by naming the claimed recording in its metadata; it gets the upload that the
claim made. Protocol: https://tus.io/protocols/resumable-upload, with creation, creation-with-upload, checksum,
termination and expiration.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, delete, head, patch, post, route
from litestar.enums import HttpMethod
from litestar.exceptions import ValidationException
from litestar.params import FromPath

from api.addresses import absolute
from api.dependencies import Caller, Configuration, Database, Objects
from api.errors import BodyTypeWrong, ChecksumMismatch, TusVersionUnknown, UploadTooSlow
from api.problems import problem_response, problems
from api.receiving import ALGORITHMS, WRITERS, Checksum, receive
from api.settings import Settings
from capture_validation.capacity import CAPACITY
from storage import uploads
from storage.database import transaction
from storage.errors import (
    ClaimDiffers,
    HashMismatch,
    OffsetConflict,
    RecordingMissing,
    StoreFull,
    TooLarge,
    TooManyChunks,
    TooManyUploads,
    UploadBusy,
    UploadExpired,
    UploadFinished,
    UploadMissing,
)
from storage.uploads import Upload

VERSION = "1.0.0"
BYTES = "application/offset+octet-stream"
EXTENSIONS = "creation,creation-with-upload,checksum,termination,expiration"
LARGEST = max(CAPACITY.audio_bytes, CAPACITY.video_bytes)
WRITE_PROBLEMS = (
    UploadMissing,
    UploadExpired,
    UploadFinished,
    UploadBusy,
    OffsetConflict,
    TooLarge,
    TooManyChunks,
    TooManyUploads,
    BodyTypeWrong,
    TusVersionUnknown,
    ChecksumMismatch,
    HashMismatch,
    UploadTooSlow,
    StoreFull,
)
AnyRequest = Request[Any, Any, Any]


def answer(status: int, headers: Mapping[str, str] | None = None) -> Response[None]:
    """Answer without a body, as tus does."""
    sent = {"Tus-Resumable": VERSION, "Cache-Control": "no-store", **(headers or {})}
    return Response(None, status_code=status, headers=sent)


def tus_problem(request: AnyRequest, error: Exception) -> Response[Any]:
    """Answer a problem with the header that a tus client expects on every answer."""
    response = problem_response(request, error)
    response.headers["Tus-Resumable"] = VERSION
    if isinstance(error, TusVersionUnknown):
        response.headers["Tus-Version"] = VERSION
    return response


def check_version(request: AnyRequest) -> None:
    """Refuse another version of tus before anything is done. Raises TusVersionUnknown."""
    if request.headers.get("tus-resumable") != VERSION:
        raise TusVersionUnknown


def whole_number(request: AnyRequest, name: str) -> int:
    """Read a header that must be a number of bytes. Raises ValidationException."""
    value = request.headers.get(name, "")
    if not (value.isascii() and value.isdigit() and len(value) < 19):
        raise ValidationException(extra=[{"key": name, "source": "header", "message": "must be a number of bytes"}])
    return int(value)


def checksum_of(request: AnyRequest) -> Checksum | None:
    """Read the checksum of this body, when the client sent one. Raises ValidationException."""
    value = request.headers.get("upload-checksum")
    if value is None:
        return None
    algorithm, _, digest = value.partition(" ")
    if algorithm not in ALGORITHMS:
        known = f"must be one of {', '.join(ALGORITHMS)}"
        raise ValidationException(extra=[{"key": "Upload-Checksum", "source": "header", "message": known}])
    return Checksum(algorithm, decoded(digest, "Upload-Checksum"))


def decoded(text: str, header: str) -> bytes:
    """Decode base64 from a header. Raises ValidationException."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValidationException(extra=[{"key": header, "source": "header", "message": "must be base64"}]) from error


def recording_in(metadata: str | None) -> UUID:
    """Find the claimed recording in Upload-Metadata: `recording` and its id in base64, among other keys.

    Raises ValidationException: an upload without a claim has no campaign and no terms.
    """
    for pair in (metadata or "").split(","):
        key, _, value = pair.strip().partition(" ")
        if key == "recording":
            try:
                return UUID(decoded(value.strip(), "Upload-Metadata").decode("ascii"))
            except ValueError:
                break
    message = "must name the id of a claimed recording under the key `recording`"
    raise ValidationException(extra=[{"key": "Upload-Metadata", "source": "header", "message": message}])


def expires(at: datetime) -> dict[str, str]:
    """Say until when the next bytes must have arrived, in the form of RFC 9110."""
    return {"Upload-Expires": format_datetime(at, usegmt=True)}


def lasts(settings: Settings) -> timedelta:
    """How long a claim lives after its last byte."""
    return timedelta(days=settings.claim_days)


@route(
    ["/", "/{upload:uuid}"],
    http_method=[HttpMethod.OPTIONS],
    opt={"public": True},
    status_code=204,
    responses=problems(public=True),
    tags=["Uploads"],
)
async def describe_uploads() -> Response[None]:
    """Say which parts of tus are spoken here."""
    return answer(
        204,
        {
            "Tus-Version": VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(LARGEST),
            "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
        },
    )


@post(
    "/",
    opt={"idempotency": False},
    request_max_body_size=None,
    responses=problems(RecordingMissing, ClaimDiffers, *WRITE_PROBLEMS),
    tags=["Uploads"],
)
async def create_upload(
    request: AnyRequest, account: Caller, database: Database, store: Objects, settings: Configuration
) -> Response[None]:
    """Create an upload for a claimed recording: it is the one that the claim made.

    `Upload-Metadata` names the recording, `Upload-Length` equals the claimed size. A body of bytes is taken as well.
    """
    check_version(request)
    length = whole_number(request, "upload-length")
    recording = recording_in(request.headers.get("upload-metadata"))
    async with transaction(database) as connection:
        upload = await uploads.claimed(connection, account.id, recording)
    if length != upload.length:
        raise ClaimDiffers(length=upload.length)
    if upload.expired:
        raise UploadExpired
    headers = {"Location": absolute(request, settings, f"/v1/uploads/{upload.id}"), **expires(upload.expires_at)}
    if request.headers.get("content-type") == BYTES:
        headers["Upload-Offset"] = str(await write(request, account.id, upload, database, store, settings, offset=0))
    return answer(201, headers)


async def write(
    request: AnyRequest,
    account: UUID,
    upload: Upload,
    database: Database,
    store: Objects,
    settings: Settings,
    *,
    offset: int,
) -> int:
    """Take the body of a request. Raises TooLarge before reading one that cannot fit, else as `receive`."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and offset + int(announced) > upload.length:
        raise TooLarge("The body is longer than the rest of the recording.", largest_bytes=upload.length - offset)
    return await receive(
        database,
        store,
        account,
        upload.id,
        request.stream(),
        offset=offset,
        at_once=settings.uploads_at_once,
        lasts=lasts(settings),
        checksum=checksum_of(request),
    )


@head("/{upload:uuid}", responses=problems(UploadMissing, UploadExpired, TusVersionUnknown), tags=["Uploads"])
async def read_offset(
    request: AnyRequest, upload: FromPath[UUID], account: Caller, database: Database, store: Objects
) -> Response[None]:
    """Ask how many bytes are stored.

    A request of this service that still writes to the upload is ended first, because asking means that its client lost
    it. The answer counts what the store really has, so a client sends again what a power cut took.
    """
    check_version(request)
    return await offset_of(upload, account.id, database, store)


async def offset_of(upload: UUID, account: UUID, database: Database, store: Objects) -> Response[None]:
    """Answer with the offset of an upload. Raises UploadMissing, UploadExpired."""
    async with transaction(database) as connection:
        found = await uploads.find(connection, account, upload)
    if found.expired:
        raise UploadExpired
    if found.completed_at is None:
        await WRITERS.hand_over(upload)
        present = {item.key: item.size for item in await store.listing(f"quarantine/{upload}/")}
        async with transaction(database) as connection:
            offset = await uploads.reconcile(connection, account, upload, present)
    else:
        offset = found.length
    return answer(200, {"Upload-Offset": str(offset), "Upload-Length": str(found.length), **expires(found.expires_at)})


@patch(
    "/{upload:uuid}",
    status_code=204,
    request_max_body_size=None,
    responses=problems(*WRITE_PROBLEMS),
    tags=["Uploads"],
)
async def append_bytes(
    request: AnyRequest,
    upload: FromPath[UUID],
    account: Caller,
    database: Database,
    store: Objects,
    settings: Configuration,
) -> Response[None]:
    """Send bytes from `Upload-Offset` on; what arrives before a cut is kept. The last byte starts the validation."""
    check_version(request)
    return await append(request, upload, account.id, database, store, settings)


async def append(
    request: AnyRequest, upload: UUID, account: UUID, database: Database, store: Objects, settings: Settings
) -> Response[None]:
    """Answer a PATCH. Raises BodyTypeWrong, and as `write`."""
    if request.headers.get("content-type") != BYTES:
        raise BodyTypeWrong
    offset = whole_number(request, "upload-offset")
    async with transaction(database) as connection:
        found = await uploads.find(connection, account, upload)
    stored = await write(request, account, found, database, store, settings, offset=offset)
    return answer(204, {"Upload-Offset": str(stored), **expires(found.expires_at)})


@delete("/{upload:uuid}", responses=problems(UploadMissing, UploadFinished, TusVersionUnknown), tags=["Uploads"])
async def terminate_upload(
    request: AnyRequest, upload: FromPath[UUID], account: Caller, database: Database
) -> Response[None]:
    """Give up an upload and its recording; the same bytes can be claimed again."""
    check_version(request)
    return await terminate(upload, account.id, database)


async def terminate(upload: UUID, account: UUID, database: Database) -> Response[None]:
    """Answer a DELETE. Raises UploadMissing, UploadFinished."""
    async with transaction(database) as connection:
        await uploads.terminate(connection, account, upload)
    await WRITERS.hand_over(upload)
    return answer(204)


@post(
    "/{upload:uuid}",
    opt={"idempotency": False},
    status_code=204,
    request_max_body_size=None,
    responses=problems(*WRITE_PROBLEMS),
    tags=["Uploads"],
)
async def use_other_method(
    request: AnyRequest,
    upload: FromPath[UUID],
    account: Caller,
    database: Database,
    store: Objects,
    settings: Configuration,
) -> Response[None]:
    """Do what `X-HTTP-Method-Override` says (PATCH, HEAD or DELETE), for networks that let only GET and POST pass."""
    check_version(request)
    match request.headers.get("x-http-method-override", "").upper():
        case "PATCH":
            return await append(request, upload, account.id, database, store, settings)
        case "HEAD":
            return await offset_of(upload, account.id, database, store)
        case "DELETE":
            return await terminate(upload, account.id, database)
    message = "must be PATCH, HEAD or DELETE"
    raise ValidationException(extra=[{"key": "X-HTTP-Method-Override", "source": "header", "message": message}])


handlers = [
    Router(
        "/v1/uploads",
        # OPTIONS comes first: Litestar answers it by itself for every path that is registered before.
        route_handlers=[
            describe_uploads,
            create_upload,
            read_offset,
            append_bytes,
            terminate_upload,
            use_other_method,
        ],
        exception_handlers={Exception: tus_problem},
    )
]

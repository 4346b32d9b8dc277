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
from litestar.di import NamedDependency, Provide
from litestar.enums import HttpMethod, MediaType
from litestar.exceptions import NotFoundException, ValidationException
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, SkipValidation
from msgspec import Struct

from api.addresses import absolute
from api.checksums import ALGORITHMS, Checksum
from api.dependencies import Caller, Configuration, Database, Objects
from api.errors import BodyTypeWrong, ChecksumMismatch, TusVersionUnknown, UploadTooSlow
from api.problems import problem_response, problems
from api.receiving import WRITERS, Body, Received, receive
from api.settings import Settings
from capture_validation.capacity import CAPACITY
from storage import parts, uploads
from storage.database import Pool, reading, transaction
from storage.errors import (
    ClaimDiffers,
    ExaminationImpossible,
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
from storage.objects import Store
from storage.sessions import Account
from storage.uploads import Upload

VERSION = "1.0.0"
BYTES = "application/offset+octet-stream"
EXTENSIONS = "creation,creation-with-upload,checksum,termination,expiration"
LARGEST = max(CAPACITY.audio_bytes, CAPACITY.video_bytes)
#: What OPTIONS says about us.
SPOKEN = {
    "Tus-Version": VERSION,
    "Tus-Extension": EXTENSIONS,
    "Tus-Max-Size": str(LARGEST),
    "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
}
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
    ExaminationImpossible,
)
AnyRequest = Request[Any, Any, Any]


def answer(status: int, headers: Mapping[str, str] | None = None) -> Response[None]:
    """Answer without a body, as tus does."""
    sent = {"Tus-Resumable": VERSION, "Cache-Control": "no-store", **(headers or {})}
    # Nothing as JSON would be the word "null".
    return Response(None, status_code=status, headers=sent, media_type=MediaType.TEXT)


def tus_problem(request: AnyRequest, error: Exception) -> Response[Any]:
    """Answer a problem with the header that a tus client expects on every answer."""
    response = problem_response(request, error)
    response.headers["Tus-Resumable"] = VERSION
    if isinstance(error, TusVersionUnknown):
        response.headers["Tus-Version"] = VERSION
    return response


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


def metadata_of(upload: Upload) -> dict[str, str]:
    """Say which recording the upload is of: the one thing of a client's metadata that is kept.

    A file's name tells more about somebody than is needed here.
    """
    return {"Upload-Metadata": f"recording {base64.b64encode(str(upload.recording_id).encode()).decode()}"}


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
    responses=problems(NotFoundException, public=True),
    tags=["Uploads"],
)
async def describe_uploads() -> Response[None]:
    """Say which parts of tus are spoken here."""
    return answer(204, SPOKEN)


class Exchange(Struct, frozen=True):
    """One request of a tus client, and what it takes to answer it."""

    request: AnyRequest
    account: Account
    database: Pool
    store: Store
    settings: Settings


def exchange_of(
    request: AnyRequest, account: Caller, database: Database, store: Objects, settings: Configuration
) -> Exchange:
    """Begin to answer a tus client that speaks our version. Raises TusVersionUnknown."""
    if request.headers.get("tus-resumable") != VERSION:
        raise TusVersionUnknown
    return Exchange(request, account, database, store, settings)


#: `exchange: Tus` in every handler that asks for the protocol's version.
Tus = NamedDependency[SkipValidation[Exchange]]


@post(
    "/",
    opt={"idempotency": False},
    request_max_body_size=None,
    responses=problems(RecordingMissing, ClaimDiffers, *WRITE_PROBLEMS),
    tags=["Uploads"],
)
async def create_upload(exchange: Tus) -> Response[None]:
    """Create an upload for a claimed recording: it is the one that the claim made.

    `Upload-Metadata` names the recording, `Upload-Length` equals the claimed size. A body is the first bytes of the
    recording; of those that are here already nothing is stored twice, and `Upload-Offset` says where to go on.
    """
    request = exchange.request
    length = whole_number(request, "upload-length")
    recording = recording_in(request.headers.get("upload-metadata"))
    async with reading(exchange.database) as connection:
        upload = await uploads.claimed(connection, exchange.account.id, recording)
    if length != upload.length:
        raise ClaimDiffers(length=upload.length)
    if upload.expired:
        raise UploadExpired
    location = absolute(request, exchange.settings, f"/v1/uploads/{upload.id}")
    headers = {"Location": location, **expires(upload.expires_at)}
    if request.headers.get("content-type") == BYTES:
        done = upload.completed_at is not None
        stored = upload.length if done else (await write(exchange, upload.id, offset=0, again=True)).offset
        headers["Upload-Offset"] = str(stored)
    return answer(201, headers)


async def write(exchange: Exchange, upload: UUID, *, offset: int, again: bool = False) -> Received:
    """Take the body of a request. Raises as `receive`."""
    request, settings = exchange.request, exchange.settings
    announced = request.headers.get("content-length", "")
    body = Body(
        request.stream(), offset, int(announced) if announced.isdigit() else None, checksum_of(request), again=again
    )
    return await receive(
        exchange.database,
        exchange.store,
        exchange.account,
        upload,
        body,
        at_once=settings.uploads_at_once,
        lasts=lasts(settings),
    )


@head("/{upload:uuid}", responses=problems(UploadMissing, UploadExpired, TusVersionUnknown), tags=["Uploads"])
async def read_offset(upload: FromPath[UUID], exchange: Tus) -> Response[None]:
    """Ask how many bytes are stored, from the start without a gap.

    A request of this service that still writes to the upload is ended first, because asking means that its client lost
    it. The answer counts what the store really has, so a client sends again what a power cut took.
    """
    return await offset_of(exchange, upload)


async def offset_of(exchange: Exchange, upload: UUID) -> Response[None]:
    """Answer with the offset of an upload. Raises UploadMissing, UploadExpired."""
    async with reading(exchange.database) as connection:
        found = await uploads.find(connection, exchange.account.id, upload)
    if found.expired:
        raise UploadExpired
    offset = found.length
    if found.completed_at is None:
        await WRITERS.hand_over(upload)
        there = await settled(exchange.database, exchange.store, exchange.account.id, upload, lasts(exchange.settings))
        offset = there.offset
    known = {"Upload-Offset": str(offset), "Upload-Length": str(found.length)}
    return answer(200, known | metadata_of(found) | expires(found.expires_at))


async def settled(database: Pool, store: Store, account: UUID, upload: UUID, lasts: timedelta) -> parts.Settled:
    """Compare the rows of an upload with what the store has. Raises UploadMissing."""
    present = {item.key: item.size for item in await store.listing(f"quarantine/{upload}/")}
    async with transaction(database) as connection:
        return await parts.settle(connection, account, upload, present, lasts)


@patch(
    "/{upload:uuid}",
    status_code=204,
    request_max_body_size=None,
    responses=problems(*WRITE_PROBLEMS),
    tags=["Uploads"],
)
async def append_bytes(upload: FromPath[UUID], exchange: Tus) -> Response[None]:
    """Send bytes from `Upload-Offset` on; what arrives before a cut is kept. The last byte starts the validation.

    With `Upload-Checksum` a body has at most 64 MiB, and none of it counts before the checksum holds.
    """
    return await append(exchange, upload)


async def append(exchange: Exchange, upload: UUID) -> Response[None]:
    """Answer a PATCH. Raises BodyTypeWrong, and as `write`."""
    if exchange.request.headers.get("content-type") != BYTES:
        raise BodyTypeWrong
    offset = whole_number(exchange.request, "upload-offset")
    received = await write(exchange, upload, offset=offset)
    return answer(204, {"Upload-Offset": str(received.offset), **expires(received.expires_at)})


@delete("/{upload:uuid}", responses=problems(UploadMissing, UploadFinished, TusVersionUnknown), tags=["Uploads"])
async def terminate_upload(upload: FromPath[UUID], exchange: Tus) -> Response[None]:
    """Give up an upload and its recording; the same bytes can be claimed again."""
    return await terminate(exchange, upload)


async def terminate(exchange: Exchange, upload: UUID) -> Response[None]:
    """Answer a DELETE. Raises UploadMissing, UploadFinished."""
    async with transaction(exchange.database) as connection:
        await uploads.terminate(connection, exchange.account.id, upload)
    await WRITERS.hand_over(upload)
    return answer(204)


@post(
    "/{upload:uuid}",
    opt={"idempotency": False},
    status_code=204,
    request_max_body_size=None,
    responses={
        200: ResponseSpec(None, generate_examples=False, description="The offset, where HEAD was meant."),
        **problems(*WRITE_PROBLEMS),
    },
    tags=["Uploads"],
)
async def use_other_method(upload: FromPath[UUID], exchange: Tus) -> Response[None]:
    """Do what `X-HTTP-Method-Override` says (PATCH, HEAD or DELETE), for networks that let only GET and POST pass."""
    meant = {"PATCH": append, "HEAD": offset_of, "DELETE": terminate}
    method = meant.get(exchange.request.headers.get("x-http-method-override", "").upper())
    if method is None:
        message = f"must be one of {', '.join(meant)}"
        raise ValidationException(extra=[{"key": "X-HTTP-Method-Override", "source": "header", "message": message}])
    return await method(exchange, upload)


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
        dependencies={"exchange": Provide(exchange_of, sync_to_thread=False)},
        exception_handlers={Exception: tus_problem},
    )
]

"""The direct door: a phone puts pieces of a recording straight into the object store, past this service.

Where the store can be reached from outside, the service only signs permissions and counts what arrived. The same upload
may be continued here or by tus at any moment, because both store pieces of one kind.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from api.dependencies import Caller, Configuration, Database, Objects
from api.errors import CursorInvalid, DirectUploadUnavailable
from api.pages import Cursor, Limit, Page, page, position_of
from api.problems import problems
from api.recordings import Sha256
from api.settings import Settings
from api.uploads import lasts, settled
from storage import examiners
from storage.database import transaction
from storage.errors import (
    ExaminationImpossible,
    PartRefused,
    StoreFull,
    StoreUnavailable,
    TooManyChunks,
    UploadBusy,
    UploadExpired,
    UploadFinished,
    UploadIncomplete,
    UploadMissing,
)
from storage.parts import Part, Settled, gaps, key_of
from storage.presigning import Bucket, Put, presigned_put
from storage.uploads import MOST_CHUNKS

#: How long a permission lives: long enough for a slow phone's 8 MiB, too short to be worth stealing.
PERMITTED_FOR = timedelta(minutes=10)
#: Bytes of one part at most: what a cut connection may cost a phone.
LARGEST_PART = 64 * 1024 * 1024
#: Gaps that an incomplete upload lists.
GAPS_SHOWN = 100

Start = Annotated[int, Meta(ge=0, le=2**53 - 1, description="Where the part begins in the file.", examples=[0])]
Size = Annotated[int, Meta(ge=1, le=LARGEST_PART, description="Bytes of the part.", examples=[8388608])]


class WantedPart(Struct, frozen=True):
    """A piece that the phone wants to put into the store, and the SHA-256 of these bytes."""

    start: Start
    size: Size
    sha256: Sha256


class WantedParts(Struct, frozen=True):
    """The next pieces, at most 100; they may lie anywhere and arrive in any order."""

    parts: Annotated[list[WantedPart], Meta(min_length=1, max_length=100)]


class PutPermission(Struct, frozen=True):
    """How to put one part: the address, and headers that are signed and must be sent exactly like this."""

    url: Annotated[
        str,
        Meta(
            examples=["https://store.example.org/companion/quarantine/0198c2f4/000000000000.8388608?X-Amz-Expires=600"]
        ),
    ]
    headers: Annotated[dict[str, str], Meta(examples=[{"content-length": "8388608", "if-none-match": "*"}])]
    expires_at: datetime


class PartView(Struct, frozen=True):
    """A wanted part: `put` says how to send it, and is null when these bytes are stored already."""

    start: Start
    size: Size
    put: PutPermission | None


class PartViews(Struct, frozen=True):
    """The wanted parts, in the order of the question."""

    parts: list[PartView]


class StoredPart(Struct, frozen=True):
    """A stored piece, whichever door it came through."""

    start: Start
    size: Annotated[int, Meta(ge=1, examples=[8388608])]


class Completion(Struct, frozen=True):
    """Everything is there; the recording is being examined."""

    recording: UUID
    length: Annotated[int, Meta(examples=[352078])]


def outside(settings: Settings) -> Bucket:
    """Say how phones reach the bucket. Raises DirectUploadUnavailable where they do not."""
    if not settings.s3_public_endpoint:
        raise DirectUploadUnavailable
    keys = settings.s3_access_key, settings.s3_secret_key
    return Bucket(settings.s3_public_endpoint, *keys, settings.s3_bucket, settings.s3_region)


@post(
    "/v1/uploads/{upload:uuid}/parts",
    # An answer that is kept would be repeated after its permissions have lapsed; asking again costs nothing.
    opt={"idempotency": False},
    status_code=200,
    responses=problems(
        DirectUploadUnavailable,
        UploadMissing,
        UploadExpired,
        UploadFinished,
        PartRefused,
        TooManyChunks,
        StoreFull,
        StoreUnavailable,
        ExaminationImpossible,
    ),
    tags=["Uploads"],
)
async def permit_parts(
    upload: FromPath[UUID],
    data: JSONBody[WantedParts],
    account: Caller,
    database: Database,
    store: Objects,
    settings: Configuration,
) -> PartViews:
    """Get permissions to put parts straight into the object store, each for exactly these bytes and only once.

    Send each part with PUT and the given headers within ten minutes; 412 says that it is there already. Where this
    service has no such door the answer is 409 `direct-upload-unavailable`: send everything by tus then.
    """
    there = await settled(database, store, account.id, upload, lasts(settings))
    bucket = outside(settings)
    check_open(there)
    store.room.check()
    async with transaction(database) as connection:
        await examiners.check(connection)
    wanted = [Part(part.start, part.size, bytes.fromhex(part.sha256)) for part in data.parts]
    missing = among_gaps(wanted, there)
    now = datetime.now(UTC)
    views = []
    for part in wanted:
        put = None
        if part in missing:
            key = key_of(upload, part)
            put = presigned_put(bucket, key, size=part.size, sha256=part.sha256, lasts=PERMITTED_FOR, now=now)
        views.append(PartView(part.start, part.size, permission(put, now)))
    return PartViews(views)


def permission(put: Put | None, now: datetime) -> PutPermission | None:
    """Show a permission with its end."""
    return None if put is None else PutPermission(put.url, put.headers, now + PERMITTED_FOR)


def check_open(there: Settled) -> None:
    """Let through an upload that still takes bytes. Raises UploadFinished, UploadExpired."""
    if there.complete:
        raise UploadFinished(offset=there.upload.length)
    if there.upload.expired:
        raise UploadExpired


def among_gaps(wanted: list[Part], there: Settled) -> set[Part]:
    """Pick the parts that are not stored yet.

    Raises PartRefused for parts that overlap each other, a stored piece or the end, and TooManyChunks.
    """
    free = gaps(there.stored, there.upload.length)
    missing: set[Part] = set()
    end = 0
    for part in sorted(wanted, key=lambda part: part.start):
        touched = [gap for gap in free if gap[0] < part.end and part.start < sum(gap)]
        inside = bool(touched) and touched[0][0] <= part.start and part.end <= sum(touched[0])
        if part.start < end or part.end > there.upload.length or (touched and not inside):
            raise PartRefused(start=part.start, size=part.size, missing=shown(free))
        if inside:
            missing.add(part)
        end = part.end
    if len(there.stored) + len(missing) > MOST_CHUNKS:
        raise TooManyChunks(most=MOST_CHUNKS)
    return missing


def shown(missing: list[tuple[int, int]]) -> list[dict[str, int]]:
    """Write gaps as facts of a problem."""
    return [{"start": start, "size": size} for start, size in missing[:GAPS_SHOWN]]


@get(
    "/v1/uploads/{upload:uuid}/parts",
    responses=problems(UploadMissing, CursorInvalid, StoreUnavailable),
    tags=["Uploads"],
)
async def list_parts(
    upload: FromPath[UUID],
    account: Caller,
    database: Database,
    store: Objects,
    settings: Configuration,
    cursor: Cursor = None,
    limit: Limit = 200,
) -> Page[StoredPart]:
    """List the pieces that are stored, in order, whichever door they came through.

    A phone that lost its memory learns here what it need not send again. Once an upload is complete and its recording
    examined, its pieces are gone and the list is empty.
    """
    there = await settled(database, store, account.id, upload, lasts(settings))
    after = position_of(cursor)
    rest = [piece for piece in there.stored if after is None or piece.start > after.int]
    # A cursor holds an id of 16 bytes; the start of a piece is its id within an upload.
    return page(
        [StoredPart(piece.start, piece.size) for piece in rest[: limit + 1]], limit, lambda piece: UUID(int=piece.start)
    )


@post(
    "/v1/uploads/{upload:uuid}/completion",
    status_code=200,
    responses=problems(UploadMissing, UploadExpired, UploadIncomplete, UploadBusy, StoreUnavailable),
    tags=["Uploads"],
)
async def complete_upload(
    upload: FromPath[UUID], account: Caller, database: Database, store: Objects, settings: Configuration
) -> Completion:
    """Say that all parts were put; they are counted in the store, and the validation starts.

    When some are missing, the problem `upload-incomplete` lists them. Asking again is harmless.
    """
    there = await settled(database, store, account.id, upload, lasts(settings))
    if not there.complete:
        check_open(there)
        if there.upload.busy:
            raise UploadBusy
        missing = gaps(there.stored, there.upload.length)
        raise UploadIncomplete(offset=there.offset, missing=shown(missing))
    return Completion(there.upload.recording_id, there.upload.length)


handlers = [permit_parts, list_parts, complete_upload]

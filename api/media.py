"""Listening and watching: a recording's own bytes, decrypted for its owner alone, from any place on."""

from __future__ import annotations

import re
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, TypeAlias
from uuid import UUID

from litestar import Request, Response, get, head, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath
from litestar.response import Stream
from msgspec import Meta, Struct

from api.addresses import absolute
from api.conditional import matches
from api.dependencies import Caller, Configuration, Database, Objects
from api.endings import while_allowed
from api.errors import RangeUnsatisfiable
from api.heads import bodiless
from api.problems import problems
from api.tickets import opened, signed
from storage import encryption, recordings, sessions
from storage.database import Connection, Pool, transaction
from storage.errors import MediaDamaged, MediaMissing, RecordingMissing, StoreUnavailable
from storage.media import Media, plaintext
from storage.objects import Store

AnyRequest: TypeAlias = Request[Any, Any, Any]
#: Minutes are enough for a media element to begin; each further range is a request under the same link.
LINK_LASTS_S = 15 * 60
#: recording, session, and when the link ends, in seconds since 1970.
LINK = struct.Struct(">16s16sQ")
PURPOSE = b"companion media link of a session"
LINK_OVER = "This link does not lead to a recording, or not any more; ask for a new one."


class MediaLink(Struct, frozen=True):
    """An address that plays without a header, for a media element; whoever has it can listen until it expires.

    It ends with the session it was made in, so signing a device out ends what was made on it, too.
    """

    url: Annotated[str, Meta(examples=["https://example.org/v1/media/AZjC9GpRfD6dG18_CgxAOw"])]
    expires_at: datetime


class Played(Struct, frozen=True):
    """Stored bytes, what is needed to decrypt them, and how they are called when they are saved."""

    media: Media
    key: bytes
    media_type: str
    sha256: bytes
    name: str


#: Finds what is to be played, and raises where it may not be played, or not any more.
Find: TypeAlias = Callable[[], Awaitable[Played]]


async def stored_media(database: Pool, master_key: bytes, session: UUID, recording: UUID) -> Played:
    """Find the stored bytes of a recording of whoever has the session. Raises RecordingMissing, MediaMissing."""
    async with transaction(database) as connection:
        account = await listener(connection, session)
        found = await recordings.find(connection, account, recording)
        if found.object_key is None:
            raise MediaMissing(state=found.state)
        key = await encryption.subject_key(connection, master_key, account)
    stored = Media(found.id, found.object_key, found.size_bytes)
    return Played(stored, key, found.media_type, found.sha256, str(found.id))


async def listener(connection: Connection, session: UUID) -> UUID:
    """Find whose session it is. Raises MediaMissing once it has ended."""
    account = await sessions.speaks_for(connection, session)
    if account is None:
        raise MediaMissing(LINK_OVER)
    return account


def asked_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Read a Range header (RFC 9110, section 14.1.2) as start and end (exclusive); None asks for everything.

    A header that is malformed or names several ranges is ignored, as the standard allows. Raises RangeUnsatisfiable.
    """
    match = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", (header or "").replace(" ", ""))
    if match is None or match[0] == "bytes=-":
        return None
    first, last = match[1], match[2]
    if first and last and int(last) < int(first):
        return None
    start = int(first) if first else max(size - int(last), 0)
    stop = min(int(last) + 1, size) if first and last else size
    if start >= size or (not first and int(last) == 0):
        raise RangeUnsatisfiable(size)
    return start, stop


def headers_of(played: Played) -> dict[str, str]:
    """What is sent with every answer; the type is the announced sound or picture type, which no browser runs."""
    return {
        "ETag": f'"{played.sha256.hex()[:32]}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
        "Content-Disposition": f'attachment; filename="{played.name}"',
        "Content-Type": played.media_type,
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }


async def play(request: AnyRequest, store: Store, find: Find) -> Response[Any]:
    """Answer with the whole recording (200), the asked range (206), or 304; it ends once `find` raises.

    Raises RangeUnsatisfiable, MediaMissing, and as `find`.
    """
    played = await find()
    size = played.media.size_bytes
    headers = headers_of(played)
    if matches(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(b"", status_code=304, headers=headers)
    wanted = None
    # A range is asked for with GET alone (RFC 9110, section 14.2): HEAD is asked for the size of everything.
    if not bodiless(request) and request.headers.get("if-range", headers["ETag"]) == headers["ETag"]:
        wanted = asked_range(request.headers.get("range"), size)
    start, stop = wanted or (0, size)
    headers["Content-Length"] = str(stop - start)
    if wanted is not None:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    status = 200 if wanted is None else 206
    if bodiless(request):
        return Response(None, status_code=status, headers=headers)
    body = await begun(plaintext(store, played.media, played.key, start, stop))
    lasting = while_allowed(request, body, partial(same, find, played))
    return Stream(lasting, status_code=status, headers=headers, media_type=played.media_type)


async def same(find: Find, played: Played) -> None:
    """Look whether what is played is still what may be played. Raises MediaMissing, and as `find`."""
    if (await find()).media != played.media:
        raise MediaMissing


async def begun(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Fetch the first piece before the answer begins: a store that is away is then a problem and not a broken body."""
    first = await anext(pieces, b"")

    async def rest() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    return rest()


BYTES = ResponseSpec(
    bytes,
    generate_examples=False,
    description="The recording.",
    media_type="audio/*",
)
#: What `play` answers with, for the document.
PLAYED = {"forms": ("video/*",), "ranges": True}
MEDIA_PROBLEMS = problems(RecordingMissing, MediaMissing, RangeUnsatisfiable, StoreUnavailable, MediaDamaged)


@get("/v1/recordings/{recording:uuid}/media", opt=PLAYED, responses={200: BYTES, **MEDIA_PROBLEMS}, tags=["Media"])
async def read_media(
    recording: FromPath[UUID],
    request: AnyRequest,
    account: Caller,
    database: Database,
    store: Objects,
    settings: Configuration,
) -> Response[Any]:
    """Listen to your recording or watch it, from any byte on (`Range`)."""
    return await play(
        request, store, partial(stored_media, database, settings.master_key, account.session_id, recording)
    )


@head("/v1/recordings/{recording:uuid}/media", responses=MEDIA_PROBLEMS, tags=["Media"])
async def describe_media(
    recording: FromPath[UUID],
    request: AnyRequest,
    account: Caller,
    database: Database,
    store: Objects,
    settings: Configuration,
) -> Response[None]:
    """Ask for the size and type of your recording without its bytes."""
    return await play(
        request, store, partial(stored_media, database, settings.master_key, account.session_id, recording)
    )


@post("/v1/recordings/{recording:uuid}/media-links", responses=problems(RecordingMissing, MediaMissing), tags=["Media"])
async def make_media_link(
    recording: FromPath[UUID], request: AnyRequest, account: Caller, database: Database, settings: Configuration
) -> MediaLink:
    """Make an address that plays for a quarter of an hour without a token, because media elements send none."""
    await stored_media(database, settings.master_key, account.session_id, recording)
    ends = int(time.time()) + LINK_LASTS_S
    ticket = leading_to(settings.master_key, recording, account.session_id, ends)
    return MediaLink(absolute(request, settings, f"/v1/media/{ticket}"), datetime.fromtimestamp(ends, UTC))


def leading_to(master_key: bytes, recording: UUID, session: UUID, ends: int) -> str:
    """Write who, signed in on which device, may listen to what, and until when."""
    return signed(master_key, PURPOSE, LINK.pack(recording.bytes, session.bytes, ends))


def led_to(master_key: bytes, ticket: str, now: float) -> tuple[UUID, UUID]:
    """Read recording and session from a link. Raises MediaMissing, whatever is wrong with it."""
    facts = opened(master_key, PURPOSE, ticket, LINK.size)
    recording, session, ends = LINK.unpack(facts) if facts else (b"", b"", 0)
    if facts is None or ends < now:
        raise MediaMissing(LINK_OVER)
    return UUID(bytes=recording), UUID(bytes=session)


@get(
    "/v1/media/{ticket:str}",
    opt={"public": True, "ticket": True, **PLAYED},
    responses={200: BYTES, **problems(MediaMissing, RangeUnsatisfiable, StoreUnavailable, public=True)},
    tags=["Media"],
)
async def play_link(
    ticket: FromPath[str], request: AnyRequest, database: Database, store: Objects, settings: Configuration
) -> Response[Any]:
    """Play what a link leads to, from any byte on (`Range`); the link itself is the permission."""
    recording, session = led_to(settings.master_key, ticket, time.time())
    return await play(request, store, partial(stored_media, database, settings.master_key, session, recording))


handlers = [read_media, describe_media, make_media_link, play_link]

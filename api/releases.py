"""Releases: what was sold to a buyer, fetched with the buyer's own key.

The address of a file is good for a quarter of an hour and for one buyer, and is looked at again when it is used: what
was withdrawn in between is not handed out, nor anything once the key was taken back that it was listed with.
"""

from __future__ import annotations

import struct
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath
from litestar.response import Stream
from msgspec import Meta, Struct

from api import croissant
from api.addresses import absolute
from api.authentication import bearer
from api.dependencies import Buying, Configuration, Database, Objects
from api.errors import RangeUnsatisfiable
from api.media import BYTES, LINK_LASTS_S, PLAYED, Played, play
from api.pages import Cursor, Limit, cursor_of, position_of
from api.problems import problems
from api.tickets import opened, signed
from storage import buyers, deliveries, encryption
from storage.database import Connection, Pool, reading, transaction
from storage.deliveries import File, Licence, Status, Wanted
from storage.errors import (
    BuyerRefused,
    DatasetMissing,
    LicenceEnded,
    MediaDamaged,
    MediaMissing,
    RecordingOnHold,
    RenditionPending,
    StoreUnavailable,
)
from storage.objects import Store
from storage.sessions import hashed

BUYER = {"buyer": True}
#: buyer, dataset, recording, the hash of the buyer's key, version, and when the address ends, in seconds since 1970.
TICKET = struct.Struct(">16s16s16s32sIQ")
PURPOSE = b"companion delivery"
#: How many rows a manifest is read in at a time.
CHUNK = 5000


class ReleaseFile(Struct, frozen=True):
    """One recording of a release; `url` is null unless it can be fetched now.

    `preparing`: its cleaned copy is being made. `on_hold`: somebody has objected to it. `ended`: withdrawn, or the term
    is over: delete your copies.
    """

    code: Annotated[str, Meta(examples=["7K3M9QXA2PV4"])]
    status: Status
    language: Annotated[str, Meta(examples=["en"])] | None
    duration_s: float
    media_type: Annotated[str, Meta(examples=["audio/flac"])] | None
    size_bytes: int | None
    sha256: Annotated[str, Meta(examples=["6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090"])] | None
    url: Annotated[str, Meta(examples=["https://example.org/v1/deliveries/AZjC9GpRfD6dG18_CgxAOw"])] | None
    delivered_at: datetime | None


class ReleaseView(Struct, frozen=True):
    """A release: what was licensed, where its manifest is, and a page of its files."""

    dataset: UUID
    title: Annotated[str, Meta(examples=["Read speech, English"])]
    version: Annotated[int, Meta(examples=[1])]
    licences: list[Licence]
    manifest_url: Annotated[
        str, Meta(examples=["https://example.org/v1/datasets/0198c2f4-6a51-7c3e-9d1b-5f3f0a1c2b3d/releases/1/manifest"])
    ]
    urls_expire_at: datetime
    files: list[ReleaseFile]
    next_cursor: Annotated[str, Meta(examples=["AZjC9GpRfD6dG18_CgxAOw"])] | None


RELEASE = "/v1/datasets/{dataset:uuid}/releases/{version:int}"
PREPARING = ResponseSpec(ReleaseView, description="Some files are still being cleaned; ask again for those.")


@get(RELEASE, opt=BUYER, responses={202: PREPARING, **problems(DatasetMissing, BuyerRefused)}, tags=["Buyers"])
async def read_release(
    dataset: FromPath[UUID],
    version: FromPath[int],
    request: Request[Any, Any, Any],
    keyholder: Buying,
    database: Database,
    settings: Configuration,
    limit: Limit = 200,
    cursor: Cursor = None,
) -> Response[ReleaseView]:
    """List what was sold to you of a dataset version, with addresses that are good for a quarter of an hour.

    202 with Retry-After while cleaned copies on this page are still being made.
    """
    ends, key = int(time.time()) + LINK_LASTS_S, hashed(bearer(request))
    async with transaction(database) as connection:
        release = await deliveries.release(connection, keyholder.id, dataset, version)
        rows = await deliveries.files(
            connection, keyholder.id, dataset, version, after=position_of(cursor), limit=limit + 1
        )
    shown = rows[:limit]

    def address(file: File) -> str | None:
        if file.status != "ready":
            return None
        facts = TICKET.pack(keyholder.id.bytes, dataset.bytes, file.recording_id.bytes, key, version, ends)
        return absolute(request, settings, f"/v1/deliveries/{signed(settings.master_key, PURPOSE, facts)}")

    view = ReleaseView(
        dataset=dataset,
        title=release.title,
        version=version,
        licences=release.licences,
        manifest_url=absolute(request, settings, f"/v1/datasets/{dataset}/releases/{version}/manifest"),
        urls_expire_at=datetime.fromtimestamp(ends, UTC),
        files=[file_view(file, address(file)) for file in shown],
        next_cursor=cursor_of(shown[-1].recording_id) if len(rows) > limit else None,
    )
    return _answer(view)


def _answer(view: ReleaseView) -> Response[ReleaseView]:
    """Give a page of a release: complete, or for now, to be asked for again."""
    headers = {"Cache-Control": "no-store"}
    if any(file.status == "preparing" for file in view.files):
        return Response(view, status_code=202, headers={**headers, "Retry-After": "120"})
    return Response(view, headers=headers)


def file_view(file: File, url: str | None) -> ReleaseFile:
    """Show a file to its buyer, who never learns the recording's id."""
    return ReleaseFile(
        code=file.code,
        status=file.status,
        language=file.language,
        duration_s=file.duration_ms / 1000,
        media_type=file.media_type,
        size_bytes=file.size_bytes,
        sha256=file.sha256.hex() if file.sha256 else None,
        url=url,
        delivered_at=file.delivered_at,
    )


MANIFEST = ResponseSpec(
    dict[str, Any],
    generate_examples=False,
    description="Croissant 1.1 in JSON-LD, with the conditions in ODRL 2.2.",
    media_type=croissant.MEDIA_TYPE,
)


@get(
    f"{RELEASE}/manifest",
    opt=BUYER,
    responses={200: MANIFEST, **problems(DatasetMissing, BuyerRefused)},
    tags=["Buyers"],
)
async def read_manifest(
    dataset: FromPath[UUID],
    version: FromPath[int],
    request: Request[Any, Any, Any],
    keyholder: Buying,
    database: Database,
    settings: Configuration,
) -> Response[dict[str, Any]]:
    """Read a release as a Croissant manifest: its files with their hashes, and the conditions of your licences."""
    async with transaction(database) as connection:
        release = await deliveries.release(connection, keyholder.id, dataset, version)
        files = [file async for file in every_file(connection, keyholder.id, dataset, version)]
    written = croissant.manifest(release, files, absolute(request, settings, ""))
    return Response(written, media_type=croissant.MEDIA_TYPE, headers={"Cache-Control": "private, no-cache"})


async def every_file(connection: Connection, buyer: UUID, dataset: UUID, version: int) -> AsyncIterator[File]:
    """Read a whole release, some thousand rows at a time."""
    after = None
    while rows := await deliveries.files(connection, buyer, dataset, version, after=after, limit=CHUNK):
        for row in rows:
            yield row
        after = rows[-1].recording_id


UNFETCHABLE = (
    BuyerRefused,
    DatasetMissing,
    LicenceEnded,
    RecordingOnHold,
    RenditionPending,
    MediaMissing,
    RangeUnsatisfiable,
    StoreUnavailable,
    MediaDamaged,
)


@get(
    "/v1/deliveries/{ticket:str}",
    opt={"public": True, "ticket": True, **PLAYED},
    responses={200: BYTES, **problems(*UNFETCHABLE, public=True)},
    tags=["Buyers"],
)
async def fetch_delivery(
    ticket: FromPath[str],
    request: Request[Any, Any, Any],
    database: Database,
    store: Objects,
    settings: Configuration,
) -> Response[Any]:
    """Fetch one cleaned recording, from any byte on (`Range`); the address itself is the permission.

    410 as soon as its contributor withdrew it, also under an address that was given out before.
    """
    key, wanted = ticket_read(settings.master_key, ticket, time.time())
    return await handed_over(request, database, store, settings.master_key, key, wanted)


@get(
    f"{RELEASE}/files/{{code:str}}",
    opt=BUYER | PLAYED,
    responses={200: BYTES, **problems(*UNFETCHABLE)},
    tags=["Buyers"],
)
async def fetch_file(
    dataset: FromPath[UUID],
    version: FromPath[int],
    code: FromPath[str],
    request: Request[Any, Any, Any],
    keyholder: Buying,
    database: Database,
    store: Objects,
    settings: Configuration,
) -> Response[Any]:
    """Fetch one cleaned recording with your key, by its code: the addresses of a manifest, which do not expire."""
    async with reading(database) as connection:
        recording = await deliveries.coded(connection, code)
    if recording is None:
        raise DatasetMissing
    wanted = Wanted(keyholder.id, dataset, version, recording)
    return await handed_over(request, database, store, settings.master_key, hashed(bearer(request)), wanted)


async def handed_over(
    request: Request[Any, Any, Any], database: Pool, store: Store, master_key: bytes, key: bytes, wanted: Wanted
) -> Response[Any]:
    """Answer with a file, and write its delivery down once the store has given it and before a byte of it goes out.

    Its contributor reads that, and a buyer who was withdrawn from has to delete what was delivered: not what a store
    that is away kept. It may be withdrawn while the store is asked. Raises as `deliverable` and `play`.
    """
    answer = await play(request, store, partial(deliverable, database, master_key, key, wanted))
    if isinstance(answer, Stream):
        async with transaction(database) as connection:
            await deliveries.deliver(connection, wanted, fetched=True)
    return answer


async def deliverable(database: Pool, master_key: bytes, key: bytes, wanted: Wanted) -> Played:
    """Find a file that may be handed to whoever has the key of a hash, with what opens it.

    Raises DatasetMissing, also once the key was taken back, and as `deliveries.deliver`.
    """
    async with transaction(database) as connection:
        if await buyers.holder(connection, key) is None:
            raise DatasetMissing("The key was taken back that this address was listed with.")
        delivery = await deliveries.deliver(connection, wanted, fetched=False)
        opens = await encryption.subject_key(connection, master_key, delivery.account_id)
    return Played(delivery.media, opens, delivery.media_type, delivery.sha256, delivery.code)


def ticket_read(master_key: bytes, ticket: str, now: float) -> tuple[bytes, Wanted]:
    """Read the hash of a key, and what is wanted, from an address. Raises DatasetMissing, whatever is wrong with it."""
    facts = opened(master_key, PURPOSE, ticket, TICKET.size)
    if facts is None:
        raise DatasetMissing("This address does not lead to a file; list the release again.")
    buyer, dataset, recording, key, version, ends = TICKET.unpack(facts)
    if ends < now:
        raise DatasetMissing("This address has expired; list the release again.")
    return key, Wanted(UUID(bytes=buyer), UUID(bytes=dataset), version, UUID(bytes=recording))


handlers = [read_release, read_manifest, fetch_delivery, fetch_file]

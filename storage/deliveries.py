"""Deliveries: what a buyer may fetch of a release that was sold to it, and that it did.

A release is a version of a dataset seen by one buyer. Only cleaned renditions are ever handed out, only while a sale's
line stands, and a first fetch is written down where the contributor reads it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct
from msgspec.structs import asdict

from storage import buyers
from storage.database import Connection, every, one, run
from storage.errors import BuyerRefused, DatasetMissing, LicenceEnded, RecordingOnHold, RenditionPending
from storage.media import Media

Status = Literal["ready", "preparing", "on_hold", "ended"]


class Licence(Struct, frozen=True):
    """One sale of a release to its buyer; `term_sheets` are the `id/versions/n` that its contributors agreed to."""

    sale: UUID
    uses: Annotated[list[str], Meta(examples=[["asr_training"]])]
    purpose: Annotated[str, Meta(examples=["Speech recognition for hospital documentation."])]
    starts_at: datetime
    ends_at: datetime
    term_sheets: Annotated[list[str], Meta(examples=[["voice-standard/versions/1"]])]


class Release(Struct, frozen=True):
    """A version of a dataset as one buyer sees it, with its sales to that buyer, the oldest first."""

    dataset: UUID
    slug: str
    title: str
    description: str
    version: int
    published_at: datetime
    licences: list[Licence]


class File(Struct, frozen=True):
    """One recording of a release; what describes its rendition is null until that is made, or once it ended."""

    recording_id: UUID
    code: str
    status: Status
    language: str | None
    duration_ms: int
    media_type: str | None
    size_bytes: int | None
    sha256: bytes | None
    delivered_at: datetime | None


class Delivery(Struct, frozen=True):
    """A rendition that may be handed out now, and whose key opens it."""

    account_id: UUID
    code: str
    media: Media
    media_type: str
    sha256: bytes


class _Dataset(Struct, frozen=True):
    slug: str
    title: str
    description: str
    created_at: datetime


DATASET = """
    SELECT d.slug, d.title, d.description, v.created_at
    FROM datasets d JOIN dataset_versions v ON v.dataset_id = d.id WHERE d.id = %(dataset)s AND v.version = %(version)s
"""
LICENCES = """
    SELECT s.id AS sale, s.uses, s.purpose, s.starts_at, s.ends_at, s.term_sheets
    FROM sales s WHERE s.buyer_id = %(buyer)s AND s.dataset_id = %(dataset)s AND s.version = %(version)s ORDER BY s.id
"""


async def allowed(connection: Connection, buyer: UUID) -> None:
    """Let only a buyer pass that is cleared today: who came onto a list since the sale gets nothing more of it.

    Raises BuyerRefused.
    """
    found = await buyers.find(connection, buyer)
    if found.screening != "cleared":
        raise BuyerRefused(screening=found.screening, because=found.screening_because)


async def release(connection: Connection, buyer: UUID, dataset: UUID, version: int) -> Release:
    """Give a release that was sold to the buyer.

    Raises DatasetMissing, also for one that was sold to others only, and BuyerRefused.
    """
    await allowed(connection, buyer)
    named = await one(connection, _Dataset, DATASET, dataset=dataset, version=version)
    licences = await every(connection, Licence, LICENCES, buyer=buyer, dataset=dataset, version=version)
    if named is None or not licences:
        raise DatasetMissing
    return Release(dataset, named.slug, named.title, named.description, version, named.created_at, licences)


#: Everything of a release that was ever sold to this buyer, and whether a line of it stands now.
LINES = """
    SELECT line.recording_id, min(line.delivered_at) AS delivered_at,
        bool_or(line.ended_at IS NULL AND s.ends_at > now()) AS stands
    FROM sale_lines line JOIN sales s ON s.id = line.sale_id
    WHERE s.buyer_id = %(buyer)s AND s.dataset_id = %(dataset)s AND s.version = %(version)s
"""
#: A rendition follows its owner's choices when it bears their version; an older one is not handed out any more.
FILE = """
    SELECT r.id AS recording_id, k.code, r.language, line.delivered_at, r.account_id,
        CASE WHEN NOT line.stands OR r.state NOT IN ('accepted', 'held') THEN 'ended'
            WHEN r.state = 'held' THEN 'on_hold' WHEN n.sha256 IS NULL THEN 'preparing' ELSE 'ready' END AS status,
        greatest(coalesce(r.duration_ms, 0) - coalesce(n.removed_ms, 0), 0) AS duration_ms,
        n.object_key, n.media_type, n.size_bytes, n.sha256
    FROM line JOIN recordings r ON r.id = line.recording_id JOIN recording_codes k ON k.recording_id = r.id
        LEFT JOIN privacy p ON p.recording_id = r.id
        LEFT JOIN renditions n ON n.recording_id = r.id AND n.number = p.version
"""
FILES = f"""
    WITH line AS ({LINES} AND (%(after)s::uuid IS NULL OR line.recording_id > %(after)s)
        GROUP BY line.recording_id ORDER BY line.recording_id LIMIT %(limit)s)
    SELECT recording_id, code, status, CASE WHEN status = 'ready' THEN language END AS language, duration_ms,
        CASE WHEN status = 'ready' THEN media_type END AS media_type,
        CASE WHEN status = 'ready' THEN size_bytes END AS size_bytes,
        CASE WHEN status = 'ready' THEN sha256 END AS sha256, delivered_at
    FROM ({FILE}) AS file ORDER BY recording_id
"""


async def files(
    connection: Connection, buyer: UUID, dataset: UUID, version: int, *, after: UUID | None = None, limit: int
) -> list[File]:
    """List the recordings of a release, in the order of their ids, from the one after `after` on."""
    return await every(connection, File, FILES, buyer=buyer, dataset=dataset, version=version, after=after, limit=limit)


class _Found(Struct, frozen=True):
    recording_id: UUID
    code: str
    language: str | None
    delivered_at: datetime | None
    account_id: UUID
    status: Status
    duration_ms: int
    object_key: str | None
    media_type: str | None
    size_bytes: int | None
    sha256: bytes | None


NAMED = "SELECT recording_id AS id FROM recording_codes WHERE code = %(code)s"


class _Id(Struct, frozen=True):
    id: UUID


async def coded(connection: Connection, code: str) -> UUID | None:
    """Find the recording that has a public code."""
    found = await one(connection, _Id, NAMED, code=code)
    return None if found is None else found.id


FIND = f"WITH line AS ({LINES} AND line.recording_id = %(recording)s GROUP BY line.recording_id) {FILE}"
DELIVERED = """
    UPDATE sale_lines line SET delivered_at = now() FROM sales s
    WHERE s.id = line.sale_id AND s.buyer_id = %(buyer)s AND s.dataset_id = %(dataset)s AND s.version = %(version)s
        AND line.recording_id = %(recording)s AND line.delivered_at IS NULL AND line.ended_at IS NULL
        AND s.ends_at > now()
"""


class Wanted(Struct, frozen=True):
    """A recording of a release, as its buyer asks for it."""

    buyer: UUID
    dataset: UUID
    version: int
    recording: UUID


async def deliver(connection: Connection, wanted: Wanted, *, fetched: bool) -> Delivery:
    """Give a rendition to its buyer, and write down when it is `fetched`: not before its bytes are there.

    Raises BuyerRefused, DatasetMissing, LicenceEnded, RecordingOnHold, RenditionPending.
    """
    await allowed(connection, wanted.buyer)
    found = await one(connection, _Found, FIND, **asdict(wanted))
    if found is None:
        raise DatasetMissing
    if found.status == "ended":
        raise LicenceEnded(code=found.code)
    if found.status == "on_hold":
        raise RecordingOnHold(code=found.code)
    if found.object_key is None or found.size_bytes is None or found.media_type is None or found.sha256 is None:
        raise RenditionPending(code=found.code)
    if fetched:
        await run(connection, DELIVERED, **asdict(wanted))
    media = Media(wanted.recording, found.object_key, found.size_bytes)
    return Delivery(found.account_id, found.code, media, found.media_type, found.sha256)

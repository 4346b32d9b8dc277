"""Datasets: named collections of recordings, published version by version.

A version is a list that never changes, so that "your recording is in version 3" stays true and can be proved by the
version's hash. What a version may be used for is decided recording by recording when it is sold, not here.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from storage.database import Connection, every, one, run
from storage.errors import DatasetMissing, DatasetTaken, NotForSale

#: Crockford's Base32: no letter that is mistaken for a digit, because people read codes aloud and copy them by hand.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 12
LARGEST = 100_000


class Dataset(Struct, frozen=True):
    """A dataset; `newest_version` is null before the first one is published."""

    id: UUID
    slug: Annotated[str, Meta(examples=["read-speech-en"])]
    title: Annotated[str, Meta(examples=["Read speech, English"])]
    description: Annotated[str, Meta(examples=["Sentences read aloud on phones, one speaker each."])]
    newest_version: Annotated[int, Meta(examples=[1])] | None
    created_at: datetime


class Version(Struct, frozen=True):
    """A published version: how many recordings it lists, their length, and the hash of the list."""

    dataset: UUID
    version: int
    sha256: bytes
    recordings: int
    duration_ms: int
    created_at: datetime


class _Id(Struct, frozen=True):
    id: UUID


class _Number(Struct, frozen=True):
    number: int


COLUMNS = """
    id, slug, title, description, created_at,
    (SELECT max(version) FROM dataset_versions WHERE dataset_id = datasets.id) AS newest_version
"""
CREATE = """
    INSERT INTO datasets (slug, title, description) VALUES (%(slug)s, %(title)s, %(description)s)
    ON CONFLICT (slug) DO NOTHING RETURNING id
"""


async def create(connection: Connection, slug: str, title: str, description: str) -> Dataset:
    """Name a new dataset; the one that is called and described just like that is it. Raises DatasetTaken."""
    query = "SELECT id FROM datasets WHERE slug = %(slug)s AND title = %(title)s AND description = %(description)s"
    made = await one(connection, _Id, CREATE, slug=slug, title=title, description=description)
    made = made or await one(connection, _Id, query, slug=slug, title=title, description=description)
    if made is None:
        raise DatasetTaken(slug=slug)
    return await find(connection, made.id)


async def find(connection: Connection, dataset: UUID) -> Dataset:
    """Give a dataset. Raises DatasetMissing."""
    found = await one(connection, Dataset, f"SELECT {COLUMNS} FROM datasets WHERE id = %(dataset)s", dataset=dataset)
    if found is None:
        raise DatasetMissing
    return found


LISTING = f"""
    SELECT {COLUMNS} FROM datasets WHERE %(before)s::uuid IS NULL OR id < %(before)s ORDER BY id DESC LIMIT %(limit)s
"""


async def listing(connection: Connection, *, before: UUID | None = None, limit: int = 50) -> list[Dataset]:
    """List datasets, newest first, from the one before `before` on."""
    return await every(connection, Dataset, LISTING, before=before, limit=limit)


ACCEPTED = "SELECT id FROM recordings WHERE campaign_id = %(campaign)s AND state = 'accepted' ORDER BY id"


async def accepted(connection: Connection, campaign: UUID) -> list[UUID]:
    """List what a campaign has accepted, for a version that holds all of it."""
    return [row.id for row in await every(connection, _Id, ACCEPTED, campaign=campaign)]


LISTABLE = """
    SELECT id FROM recordings WHERE id = ANY(%(recordings)s::uuid[]) AND state = 'accepted' ORDER BY id FOR KEY SHARE
"""
HOLD = "SELECT id FROM datasets WHERE id = %(dataset)s FOR NO KEY UPDATE"
# By a statement of its own: one that waits sees what was there when it began, and not what it has waited for.
NEXT = "SELECT coalesce(max(version), 0) + 1 AS number FROM dataset_versions WHERE dataset_id = %(dataset)s"
PUBLISH = "INSERT INTO dataset_versions (dataset_id, version, sha256) VALUES (%(dataset)s, %(version)s, %(sha256)s)"
LIST = """
    INSERT INTO dataset_recordings (dataset_id, version, recording_id)
    SELECT %(dataset)s, %(version)s, unnest(%(recordings)s::uuid[])
"""


async def publish(connection: Connection, dataset: UUID, recordings: list[UUID]) -> Version:
    """Publish the next version with exactly these recordings; when the newest one lists the same, it is that one.

    Only accepted recordings are listed: the rest could not be sold to anybody. Each gets its public code here. Raises
    DatasetMissing, NotForSale.
    """
    asked = sorted(set(recordings))
    present = [row.id for row in await every(connection, _Id, LISTABLE, recordings=asked)]
    if not asked or len(asked) > LARGEST or present != asked:
        raise NotForSale(
            f"A version lists 1 to {LARGEST} recordings, and only accepted ones.",
            recordings=sorted(map(str, set(asked) - set(present)))[:100],
        )
    if await one(connection, _Id, HOLD, dataset=dataset) is None:
        raise DatasetMissing
    number = await one(connection, _Number, NEXT, dataset=dataset)
    assert number is not None  # noqa: S101 - a maximum is always one row.
    sha256 = hashlib.sha256(b"".join(recording.bytes for recording in asked)).digest()
    if number.number > 1 and (newest := await version(connection, dataset, number.number - 1)).sha256 == sha256:
        return newest
    await run(connection, PUBLISH, dataset=dataset, version=number.number, sha256=sha256)
    await run(connection, LIST, dataset=dataset, version=number.number, recordings=asked)
    await _name(connection, asked)
    return await version(connection, dataset, number.number)


NAME = """
    INSERT INTO recording_codes (recording_id, code) SELECT * FROM unnest(%(recordings)s::uuid[], %(codes)s::text[])
    ON CONFLICT (recording_id) DO NOTHING
"""


async def _name(connection: Connection, recordings: list[UUID]) -> None:
    """Give recordings that have none their public codes."""
    await run(connection, NAME, recordings=recordings, codes=[new_code() for _ in recordings])


def new_code() -> str:
    """Draw 60 random bits: nobody meets a code by guessing."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


LISTED = """
    SELECT recording_id AS id FROM dataset_recordings
    WHERE dataset_id = %(dataset)s AND version = %(version)s ORDER BY recording_id
"""


async def recordings(connection: Connection, dataset: UUID, number: int) -> list[UUID]:
    """List what a version holds, in the order that its hash was taken in."""
    return [row.id for row in await every(connection, _Id, LISTED, dataset=dataset, version=number)]


VERSION = """
    SELECT v.dataset_id AS dataset, v.version, v.sha256, count(r.id) AS recordings,
        coalesce(sum(r.duration_ms), 0)::bigint AS duration_ms, v.created_at
    FROM dataset_versions v
        JOIN dataset_recordings d ON d.dataset_id = v.dataset_id AND d.version = v.version
        JOIN recordings r ON r.id = d.recording_id
    WHERE v.dataset_id = %(dataset)s AND v.version = %(version)s
    GROUP BY v.dataset_id, v.version
"""


async def version(connection: Connection, dataset: UUID, number: int) -> Version:
    """Give a published version. Raises DatasetMissing."""
    found = await one(connection, Version, VERSION, dataset=dataset, version=number)
    if found is None:
        raise DatasetMissing("There is no such version of a dataset.")
    return found

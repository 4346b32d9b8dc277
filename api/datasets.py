"""Datasets, for operators: name them and publish versions of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from api.buyers import OPERATOR
from api.dependencies import Caller, Database
from api.pages import Cursor, Limit, Page, page, position_of
from api.problems import problems
from storage import datasets
from storage.database import reading
from storage.datasets import Dataset
from storage.errors import DatasetMissing, DatasetTaken, NotForSale
from storage.operator_actions import acting


class NewDataset(Struct, frozen=True):
    """A dataset's name: `slug` in addresses and manifests, `title` and `description` for people."""

    slug: Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*\Z", max_length=100, examples=["read-speech-en"])]
    title: Annotated[str, Meta(min_length=1, max_length=200, examples=["Read speech, English"])]
    description: Annotated[
        str, Meta(min_length=1, max_length=4000, examples=["Sentences read aloud on phones, one speaker each."])
    ]


class NewVersion(Struct, frozen=True):
    """What a version lists: these recordings, and everything that these campaigns have accepted by now."""

    recordings: Annotated[list[UUID], Meta(max_length=10_000)] = []
    campaigns: Annotated[list[UUID], Meta(max_length=100)] = []


class VersionView(Struct, frozen=True):
    """A published version; `sha256` is over its recordings' ids, 16 bytes each, in ascending order."""

    dataset: UUID
    version: Annotated[int, Meta(examples=[1])]
    sha256: Annotated[str, Meta(examples=["6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090"])]
    recordings: int
    duration_ms: int
    created_at: datetime


def view(version: datasets.Version) -> VersionView:
    """Show a row as JSON can hold it."""
    return VersionView(
        version.dataset,
        version.version,
        version.sha256.hex(),
        version.recordings,
        version.duration_ms,
        version.created_at,
    )


@post("/v1/operator/datasets", opt=OPERATOR, responses=problems(DatasetTaken), tags=["Operators"])
async def create_dataset(data: JSONBody[NewDataset], account: Caller, database: Database) -> Dataset:
    """Name a new dataset."""
    async with acting(database, account.id) as connection:
        return await datasets.create(connection, data.slug, data.title, data.description)


@get("/v1/operator/datasets", opt=OPERATOR, responses=problems(), tags=["Operators"])
async def list_datasets(database: Database, limit: Limit = 50, cursor: Cursor = None) -> Page[Dataset]:
    """List the datasets, newest first."""
    async with reading(database) as connection:
        rows = await datasets.listing(connection, before=position_of(cursor), limit=limit + 1)
    return page(rows, limit, lambda row: row.id)


@post(
    "/v1/operator/datasets/{dataset:uuid}/versions",
    opt=OPERATOR,
    responses=problems(DatasetMissing, NotForSale),
    tags=["Operators"],
)
async def publish_version(
    dataset: FromPath[UUID], data: JSONBody[NewVersion], account: Caller, database: Database
) -> VersionView:
    """Publish the next version of a dataset: a list of accepted recordings that never changes."""
    async with acting(database, account.id) as connection:
        listed = list(data.recordings)
        for campaign in data.campaigns:
            listed += await datasets.accepted(connection, campaign)
        return view(await datasets.publish(connection, dataset, listed))


@get(
    "/v1/operator/datasets/{dataset:uuid}/versions/{version:int}",
    opt=OPERATOR,
    responses=problems(DatasetMissing),
    tags=["Operators"],
)
async def read_version(dataset: FromPath[UUID], version: FromPath[int], database: Database) -> VersionView:
    """Read a published version: how much it holds, and the hash of its list."""
    async with reading(database) as connection:
        return view(await datasets.version(connection, dataset, version))


handlers = [create_dataset, list_datasets, publish_version, read_version]

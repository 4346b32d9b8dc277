"""Public works: material that was public before anybody sent it, registered by an operator so that copies are seen."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from storage.database import Connection, every, one, run
from storage.errors import PublicWorkMissing


class PublicWork(Struct, frozen=True):
    """One file that an operator registered; `sha256` is 32 raw bytes."""

    id: UUID
    title: str
    sha256: bytes
    added_at: datetime


COLUMNS = "id, title, sha256, added_at"
ADD = f"""
    INSERT INTO public_works (title, sha256) VALUES (%(title)s, %(sha256)s)
    ON CONFLICT (sha256) DO UPDATE SET title = excluded.title RETURNING {COLUMNS}
"""
HAS = f"""
    SELECT {COLUMNS} FROM public_works w WHERE sha256 = %(sha256)s
        AND EXISTS (SELECT FROM fingerprints WHERE public_work_id = w.id AND version = %(version)s)
"""
LISTING = f"SELECT {COLUMNS} FROM public_works ORDER BY added_at, id LIMIT %(limit)s"


async def add(connection: Connection, title: str, sha256: bytes) -> PublicWork:
    """Register a file; the same bytes again only get the new title."""
    added = await one(connection, PublicWork, ADD, title=title, sha256=sha256)
    assert added is not None  # noqa: S101  An insert that returns nothing has raised.
    return added


async def known(connection: Connection, sha256: bytes, version: int) -> bool:
    """Tell whether a file is registered and fingerprinted in this version, so that adding it can be skipped."""
    return await one(connection, PublicWork, HAS, sha256=sha256, version=version) is not None


class Without(Struct, frozen=True):
    """How many works lack a fingerprint."""

    works: int


WITHOUT = """
    SELECT count(*)::int AS works FROM public_works w
    WHERE NOT EXISTS (SELECT FROM fingerprints WHERE public_work_id = w.id AND version = %(version)s)
"""


async def count_without(connection: Connection, version: int) -> int:
    """Count the works that have no fingerprint of this version, so that a copy of them is not seen."""
    found = await one(connection, Without, WITHOUT, version=version)
    return found.works if found else 0


async def listing(connection: Connection, limit: int = 10_000) -> list[PublicWork]:
    """List what is registered, in the order of its registration."""
    return await every(connection, PublicWork, LISTING, limit=limit)


async def remove(connection: Connection, work: UUID) -> None:
    """Forget a public work, its fingerprints and the matches with it. Raises PublicWorkMissing."""
    if not await run(connection, "DELETE FROM public_works WHERE id = %(work)s", work=work):
        raise PublicWorkMissing

"""Term sheets: what a contributor would agree to, published once and then immutable.

The hash of a sheet is SHA-256 over its canonical form (RFC 8785). A consent names that hash, so it can be proved years
later which words somebody agreed to.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
import rfc8785
from msgspec import Meta, Struct
from psycopg.types.json import Jsonb

from storage import events
from storage.database import Connection, every, one, run
from storage.errors import TermSheetInvalid, TermSheetMissing, TermSheetPublished


class Name(Struct, frozen=True):
    """What a row needs to know of a sheet; the rest of it is `api.terms`' to understand."""

    id: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,63}\Z")]
    version: Annotated[int, Meta(ge=1)]
    title: Annotated[str, Meta(min_length=1)]


class Published(Struct, frozen=True):
    """One published version."""

    id: str
    version: int
    title: str
    sha256: bytes
    published_at: datetime
    document: dict[str, Any]


class _Document(Struct, frozen=True):
    document: dict[str, Any]
    sha256: bytes


def canonical(document: dict[str, Any]) -> bytes:
    """Write a sheet in its canonical form: same words, same bytes, whatever wrote them before."""
    return rfc8785.dumps(document)


async def publish(connection: Connection, document: dict[str, Any]) -> bool:
    """Write a sheet down for ever; False, and no change, when the same words are published already.

    Raises TermSheetInvalid for a document without a name, TermSheetPublished when this version has other words already.
    """
    try:
        sheet = msgspec.convert(document, Name)
    except msgspec.ValidationError as error:
        raise TermSheetInvalid(str(error)) from error
    sha256 = hashlib.sha256(canonical(document)).digest()
    written = await run(
        connection,
        """
        INSERT INTO term_sheets (id, version, sha256, document)
        VALUES (%(id)s, %(version)s, %(sha256)s, %(document)s) ON CONFLICT (id, version) DO NOTHING
        """,
        id=sheet.id,
        version=sheet.version,
        sha256=sha256,
        document=Jsonb(document),
    )
    if (await find(connection, sheet.id, sheet.version))[1] != sha256:
        raise TermSheetPublished(term_sheet=sheet.id, version=sheet.version)
    return bool(written)


class _Account(Struct, frozen=True):
    account_id: UUID


UNTOLD = """
    SELECT DISTINCT c.account_id FROM consents c
    WHERE c.term_sheet_id = %(sheet)s AND c.term_sheet_version < %(version)s AND NOT EXISTS (
        SELECT FROM recording_events e
        WHERE e.account_id = c.account_id AND e.kind = 'term_sheet.published' AND e.data @> %(facts)s)
    ORDER BY c.account_id LIMIT %(most)s
"""


async def announce(connection: Connection, sheet: str, version: int, most: int = 500) -> int:
    """Tell contributors who agreed to an older version that there is a newer one; gives how many were told.

    Nobody is told twice, so an announcement that was cut off goes on where it ended. Whoever is told waits for this
    transaction with their own events: hence a few at a time, and in the order of their ids, so that two announcements
    cannot block each other.
    """
    facts = {"term_sheet": sheet, "version": version}
    untold = await every(connection, _Account, UNTOLD, sheet=sheet, version=version, facts=Jsonb(facts), most=most)
    for account in untold:
        await events.tell(connection, account.account_id, "term_sheet.published", by="operator", data=facts)
    return len(untold)


async def find(connection: Connection, sheet: str, version: int) -> tuple[bytes, bytes]:
    """Read a version in its canonical form, and the hash of that. Raises TermSheetMissing."""
    found = await one(
        connection,
        _Document,
        "SELECT document, sha256 FROM term_sheets WHERE id = %(id)s AND version = %(version)s::numeric",
        id=sheet,
        version=version,
    )
    if found is None:
        raise TermSheetMissing
    return canonical(found.document), found.sha256


CURRENT = """
    SELECT DISTINCT ON (id) id, version, document ->> 'title' AS title, sha256, published_at, document
    FROM term_sheets WHERE %(id)s::text IS NULL OR id = %(id)s
    ORDER BY id, version DESC LIMIT 200
"""


async def current(connection: Connection) -> list[Published]:
    """List the newest version of every sheet, at most 200."""
    return await every(connection, Published, CURRENT, id=None)


async def newest(connection: Connection, sheet: str) -> Published:
    """Find the newest version of one sheet. Raises TermSheetMissing."""
    found = await one(connection, Published, CURRENT, id=sheet)
    if found is None:
        raise TermSheetMissing
    return found

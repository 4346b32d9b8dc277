"""Term sheets: what a contributor would agree to, published once and then immutable.

The hash of a sheet is SHA-256 over its canonical form (RFC 8785). A consent names that hash, so it can be proved years
later which words somebody agreed to.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
import rfc8785
from msgspec import Meta, Struct
from psycopg.types.json import Jsonb

from storage.database import Connection, every, one, run
from storage.errors import TermSheetInvalid, TermSheetMissing, TermSheetPublished


class Use(Struct, frozen=True):
    """One thing a buyer might do: `core` is the offer itself, `optional` may be refused, `prohibited` never happens.

    A use with `separate_consent` is asked on a screen of its own; a `sensitive` one touches who somebody is.
    """

    code: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]*$", examples=["asr_training"])]
    stance: Literal["core", "optional", "prohibited"]
    separate_consent: bool = False
    sensitive: bool = False
    note: Annotated[str, Meta(examples=["Many-speaker voices only; no output may sound like you."])] | None = None


class TermSheet(Struct, frozen=True):
    """The parts that every sheet has; a sheet may say more, and all of it is hashed."""

    id: Annotated[str, Meta(pattern="^[a-z][a-z0-9-]{0,63}$", examples=["voice-standard"])]
    version: Annotated[int, Meta(ge=1, examples=[1])]
    title: Annotated[str, Meta(min_length=1, examples=["Read speech for speech recognition"])]
    parties: dict[str, Any]
    media: dict[str, Any]
    uses: Annotated[list[Use], Meta(min_length=1)]
    unlisted_uses: Literal["prohibited"]
    term: dict[str, Any]
    territory: dict[str, Any]
    withdrawal: dict[str, Any]
    identity: dict[str, Any]
    retention: dict[str, Any]
    price: dict[str, Any]
    payout: dict[str, Any]
    people: dict[str, Any]
    changes: dict[str, Any]
    law: dict[str, Any]


class Published(Struct, frozen=True):
    """One published version."""

    id: str
    version: int
    title: str
    sha256: bytes
    published_at: datetime


class _Document(Struct, frozen=True):
    document: dict[str, Any]
    sha256: bytes


def canonical(document: dict[str, Any]) -> bytes:
    """Write a sheet in its canonical form: same words, same bytes, whatever wrote them before."""
    return rfc8785.dumps(document)


async def publish(connection: Connection, document: dict[str, Any]) -> bytes:
    """Publish a sheet and give its hash; publishing the same words again changes nothing.

    Raises TermSheetInvalid when a part is missing, TermSheetPublished when this version has other words already.
    """
    try:
        sheet = msgspec.convert(document, TermSheet)
    except msgspec.ValidationError as error:
        raise TermSheetInvalid(str(error)) from error
    sha256 = hashlib.sha256(canonical(document)).digest()
    await run(
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
    return sha256


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
    SELECT DISTINCT ON (id) id, version, document ->> 'title' AS title, sha256, published_at
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

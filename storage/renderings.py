"""Renderings: what was generated from a term sheet (card, legal text, policies), kept as it was first shown.

A consent names the hash of the card that somebody read. Programs and translations change with every release, so the
bytes are written down the first time they are shown and are read from here ever after.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from msgspec import Struct

from storage.database import Connection, every, one, run
from storage.errors import RenderingMissing

Kind = Literal["card", "legal-text", "legal-pdf", "odrl", "rsl"]
#: The locale of what only machines read (ISO 639-2: no linguistic content).
NO_LANGUAGE = "zxx"


class Rendering(Struct, frozen=True):
    """One rendering of one version: `sha256` (32 bytes) is over `body`; `reviewed` tells that a person compared it."""

    kind: Kind
    locale: str
    reviewed: bool
    sha256: bytes
    body: bytes


def rendering(kind: Kind, locale: str, body: bytes, *, reviewed: bool) -> Rendering:
    """Put the hash beside the bytes."""
    return Rendering(kind, locale, reviewed, hashlib.sha256(body).digest(), body)


async def pin(connection: Connection, sheet: str, version: int, made: Rendering) -> Rendering:
    """Keep a rendering, unless one of its kind and language is kept already; give the one that is kept.

    Raises RenderingMissing when the sheet it belongs to is not published.
    """
    await run(
        connection,
        """
        INSERT INTO term_sheet_renderings (term_sheet_id, version, kind, locale, reviewed, sha256, body)
        SELECT id, version, %(kind)s, %(locale)s, %(reviewed)s, %(sha256)s, %(body)s
        FROM term_sheets WHERE id = %(sheet)s AND version = %(version)s
        ON CONFLICT DO NOTHING
        """,
        sheet=sheet,
        version=version,
        kind=made.kind,
        locale=made.locale,
        reviewed=made.reviewed,
        sha256=made.sha256,
        body=made.body,
    )
    return await find(connection, sheet, version, made.kind, made.locale)


async def find(connection: Connection, sheet: str, version: int, kind: Kind, locale: str) -> Rendering:
    """Read a rendering that was shown before. Raises RenderingMissing."""
    found = await one(
        connection,
        Rendering,
        """
        SELECT kind, locale, reviewed, sha256, body FROM term_sheet_renderings
        WHERE term_sheet_id = %(sheet)s AND version = %(version)s::numeric AND kind = %(kind)s AND locale = %(locale)s
        """,
        sheet=sheet,
        version=version,
        kind=kind,
        locale=locale,
    )
    if found is None:
        raise RenderingMissing
    return found


async def pinned(connection: Connection, sheet: str, version: int) -> list[Rendering]:
    """List what is kept of a version, at most 200."""
    return await every(
        connection,
        Rendering,
        """
        SELECT kind, locale, reviewed, sha256, body FROM term_sheet_renderings
        WHERE term_sheet_id = %(sheet)s AND version = %(version)s::numeric ORDER BY kind, locale LIMIT 200
        """,
        sheet=sheet,
        version=version,
    )

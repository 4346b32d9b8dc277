"""The passport of a recording: everything that happened to it, each entry carrying the hash of the one before.

Entries are written by triggers in the transaction that did what they note (`note_in_passport` in the database), so no
code can do something and leave it out. The hash is SHA-256 over the entry in canonical JSON (RFC 8785), which anybody
can compute again from the passport alone.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from storage.database import Connection, every, one
from storage.states import State

#: A recording with more than this is read in the database; none came near it.
LONGEST = 5000


class Entry(Struct, frozen=True):
    """One entry; `at` is the very text that was hashed, `previous` is null for the first one."""

    number: int
    kind: str
    at: str
    data: dict[str, Any]
    previous: bytes | None
    sha256: bytes


class UseNow(Struct, frozen=True):
    """One use of the consent as it stands."""

    use: str
    status: str
    expires_at: datetime


class Proof(Struct, frozen=True):
    """Where a passport's entry stands in a signed day: the leaf's position and the hashes that lead to the root."""

    day: date
    number: int
    position: int
    path: list[bytes]
    document: dict[str, Any]


class Found(Struct, frozen=True):
    """A recording that a file is: what was sent, or the cleaned copy that buyers get."""

    recording: UUID
    copy: Literal["original", "cleaned"]
    state: State


ENTRIES = """
    SELECT number, kind, rfc3339(at) AS at, data, previous, sha256 FROM passport_entries
    WHERE recording_id = %(recording)s ORDER BY number LIMIT %(limit)s
"""
USES = """
    SELECT use_code AS use, status, expires_at FROM consent_uses WHERE recording_id = %(recording)s ORDER BY use_code
"""
PROOF = """
    SELECT l.day, l.number, l.position, l.path, c.document
    FROM checkpoint_leaves l JOIN checkpoints c ON c.day = l.day
    WHERE l.recording_id = %(recording)s ORDER BY l.day DESC LIMIT 1
"""


async def entries(connection: Connection, recording: UUID) -> list[Entry]:
    """List the entries of a recording of the caller's own, oldest first."""
    return await every(connection, Entry, ENTRIES, recording=recording, limit=LONGEST)


async def uses(connection: Connection, recording: UUID) -> list[UseNow]:
    """List where its consent stands, use by use."""
    return await every(connection, UseNow, USES, recording=recording)


async def proof(connection: Connection, recording: UUID) -> Proof | None:
    """Give the newest checkpoint that covers a recording; None before its first night."""
    return await one(connection, Proof, PROOF, recording=recording)


OF_FILE = """
    SELECT r.id AS recording, CASE WHEN r.sha256 = %(sha256)s THEN 'original' ELSE 'cleaned' END AS copy, r.state
    FROM recordings r
    WHERE r.account_id = %(account)s AND r.state NOT IN ('deleted', 'erased')
      AND (r.sha256 = %(sha256)s
           OR EXISTS (SELECT FROM renditions m WHERE m.recording_id = r.id AND m.sha256 = %(sha256)s))
    ORDER BY r.id DESC LIMIT 100
"""


async def of_file(connection: Connection, account: UUID, sha256: bytes) -> list[Found]:
    """Find the contributor's recordings that a file is, by its SHA-256 (32 bytes)."""
    return await every(connection, Found, OF_FILE, account=account, sha256=sha256)

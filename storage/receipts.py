"""Consent receipts: the signed copy of a consent that its contributor keeps.

A receipt is written in the transaction of its consent and never changes; without one no recording is accepted.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from storage.consents import Consent
from storage.database import Connection, every, one, run
from storage.errors import ReceiptMissing


class Receipt(Struct, frozen=True):
    """A receipt as it was given out; `sha256` (32 bytes) is over the signed bytes."""

    id: UUID
    consent_id: UUID
    jws: str
    sha256: bytes
    issued_at: datetime


class Grounds(Struct, frozen=True):
    """What a receipt says besides the consent itself, and the id and time that it will bear."""

    id: UUID
    issued_at: datetime
    account_id: UUID
    recording_sha256: bytes
    sheet: dict[str, Any]


COLUMNS = "id, consent_id, jws, sha256, issued_at"
GROUNDS = """
    SELECT uuidv7() AS id, clock_timestamp() AS issued_at, c.account_id, r.sha256 AS recording_sha256,
        s.document AS sheet
    FROM consents c JOIN recordings r ON r.id = c.recording_id
    JOIN term_sheets s ON s.id = c.term_sheet_id AND s.version = c.term_sheet_version
    WHERE c.id = %(consent)s
"""
INSERT = """
    INSERT INTO consent_receipts (id, consent_id, account_id, jws, sha256, issued_at)
    VALUES (%(id)s, %(consent)s, %(account)s, %(jws)s, %(sha256)s, %(issued_at)s)
"""
# A row at a time is its own transaction's: two workers at once skip each other's.
UNSIGNED = """
    SELECT c.id, c.recording_id, c.term_sheet_id, c.term_sheet_version, c.term_sheet_sha256, c.card_sha256, c.locale,
        c.decisions, c.given_at
    FROM consents c WHERE NOT EXISTS (SELECT FROM consent_receipts WHERE consent_id = c.id)
    ORDER BY c.id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""


async def of_consent(connection: Connection, consent: UUID) -> Receipt | None:
    """Give the receipt of a consent, when it has one."""
    return await one(
        connection, Receipt, f"SELECT {COLUMNS} FROM consent_receipts WHERE consent_id = %(consent)s", consent=consent
    )


async def find(connection: Connection, account: UUID, receipt: UUID) -> Receipt:
    """Give one of the contributor's receipts. Raises ReceiptMissing for anybody else's too."""
    found = await one(
        connection,
        Receipt,
        f"SELECT {COLUMNS} FROM consent_receipts WHERE id = %(receipt)s AND account_id = %(account)s",
        receipt=receipt,
        account=account,
    )
    if found is None:
        raise ReceiptMissing
    return found


async def grounds(connection: Connection, consent: UUID) -> Grounds:
    """Give what a receipt of this consent has to say. Raises ReceiptMissing when there is no such consent."""
    found = await one(connection, Grounds, GROUNDS, consent=consent)
    if found is None:
        raise ReceiptMissing
    return found


async def keep(connection: Connection, grounds: Grounds, consent: Consent, jws: str, sha256: bytes) -> Receipt:
    """Write down a signed receipt; the recording's passport notes it in the same transaction."""
    await run(
        connection,
        INSERT,
        id=grounds.id,
        consent=consent.id,
        account=grounds.account_id,
        jws=jws,
        sha256=sha256,
        issued_at=grounds.issued_at,
    )
    return Receipt(grounds.id, consent.id, jws, sha256, grounds.issued_at)


async def unsigned(connection: Connection, limit: int) -> list[Consent]:
    """List consents from before there were receipts, the oldest first, and hold them until the transaction ends."""
    return await every(connection, Consent, UNSIGNED, limit=limit)

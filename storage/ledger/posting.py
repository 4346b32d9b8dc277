"""Posting: money moves from one account to another, all legs or none, and the same key never moves it twice.

Everything is decided by `ledger_post` in the database: the service's own role has no right to write a ledger row.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

import psycopg.errors
from msgspec import Struct

from storage.database import Connection, one
from storage.errors import StorageError
from storage.ledger.errors import (
    AccountUnknown,
    AlreadyReversed,
    Overdrawn,
    PostingDiffers,
    PostingEmpty,
    TransactionMissing,
)

Kind: TypeAlias = Literal[
    "accrual",
    "royalty",
    "release",
    "clawback",
    "receivable_settled",
    "adjustment",
    "hold",
    "unhold",
    "tax_withholding",
    "buyer_payment",
    "payout_requested",
    "payout_submitted",
    "payout_paid",
    "payout_failed",
    "payout_returned",
    "payout_cancelled",
    "provider_fee",
]


class Leg(Struct, frozen=True):
    """One transfer: `micros`, more than zero, from the account `debit` to the account `credit`, of one currency."""

    debit: int
    credit: int
    micros: int
    recording: UUID | None = None


class Posted(Struct, frozen=True):
    """The number of a transaction; None when there was nothing to do it to."""

    id: UUID | None


POST = """
    SELECT ledger_post(%(key)s, %(kind)s, %(debits)s::bigint[], %(credits)s::bigint[], %(micros)s::bigint[],
                       %(recordings)s::uuid[], %(because)s, coalesce(%(happened)s, now())) AS id
"""
REVERSE = "SELECT ledger_reverse(%(key)s, %(transaction)s, %(because)s) AS id"

#: The constraint that refused, and what that means.
REFUSALS: dict[str, type[StorageError]] = {
    "ledger_floor": Overdrawn,
    "ledger_key": PostingDiffers,
    "ledger_legs": PostingEmpty,
    "ledger_transfers_micros_check": PostingEmpty,
    "ledger_accounts_match": AccountUnknown,
    "ledger_transactions_reverses": AlreadyReversed,
}


async def post(
    connection: Connection,
    key: str,
    kind: Kind,
    legs: Sequence[Leg],
    *,
    because: str | None = None,
    happened: datetime | None = None,
) -> UUID:
    """Post legs as one transaction in the caller's, and return its number; a repeat of `key` returns the first one's.

    A leg may have any currency: it is that of its two accounts. Raises Overdrawn when an account would fall below its
    floor, PostingDiffers when the key was used for other legs, AccountUnknown, PostingEmpty. The caller's transaction
    is lost then, unless it posted inside of a savepoint.
    """
    return await _asked(
        connection,
        POST,
        key=key,
        kind=kind,
        debits=[leg.debit for leg in legs],
        credits=[leg.credit for leg in legs],
        micros=[leg.micros for leg in legs],
        recordings=[leg.recording for leg in legs],
        because=because,
        happened=happened,
    )


KNOWN = "SELECT id FROM ledger_transactions WHERE key = %(key)s"


async def known(connection: Connection, key: str) -> UUID | None:
    """Give the transaction that was posted under a key, if there is one."""
    found = await one(connection, Posted, KNOWN, key=key)
    return None if found is None else found.id


async def reverse(connection: Connection, key: str, transaction: UUID, because: str) -> UUID:
    """Undo a transaction leg by leg, in whatever currencies it was, and return the number of the reversal.

    Raises TransactionMissing, AlreadyReversed, and Overdrawn when the money has moved on meanwhile.
    """
    try:
        return await _asked(connection, REVERSE, key=key, transaction=transaction, because=because)
    except PostingEmpty as error:
        raise TransactionMissing from error


async def _asked(connection: Connection, query: str, **values: object) -> UUID:
    """Call a function of the ledger; a refusal becomes the exception it means."""
    try:
        posted = await one(connection, Posted, query, **values)
    except (psycopg.errors.CheckViolation, psycopg.errors.UniqueViolation) as error:
        raise REFUSALS.get(error.diag.constraint_name or "", StorageError) from error
    if posted is None or posted.id is None:
        raise TransactionMissing
    return posted.id

"""Accounts of the ledger: opened when they are first needed, and what stands on them.

The chart of accounts is the table `ledger_kinds`. A contributor has up to six accounts in each currency; pending,
available, reserved, in transit and paid are places where money is, not flags on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias
from uuid import UUID

import psycopg.errors
from msgspec import Struct

from storage.database import Connection, every, one
from storage.ledger.errors import AccountUnknown, CurrencyUnknown

Owned: TypeAlias = Literal[
    "contributor_pending",
    "contributor_available",
    "contributor_reserved",
    "contributor_in_transit",
    "contributor_paid",
    "contributor_receivable",
    "buyer",
]
Ours: TypeAlias = Literal[
    "recording_costs", "platform_share", "platform_fees", "tax_withheld", "provider_fees", "adjustments", "bank"
]


class Opened(Struct, frozen=True):
    """An account's number; `owner_id` is None for our own."""

    owner_id: UUID | None
    id: int


OPEN = "SELECT owner_id, id FROM ledger_open(%(kind)s, %(owners)s, %(currency)s)"


async def ours(connection: Connection, kind: Ours, currency: str) -> int:
    """Give the number of our own account of a kind. Raises AccountUnknown, CurrencyUnknown."""
    opened = await _opened(connection, kind, [None], currency)
    if not opened:
        raise AccountUnknown(kind=kind, currency=currency)
    return opened[0].id


async def of(connection: Connection, owner: UUID, kind: Owned, currency: str) -> int:
    """Give the number of somebody's account. Raises AccountUnknown, CurrencyUnknown."""
    return (await of_each(connection, [owner], kind, currency))[owner]


async def of_each(connection: Connection, owners: Iterable[UUID], kind: Owned, currency: str) -> dict[UUID, int]:
    """Give the number of everybody's account of a kind, in one question however many there are.

    Raises AccountUnknown, CurrencyUnknown.
    """
    wanted = list(set(owners))
    opened = await _opened(connection, kind, wanted, currency)
    numbers = {account.owner_id: account.id for account in opened if account.owner_id is not None}
    if len(numbers) < len(wanted):
        raise AccountUnknown(kind=kind, currency=currency)
    return numbers


async def _opened(
    connection: Connection, kind: Owned | Ours, owners: Sequence[UUID | None], currency: str
) -> list[Opened]:
    try:
        return await every(connection, Opened, OPEN, kind=kind, owners=owners, currency=currency)
    except psycopg.errors.ForeignKeyViolation as error:
        raise CurrencyUnknown(currency=currency) from error


class Sums(Struct, frozen=True):
    """What was debited and credited in all, in micros; money that is owed to somebody is credits minus debits."""

    debits: int
    credits: int

    @property
    def balance(self) -> int:
        """Credits minus debits, in micros."""
        return self.credits - self.debits


async def sums(connection: Connection, account: int) -> Sums:
    """Read an account as it stands, also one of those that are too busy to have a balance row."""
    found = await one(connection, Sums, "SELECT debits, credits FROM ledger_balance(%(account)s)", account=account)
    return found or Sums(0, 0)


class Balance(Struct, frozen=True):
    """What a contributor has in one currency, in micros.

    `receivable` was taken back beyond what was there, and later earnings settle it. `next_available_at` is when the
    next pending amount becomes available.
    """

    currency: str
    pending: int
    available: int
    reserved: int
    in_transit: int
    paid: int
    receivable: int


BALANCES = """
    SELECT currency,
        coalesce(sum(credits - debits) FILTER (WHERE kind = 'contributor_pending'), 0)::bigint AS pending,
        coalesce(sum(credits - debits) FILTER (WHERE kind = 'contributor_available'), 0)::bigint AS available,
        coalesce(sum(credits - debits) FILTER (WHERE kind = 'contributor_reserved'), 0)::bigint AS reserved,
        coalesce(sum(credits - debits) FILTER (WHERE kind = 'contributor_in_transit'), 0)::bigint AS in_transit,
        coalesce(sum(credits - debits) FILTER (WHERE kind = 'contributor_paid'), 0)::bigint AS paid,
        coalesce(sum(debits - credits) FILTER (WHERE kind = 'contributor_receivable'), 0)::bigint AS receivable
    FROM ledger_accounts JOIN ledger_balances ON account_id = id
    WHERE owner_id = %(owner)s GROUP BY currency ORDER BY currency
"""


async def balances(connection: Connection, owner: UUID) -> list[Balance]:
    """Read everything a contributor has, a row for each currency."""
    return await every(connection, Balance, BALANCES, owner=owner)

"""Balance transactions: what changed a contributor's balance, a line for each amount, as they read it.

The lines of somebody add up to what the ledger says they have; the audit proves it. A line never changes but for the
moment at which it became available.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg.types.json import Jsonb

from storage.database import Connection, every, one
from storage.errors import EarningMissing
from storage.steps import Step, Worked

Type: TypeAlias = Literal[
    "earning", "royalty", "derivative_royalty", "reversal", "adjustment", "payout", "payout_return"
]
#: Lines that were worked out in steps, and can be explained.
EARNED: tuple[Type, ...] = ("earning", "royalty", "derivative_royalty")


class BalanceTransaction(Struct, frozen=True):
    """One line. Amounts are micros of `currency`: `net` is `gross` less `fee` and `tax`, and negative where it takes.

    `reversed_by` is the line that took this one back. `released_at` is when it became available.
    """

    id: UUID
    account_id: UUID
    type: Type
    currency: str
    gross_micros: int
    fee_micros: int
    tax_micros: int
    net_micros: int
    recording_id: UUID | None
    sale_id: UUID | None
    derivative_id: UUID | None
    payout_id: UUID | None
    reverses: UUID | None
    reversed_by: UUID | None
    because: str | None
    transaction_id: UUID
    available_at: datetime
    released_at: datetime | None
    created_at: datetime


COLUMNS = """
    b.id, b.account_id, b.type, b.currency, b.gross_micros, b.fee_micros, b.tax_micros, b.net_micros, b.recording_id,
    b.sale_id, b.derivative_id, b.payout_id, b.reverses, b.because, b.transaction_id, b.available_at, b.released_at,
    b.created_at, (SELECT id FROM balance_transactions back WHERE back.reverses = b.id) AS reversed_by
"""


class Wanted(Struct, frozen=True):
    """Which lines of an account are wanted; what is None does not matter. `until` is not part of the period."""

    type: Type | None = None
    recording: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


# Every page begins at an id, the first one at the largest, so that one plan by index serves a page anywhere.
LISTING = f"""
    SELECT {COLUMNS} FROM balance_transactions b
    WHERE b.account_id = %(account)s
      AND b.id <= coalesce(%(before)s::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
      AND b.id IS DISTINCT FROM %(before)s
      AND (%(type)s::text IS NULL OR b.type = %(type)s)
      AND (%(recording)s::uuid IS NULL OR b.recording_id = %(recording)s)
      AND (%(since)s::timestamptz IS NULL OR b.created_at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR b.created_at < %(until)s)
    ORDER BY b.id DESC LIMIT %(limit)s
"""
FIRST = f"SELECT {COLUMNS} FROM balance_transactions b WHERE b.account_id = %(account)s"


async def listing(
    connection: Connection, account: UUID, wanted: Wanted, *, before: UUID | None, limit: int
) -> list[BalanceTransaction]:
    """List an account's lines, newest first, from the one before `before` on."""
    return await every(
        connection,
        BalanceTransaction,
        LISTING,
        account=account,
        before=before,
        limit=limit,
        **msgspec.structs.asdict(wanted),
    )


async def find(connection: Connection, account: UUID, line: UUID) -> BalanceTransaction:
    """Give one line of an account. Raises EarningMissing, for anybody else's too."""
    found = await one(connection, BalanceTransaction, FIRST + " AND b.id = %(line)s", account=account, line=line)
    if found is None:
        raise EarningMissing
    return found


class _Steps(Struct, frozen=True):
    steps: list[dict[str, Any]] | None


async def steps(connection: Connection, line: BalanceTransaction) -> tuple[Step, ...]:
    """Give the steps by which a line was worked out; a line that was not worked out has none."""
    found = await one(connection, _Steps, "SELECT steps FROM balance_transactions WHERE id = %(line)s", line=line.id)
    return msgspec.convert(found.steps, tuple[Step, ...]) if found and found.steps else ()


class Draft(Struct, frozen=True, kw_only=True):
    """A line before it is written; `released` ones are available at once."""

    account_id: UUID
    type: Type
    currency: str
    gross: int
    fee: int = 0
    tax: int = 0
    recording_id: UUID | None = None
    sale_id: UUID | None = None
    derivative_id: UUID | None = None
    payout_id: UUID | None = None
    reverses: UUID | None = None
    because: str | None = None
    worked: Worked | None = None
    available_at: datetime | None = None


INSERT = """
    INSERT INTO balance_transactions (account_id, type, currency, gross_micros, fee_micros, tax_micros, recording_id,
        sale_id, derivative_id, payout_id, reverses, because, steps, transaction_id, available_at, released_at)
    SELECT line.account, line.type, line.currency, line.gross, line.fee, line.tax, line.recording, line.sale,
        line.derivative, line.payout, line.reverses, line.because, line.steps, %(transaction)s,
        coalesce(line.available, now()), CASE WHEN line.available IS NULL THEN now() END
    FROM unnest(%(account_ids)s::uuid[], %(types)s::text[], %(currencies)s::text[], %(gross)s::bigint[],
        %(fees)s::bigint[], %(taxes)s::bigint[], %(recordings)s::uuid[], %(sales)s::uuid[], %(derivatives)s::uuid[],
        %(payouts)s::uuid[], %(reverses)s::uuid[], %(because)s::text[], %(steps)s::jsonb[],
        %(available)s::timestamptz[]) WITH ORDINALITY
        AS line(account, type, currency, gross, fee, tax, recording, sale, derivative, payout, reverses, because, steps,
                available, place)
    ORDER BY line.place
    RETURNING id, account_id, recording_id, currency, net_micros, available_at
"""


class Written(Struct, frozen=True):
    """A line that was written."""

    id: UUID
    account_id: UUID
    recording_id: UUID | None
    currency: str
    net_micros: int
    available_at: datetime


async def write(connection: Connection, transaction: UUID, drafts: Sequence[Draft]) -> list[Written]:
    """Write the lines of one transaction of the ledger, in the caller's; without a date they are available at once."""
    return await every(
        connection,
        Written,
        INSERT,
        transaction=transaction,
        account_ids=[draft.account_id for draft in drafts],
        types=[draft.type for draft in drafts],
        currencies=[draft.currency for draft in drafts],
        gross=[draft.gross for draft in drafts],
        fees=[draft.fee for draft in drafts],
        taxes=[draft.tax for draft in drafts],
        recordings=[draft.recording_id for draft in drafts],
        sales=[draft.sale_id for draft in drafts],
        derivatives=[draft.derivative_id for draft in drafts],
        payouts=[draft.payout_id for draft in drafts],
        reverses=[draft.reverses for draft in drafts],
        because=[draft.because for draft in drafts],
        steps=[draft.worked and Jsonb(msgspec.to_builtins(draft.worked.steps)) for draft in drafts],
        available=[draft.available_at for draft in drafts],
    )

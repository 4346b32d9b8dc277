"""Availability: what was pending becomes available when its hold is over; what is owed is settled from it first.

Any number of workers may release at once: each takes lines that no other one holds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from storage import debts
from storage.database import Connection, every, run
from storage.events import tell
from storage.ledger import accounts
from storage.ledger.posting import Leg, post

#: As many lines are released in one transaction.
BATCH = 500


class Due(Struct, frozen=True):
    """A line whose hold is over."""

    id: UUID
    account_id: UUID
    recording_id: UUID | None
    currency: str
    net_micros: int


# What a claim or a suspicion holds back stays pending until somebody has decided, also when its owner has withdrawn the
# recording meanwhile, or left: else whoever sent a stranger's voice would be paid for being quick. In the order of
# accounts, because everybody locks them in that order.
DUE = """
    SELECT b.id, b.account_id, b.recording_id, b.currency, b.net_micros FROM balance_transactions b
    WHERE b.id IN (
        SELECT due.id FROM balance_transactions due LEFT JOIN recordings r ON r.id = due.recording_id
        WHERE due.released_at IS NULL AND due.available_at <= now() AND r.state IS DISTINCT FROM 'held'
            AND (%(account)s::uuid IS NULL OR due.account_id = %(account)s)
            AND NOT EXISTS (SELECT FROM third_party_claims WHERE recording_id = due.recording_id AND state = 'open')
        ORDER BY due.available_at LIMIT %(limit)s FOR UPDATE OF due SKIP LOCKED)
    ORDER BY b.account_id, b.id
"""
RELEASED = "UPDATE balance_transactions SET released_at = now() WHERE id = ANY (%(lines)s)"


OWNERS = """
    SELECT DISTINCT account_id AS id FROM balance_transactions WHERE released_at IS NULL AND available_at <= now()
    ORDER BY account_id LIMIT 10000
"""


class _Id(Struct, frozen=True):
    id: UUID


async def owners(connection: Connection) -> list[UUID]:
    """List whose lines are due, or would be if nothing held them, at most 10,000."""
    return [owner.id for owner in await every(connection, _Id, OWNERS)]


async def release(connection: Connection, account: UUID | None = None) -> int:
    """Make a batch of lines available that are due, in the caller's transaction; return how many."""
    due = await every(connection, Due, DUE, limit=BATCH, account=account)
    if not due:
        return 0
    await run(connection, RELEASED, lines=[line.id for line in due])
    await _tell(connection, due)
    for currency in sorted({line.currency for line in due}):
        await _move(connection, currency, [line for line in due if line.currency == currency and line.net_micros])
    return len(due)


async def _tell(connection: Connection, due: Sequence[Due]) -> None:
    """Say it once for each account and currency, however many recordings it was."""
    amounts: dict[tuple[UUID, str], int] = defaultdict(int)
    for line in due:
        amounts[line.account_id, line.currency] += line.net_micros
    for (account, currency), micros in amounts.items():
        await tell(
            connection, account, "earning.available", by="clock", data={"net": {"currency": currency, "micros": micros}}
        )


async def _move(connection: Connection, currency: str, lines: Sequence[Due]) -> None:
    """Post one currency's lines as one transaction, and settle what their owners owe."""
    if not lines:
        return
    owners = {line.account_id for line in lines}
    pending = await accounts.of_each(connection, owners, "contributor_pending", currency)
    available = await accounts.of_each(connection, owners, "contributor_available", currency)
    legs = [
        Leg(pending[line.account_id], available[line.account_id], line.net_micros, line.recording_id) for line in lines
    ]
    # A line is released once, so its number makes the key of its batch unique.
    await post(connection, f"release {lines[0].id}", "release", legs)
    await debts.settle(connection, owners, currency, because_of=str(lines[0].id))

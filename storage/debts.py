"""Debts: what was taken back beyond what was there is settled from whatever becomes available.

It is settled wherever money becomes available, be it a hold that ends or a payout that comes back, and once more before
a payout is asked for: nobody is paid what they owe. A trigger on `payouts` refuses whoever forgets.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from msgspec import Struct

from storage.database import Connection, every
from storage.ledger.posting import Leg, post


class Owed(Struct, frozen=True):
    """What somebody owes and can pay now, in micros, and between which accounts."""

    available_id: int
    receivable_id: int
    micros: int


OWED = """
    SELECT available.id AS available_id, owed.id AS receivable_id,
        least(has.credits - has.debits, debt.debits - debt.credits) AS micros
    FROM ledger_accounts owed JOIN ledger_balances debt ON debt.account_id = owed.id
    JOIN ledger_accounts available ON available.owner_id = owed.owner_id AND available.currency = owed.currency
        AND available.kind = 'contributor_available'
    JOIN ledger_balances has ON has.account_id = available.id
    WHERE owed.owner_id = ANY (%(owners)s) AND owed.kind = 'contributor_receivable' AND owed.currency = %(currency)s
      AND debt.debits > debt.credits AND has.credits > has.debits
"""


async def settle(connection: Connection, owners: Iterable[UUID], currency: str, *, because_of: str) -> None:
    """Settle what these accounts owe from what they have available, as far as it goes.

    The caller has locked the accounts. `because_of` names what made money available, and is used once.
    """
    owed = await every(connection, Owed, OWED, owners=list(owners), currency=currency)
    if owed:
        legs = [Leg(debt.available_id, debt.receivable_id, debt.micros) for debt in owed]
        await post(connection, f"receivable {because_of}", "receivable_settled", legs)

"""Reconciling: what a bank or a payment provider says it moved, held against what our own books say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from msgspec import Struct

from storage.database import Connection, every
from storage.ledger import accounts
from storage.ledger.posting import Leg, post

What: TypeAlias = Literal["unknown", "amount", "not-paid-here", "twice", "not-reported"]


class Payment(Struct, frozen=True):
    """A payment as a report or our books have it: the reference we gave it, and what was moved, in micros."""

    reference: str
    currency: str
    micros: int


class Difference(Struct, frozen=True):
    """A payment on which a report and our books differ.

    `unknown`: we know no such payment. `amount`: we know another amount or currency. `not-paid-here`: reported, but not
    paid in our books. `twice`: reported more than once. `not-reported`: paid in our books, and missing in the report.
    """

    what: What
    reference: str
    ours: Payment | None
    reported: Payment | None


class Booked(Payment, frozen=True):
    """A payment in our books, and whether it was made."""

    paid: bool

    @property
    def payment(self) -> Payment:
        """The payment alone, as a report would have it."""
        return Payment(self.reference, self.currency, self.micros)


# What was paid and came back was paid all the same. One that its provider never named is known there by our number.
BOOKS = """
    SELECT coalesce(reference, replace(id::text, '-', '')) AS reference, currency, micros,
        state IN ('paid', 'returned') AS paid
    FROM payouts WHERE coalesce(reference, replace(id::text, '-', '')) = ANY (%(references)s)
    UNION ALL
    SELECT substr(t.key, 15), min(l.currency), sum(l.micros)::bigint, true
    FROM ledger_transactions t JOIN ledger_transfers l ON l.transaction_id = t.id
    WHERE t.key = ANY (SELECT 'buyer payment ' || reference FROM unnest(%(references)s::text[]) AS reference)
    GROUP BY t.key
"""
PAID = """
    SELECT coalesce(p.reference, replace(p.id::text, '-', '')) AS reference, p.currency, p.micros, true AS paid
    FROM payouts p JOIN payout_moves m ON m.payout_id = p.id AND m.to_state = 'paid'
    WHERE m.at >= %(since)s AND m.at < %(until)s
    ORDER BY p.id
"""


async def reconcile(
    connection: Connection, report: Sequence[Payment], period: tuple[datetime, datetime] | None = None
) -> list[Difference]:
    """Compare a report line by line; with a period also look for what we paid in it and the report does not name."""
    books = await every(connection, Booked, BOOKS, references=[line.reference for line in report])
    known = {ours.reference: ours for ours in books}
    found = [difference for line in report if (difference := compared(line, known.get(line.reference)))]
    found += [Difference("twice", line.reference, None, line) for line in repeated(report)]
    if period is not None:
        named = {line.reference for line in report}
        paid = await every(connection, Booked, PAID, since=period[0], until=period[1])
        found += [
            Difference("not-reported", ours.reference, ours.payment, None)
            for ours in paid
            if ours.reference not in named
        ]
    return found


def repeated(report: Sequence[Payment]) -> Iterator[Payment]:
    """Give every line whose reference an earlier one has: money that was moved once more."""
    seen = set()
    for line in report:
        if line.reference in seen:
            yield line
        seen.add(line.reference)


def compared(line: Payment, ours: Booked | None) -> Difference | None:
    """Hold one line against our books; None when they agree."""
    if ours is None:
        return Difference("unknown", line.reference, None, line)
    if ours.payment != line:
        return Difference("amount", line.reference, ours.payment, line)
    return None if ours.paid else Difference("not-paid-here", line.reference, ours.payment, line)


async def receive(connection: Connection, buyer: UUID, reference: str, currency: str, micros: int) -> UUID:
    """Note that a buyer paid; the same `reference` is the same payment. Raises PostingDiffers, AccountUnknown."""
    bank = await accounts.ours(connection, "bank", currency)
    owed = await accounts.of(connection, buyer, "buyer", currency)
    return await post(connection, f"buyer payment {reference}", "buyer_payment", [Leg(bank, owed, micros)])

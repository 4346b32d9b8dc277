"""Who moves the money: by hand with a file for the bank, or a payment provider that reports back by webhook.

A provider is two functions: one that hands payouts over and gives its references, and one that reads what it reports.
`manual` writes a SEPA file and the reports come from the operator; `hooked` speaks HTTP both ways.
"""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from storage.payout_destinations import BankAccount


class Instruction(Struct, frozen=True):
    """One payout to be made; `micros` are whole smallest coins of the currency."""

    payout: UUID
    currency: str
    micros: int
    bank: BankAccount

    @property
    def reference(self) -> str:
        """What the payout is called end to end: 32 characters, as SEPA allows at most 35."""
        return self.payout.hex

"""Who moves the money: by hand with a file for the bank, or a payment provider that reports back by webhook.

A provider hands payouts over and gives its references, reads what it reports, and asks where nothing was reported.
`manual` writes a SEPA file and the reports come from the operator; `hooked` speaks HTTP both ways.
"""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from api.settings import Settings
from storage.payout_destinations import BankAccount

#: What a SEPA credit transfer moves.
SEPA = frozenset({"EUR"})


def payable(settings: Settings) -> frozenset[str]:
    """Say which currencies can be paid to a bank account: by whoever moves the money here."""
    return frozenset(settings.payout_provider_currencies.split()) if settings.payout_provider_url else SEPA


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

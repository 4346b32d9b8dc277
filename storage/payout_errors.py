"""What stands in the way of being paid: branches of the tree in storage/errors.py.

Missing     DestinationMissing, StatementMissing, PayoutMissing
Conflict    DestinationResting, DestinationInUse, PayoutMoveRefused, PayoutTooSmall, CurrencyUnpayable, NothingToPay,
AccountOpen, RuleDiffers
"""

from __future__ import annotations

from storage.errors import Conflict, Missing


class DestinationMissing(Missing):
    """You have no payout destination by that id."""


class StatementMissing(Missing):
    """You have no statement by that id."""


class PayoutMissing(Missing):
    """There is no such payout."""


class DestinationResting(Conflict):
    """A new destination rests before its first payout, so that nobody else can send your money away unseen."""


class DestinationInUse(Conflict):
    """A payout is on its way to this destination; remove it when the payout has arrived, or cancel the payout."""


class PayoutMoveRefused(Conflict):
    """The payout is too far on its way, or has ended, for that."""


class PayoutTooSmall(Conflict):
    """This is less than the smallest payout; what you have stays yours and adds up."""


class CurrencyUnpayable(Conflict):
    """We cannot pay this currency to a bank account yet; it stays on your balance in full until we can."""


class NothingToPay(Conflict):
    """There is nothing available yet that a bank could move."""


class AccountOpen(Conflict):
    """This account is open: its owner asks for payouts, and nobody else does."""


class RuleDiffers(Conflict):
    """There is such a rule already and it says something else; a later one takes its place, under a code of its own."""

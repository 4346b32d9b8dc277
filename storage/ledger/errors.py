"""Everything the ledger raises: a branch of the tree in storage/errors.py.

StorageError
└── LedgerError                   money cannot move like that; nothing was moved
├── Overdrawn                 an account would fall below its floor
├── PostingDiffers            the key was used for other legs
├── PostingEmpty, AccountUnknown, CurrencyUnknown
└── AlreadyReversed, TransactionMissing
"""

from __future__ import annotations

from storage.errors import StorageError


class LedgerError(StorageError):
    """Money cannot move like that; nothing was moved."""


class Overdrawn(LedgerError):
    """There is less on the account than that."""


class PostingDiffers(LedgerError):
    """This key belongs to another posting."""


class PostingEmpty(LedgerError):
    """A posting has at least one leg, and every leg moves more than nothing."""


class AlreadyReversed(LedgerError):
    """This transaction is reversed already."""


class AccountUnknown(LedgerError):
    """There is no such account in the ledger, or the two sides are of different currencies."""


class CurrencyUnknown(LedgerError):
    """There is no such currency; write it as ISO 4217 does, such as EUR."""


class TransactionMissing(LedgerError):
    """There is no such transaction in the ledger."""

"""The ledger: what is owed, paid and charged, as balanced transfers in PostgreSQL that nobody can change.

`accounts` opens and reads accounts, `posting` moves money between them, `amounts` rounds and splits it, `checkpoints`
keeps the busiest accounts quick to read, `audit` proves that nothing drifted.
"""

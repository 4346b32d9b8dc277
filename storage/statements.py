"""Statements: a month of somebody's balance in one currency, closed and never changed again.

The opening of a month is the closing of the one before, and opening plus lines is closing: a contributor can check it
with a pencil. A month without a line has no statement; the next one opens with what stood there.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from msgspec import Struct

from storage.balance_transactions import COLUMNS as LINE_COLUMNS
from storage.balance_transactions import BalanceTransaction
from storage.database import Connection, every, one, run
from storage.payout_errors import StatementMissing


class Due(Struct, frozen=True):
    """A month that has ended and has no statement yet."""

    account_id: UUID
    currency: str
    month: date


class Statement(Struct, frozen=True):
    """One statement; `document` is canonical JSON with its signature, as it was issued."""

    id: UUID
    account_id: UUID
    month: date
    currency: str
    opening_micros: int
    closing_micros: int
    lines: int
    document: bytes
    sha256: bytes
    issued_at: datetime


class Paper(Struct, frozen=True):
    """The statement as PDF, and the signature over the hashes of all of its forms (compact JWS)."""

    pdf: bytes
    jws: str


class Month(Struct, frozen=True):
    """What a statement is made of: its number, whose it is, what stood there before, and every line in its order."""

    id: UUID
    pseudonym: str
    opening_micros: int
    lines: list[BalanceTransaction]


class _Opening(Struct, frozen=True):
    id: UUID
    pseudonym: str
    opening_micros: int


DUE = "SELECT account_id, currency, month FROM statements_due(%(most)s)"
OPENING = """
    SELECT uuidv7() AS id, a.pseudonym, coalesce((SELECT closing_micros FROM statements s
        WHERE s.account_id = a.id AND s.currency = %(currency)s ORDER BY month DESC LIMIT 1), 0) AS opening_micros
    FROM accounts a WHERE a.id = %(account)s
"""
# Lines of a month that had a statement already, and were older than any other, do not exist: they are issued in order.
LINES = f"""
    SELECT {LINE_COLUMNS} FROM balance_transactions b
    WHERE b.account_id = %(account)s AND b.currency = %(currency)s
      AND b.created_at >= %(month)s::timestamp AT TIME ZONE 'UTC'
      AND b.created_at < (%(month)s::timestamp + interval '1 month') AT TIME ZONE 'UTC'
    ORDER BY b.created_at, b.id
"""
COLUMNS = "id, account_id, month, currency, opening_micros, closing_micros, lines, document, sha256, issued_at"
INSERT = f"""
    INSERT INTO statements ({COLUMNS})
    VALUES (%(id)s, %(account_id)s, %(month)s, %(currency)s, %(opening_micros)s, %(closing_micros)s, %(lines)s,
            %(document)s, %(sha256)s, %(issued_at)s)
    ON CONFLICT (account_id, currency, month) DO NOTHING
"""


async def due(connection: Connection, most: int) -> list[Due]:
    """List months that want a statement, the oldest first; when none does, what is in one is not looked at again."""
    # When a month has ended, all of its lines are read.
    await run(connection, "SET LOCAL statement_timeout = '10min'")
    waiting = await every(connection, Due, DUE, most=most)
    if not waiting:
        await run(connection, "SELECT statements_done()")
    return waiting


async def month(connection: Connection, due: Due) -> Month:
    """Read what a statement is made of."""
    before = await one(connection, _Opening, OPENING, account=due.account_id, currency=due.currency)
    assert before is not None  # noqa: S101 - lines belong to an account.
    lines = await every(
        connection, BalanceTransaction, LINES, account=due.account_id, currency=due.currency, month=due.month
    )
    return Month(before.id, before.pseudonym, before.opening_micros, lines)


async def issue(connection: Connection, statement: Statement) -> bool:
    """Keep a statement; False when another worker has issued that month."""
    return bool(
        await run(connection, INSERT, **{name: getattr(statement, name) for name in Statement.__struct_fields__})
    )


FIND = f"SELECT {COLUMNS} FROM statements WHERE id = %(statement)s AND account_id = %(account)s"
LISTED = f"""
    SELECT {COLUMNS} FROM statements
    WHERE account_id = %(account)s AND (%(after)s::uuid IS NULL OR id < %(after)s) ORDER BY id DESC LIMIT %(limit)s
"""
PAPER = "SELECT pdf, jws FROM statement_papers WHERE statement_id = %(statement)s"
NEW_PAPER = """
    INSERT INTO statement_papers (statement_id, pdf, jws) VALUES (%(statement)s, %(pdf)s, %(jws)s)
    ON CONFLICT DO NOTHING
"""


async def find(connection: Connection, account: UUID, statement: UUID) -> Statement:
    """Read one of somebody's statements. Raises StatementMissing."""
    found = await one(connection, Statement, FIND, statement=statement, account=account)
    if found is None:
        raise StatementMissing
    return found


async def listing(connection: Connection, account: UUID, after: UUID | None, limit: int) -> list[Statement]:
    """List somebody's statements, newest first, from the one after `after`."""
    return await every(connection, Statement, LISTED, account=account, after=after, limit=limit)


async def paper(connection: Connection, statement: UUID) -> Paper | None:
    """Give the paper as it was first set, if it was."""
    return await one(connection, Paper, PAPER, statement=statement)


async def keep_paper(connection: Connection, statement: UUID, made: Paper) -> Paper:
    """Keep a paper, unless another one was kept in the same moment; give the one that stays."""
    await run(connection, NEW_PAPER, statement=statement, pdf=made.pdf, jws=made.jws)
    return await paper(connection, statement) or made

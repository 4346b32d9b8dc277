"""The audit: proves from the transfers alone that nothing drifted, whoever wrote to the database and however.

It also proves that the lines contributors read say the same as the ledger, and that whoever was accepted was paid.
Every figure that is kept beside the transfers is computed from them again. What can only be zero is shown as well,
because a proof that is not shown convinces nobody.
"""

from __future__ import annotations

from typing import LiteralString

from msgspec import Struct

from storage.database import Connection, every, one, run


class Finding(Struct, frozen=True):
    """One question of the audit, how many things were looked at, and how many of them are wrong."""

    question: str
    looked_at: int
    wrong: int


class Counted(Struct, frozen=True):
    """The answer to a question."""

    looked_at: int
    wrong: int


#: Every question and its proof; `wrong` must be 0.
QUESTIONS: dict[str, LiteralString] = {
    "Balances and checkpoints are the sums of their transfers": """
        SELECT (SELECT count(*) FROM ledger_balances) + (SELECT count(*) FROM ledger_checkpoints) AS looked_at,
               (SELECT count(*) FROM ledger_drift) AS wrong
    """,
    "No account is below its floor": """
        SELECT count(*) AS looked_at,
               count(*) FILTER (WHERE (b.floor = 'credits' AND credits < debits)
                                   OR (b.floor = 'debits' AND debits < credits) OR b.floor <> k.floor) AS wrong
        FROM ledger_balances b JOIN ledger_accounts a ON a.id = b.account_id JOIN ledger_kinds k USING (kind)
    """,
    "Every account that needs a balance has one": """
        SELECT count(*) AS looked_at, count(*) FILTER (WHERE (b.account_id IS NULL) <> k.streamed) AS wrong
        FROM ledger_accounts a JOIN ledger_kinds k USING (kind) LEFT JOIN ledger_balances b ON b.account_id = a.id
    """,
    "Both sides of a transfer are of its currency": """
        SELECT count(*) AS looked_at,
               count(*) FILTER (WHERE (d.currency = t.currency AND c.currency = t.currency) IS NOT TRUE) AS wrong
        FROM ledger_transfers t LEFT JOIN ledger_accounts d ON d.id = t.debit_id
        LEFT JOIN ledger_accounts c ON c.id = t.credit_id
    """,
    "Every transfer belongs to a transaction": """
        SELECT count(*) AS looked_at, count(*) FILTER (WHERE t.id IS NULL) AS wrong
        FROM ledger_transfers l LEFT JOIN ledger_transactions t ON t.id = l.transaction_id
    """,
    "Every transaction moved something": """
        SELECT count(*) AS looked_at, count(*) FILTER (WHERE NOT EXISTS (
            SELECT FROM ledger_transfers WHERE transaction_id = t.id)) AS wrong
        FROM ledger_transactions t
    """,
    "Every reversal mirrors what it reverses": """
        SELECT count(*) AS looked_at, count(*) FILTER (WHERE EXISTS (
            (SELECT debit_id, credit_id, micros FROM ledger_transfers WHERE transaction_id = r.id
             EXCEPT ALL SELECT credit_id, debit_id, micros FROM ledger_transfers WHERE transaction_id = r.reverses)
            UNION ALL
            (SELECT credit_id, debit_id, micros FROM ledger_transfers WHERE transaction_id = r.reverses
             EXCEPT ALL SELECT debit_id, credit_id, micros FROM ledger_transfers WHERE transaction_id = r.id))) AS wrong
        FROM ledger_transactions r WHERE r.reverses IS NOT NULL
    """,
    "What contributors read adds up to what they have": """
        SELECT count(*) AS looked_at, count(*) FILTER (WHERE coalesce(read, 0) <> coalesce(has, 0)) AS wrong
        FROM (SELECT owner_id, currency, sum(credits - debits) AS has
              FROM ledger_accounts JOIN ledger_balances ON account_id = id
              WHERE kind LIKE 'contributor%%' AND kind <> 'contributor_paid' GROUP BY 1, 2) ledger
        FULL JOIN (SELECT account_id AS owner_id, currency, sum(net_micros) AS read
                   FROM balance_transactions GROUP BY 1, 2) lines USING (owner_id, currency)
        WHERE owner_id IN (SELECT id FROM accounts)
    """,
    "What is still on hold is what is pending": """
        SELECT count(*) AS looked_at, count(*) FILTER (WHERE coalesce(read, 0) <> coalesce(has, 0)) AS wrong
        FROM (SELECT owner_id, currency, credits - debits AS has
              FROM ledger_accounts JOIN ledger_balances ON account_id = id WHERE kind = 'contributor_pending') ledger
        FULL JOIN (SELECT account_id AS owner_id, currency,
                          coalesce(sum(net_micros) FILTER (WHERE released_at IS NULL), 0) AS read
                   FROM balance_transactions GROUP BY 1, 2) lines USING (owner_id, currency)
        WHERE owner_id IN (SELECT id FROM accounts)
    """,
    "Every accepted recording was paid": """
        SELECT count(*) AS looked_at, count(*) FILTER (WHERE NOT EXISTS (
            SELECT FROM balance_transactions WHERE recording_id = r.id AND type = 'earning')) AS wrong
        FROM recordings r WHERE state = 'accepted' AND duration_ms > 0
            AND 2::numeric * rate_micros * duration_ms > rate_per_ms
            AND NOT EXISTS (SELECT FROM removed_spans WHERE recording_id = r.id)
    """,
}


async def audit(connection: Connection) -> list[Finding]:
    """Answer every question, in the caller's transaction; best a REPEATABLE READ one while others post."""
    await run(connection, "SET LOCAL statement_timeout = 0")
    findings = []
    for question, proof in QUESTIONS.items():
        counted = await one(connection, Counted, proof) or Counted(0, 0)
        findings.append(Finding(question, counted.looked_at, counted.wrong))
    return findings


class Total(Struct, frozen=True):
    """What all accounts of one kind and currency hold together, in micros; over all kinds it is zero."""

    currency: str
    kind: str
    balance: int


class Drift(Struct, frozen=True):
    """By how much all balances and checkpoints together differ from their transfers, in micros; 0 in good books."""

    micros: int


DRIFT = """
    SELECT coalesce(sum(abs(debits - debits_seen) + abs(credits - credits_seen)), 0)::bigint AS micros FROM ledger_drift
"""


async def drift(connection: Connection) -> int:
    """Add up every difference between what is kept and what the transfers say, in micros; it can only be 0."""
    await run(connection, "SET LOCAL statement_timeout = 0")
    found = await one(connection, Drift, DRIFT)
    return 0 if found is None else found.micros


TOTALS = """
    SELECT currency, kind, sum(credits - debits)::bigint AS balance
    FROM ledger_accounts CROSS JOIN LATERAL ledger_balance(id)
    GROUP BY currency, kind ORDER BY currency, kind
"""


async def totals(connection: Connection) -> list[Total]:
    """Add up the chart of accounts, currency by currency."""
    await run(connection, "SET LOCAL statement_timeout = 0")
    return await every(connection, Total, TOTALS)

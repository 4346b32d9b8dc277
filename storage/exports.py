"""What somebody takes along (GDPR Art. 15 and 20): every row about them, as plain JSON, a thousand at a time.

A part is a query and nothing more: a new table that names accounts gets a line here, and is in every export from then
on. Columns that mean something only inside of this service (hashes of keys, encrypted bytes) are left out.
"""

from __future__ import annotations

from typing import Any, LiteralString
from uuid import UUID

from msgspec import Struct

from storage.database import Connection, every

CHUNK = 1000
FIRST = UUID(int=0)


class Row(Struct, frozen=True):
    """One row as JSON values, and the id after which the next ones follow."""

    id: UUID
    value: dict[str, Any]


#: File in the export -> its rows, in the order of their ids.
PARTS: dict[str, LiteralString] = {
    "account": """
        SELECT id, to_jsonb(t) AS value FROM (
            SELECT id, pseudonym, email, role, created_at, consent_paused_at FROM accounts WHERE id = %(account)s) t
        WHERE id > %(after)s
    """,
    "devices": """
        SELECT id, to_jsonb(t) AS value FROM (
            SELECT id, device, created_at, revoked_at, revoked_because FROM sessions WHERE account_id = %(account)s) t
        WHERE id > %(after)s
    """,
    "consents": """
        SELECT id, to_jsonb(t) - 'term_sheet_sha256' - 'card_sha256'
            || jsonb_build_object('term_sheet_sha256', encode(term_sheet_sha256, 'hex')) AS value
        FROM consents t WHERE account_id = %(account)s AND id > %(after)s
    """,
    "consent-receipts": """
        SELECT id, to_jsonb(t) AS value FROM (
            SELECT id, consent_id, jws, issued_at FROM consent_receipts WHERE account_id = %(account)s) t
        WHERE id > %(after)s
    """,
    "quotes": """
        SELECT id, to_jsonb(t) AS value FROM (
            SELECT id, campaign_id, jws, created_at, expires_at, used_at FROM quotes WHERE account_id = %(account)s) t
        WHERE id > %(after)s
    """,
    "disputes": """
        SELECT id, to_jsonb(t) AS value FROM (
            SELECT id, recording_id, text, opened_at, answer_by, answered_at, outcome, answer FROM disputes
            WHERE account_id = %(account)s) t
        WHERE id > %(after)s
    """,
    "withdrawals": """
        SELECT id, to_jsonb(t) AS value FROM withdrawals t WHERE account_id = %(account)s AND id > %(after)s
    """,
    "balance-transactions": """
        SELECT id, to_jsonb(t) - 'account_id' AS value FROM balance_transactions t
        WHERE account_id = %(account)s AND id > %(after)s
    """,
    "statements": """
        SELECT id, convert_from(document, 'UTF8')::jsonb AS value FROM statements
        WHERE account_id = %(account)s AND id > %(after)s
    """,
    "tax-profile": """
        SELECT account_id AS id, to_jsonb(t) - 'tax_id' AS value FROM tax_profiles t
        WHERE account_id = %(account)s AND account_id > %(after)s
    """,
    "payout-destinations": """
        SELECT id, to_jsonb(t) AS value FROM (
            SELECT id, method, currency, country, hint, created_at, usable_from, removed_at FROM payout_destinations
            WHERE account_id = %(account)s) t
        WHERE id > %(after)s
    """,
    "data-budget": """
        SELECT account_id AS id, to_jsonb(t) - 'account_id' AS value FROM data_budgets t
        WHERE account_id = %(account)s AND account_id > %(after)s
    """,
    "refused-companies": """
        SELECT account_id AS id, to_jsonb(t) - 'account_id' - 'folded' AS value FROM refused_companies t
        WHERE account_id = %(account)s AND account_id > %(after)s
    """,
    "privacy": """
        SELECT recording_id AS id, to_jsonb(t) AS value FROM (
            SELECT p.* FROM privacy p JOIN recordings r ON r.id = p.recording_id WHERE r.account_id = %(account)s) t
        WHERE recording_id > %(after)s
    """,
    "withdrawal-notices": """
        SELECT id, to_jsonb(t) AS value FROM (
            SELECT n.id, n.withdrawal_id, n.recording_id, n.sale_id, b.legal_name AS buyer, n.uses, n.state,
                n.notify_by, n.delete_by, n.notified_at, n.settled_at, n.statement
            FROM withdrawal_notices n JOIN withdrawals w ON w.id = n.withdrawal_id JOIN buyers b ON b.id = n.buyer_id
            WHERE w.account_id = %(account)s) t
        WHERE id > %(after)s
    """,
    "notifications": """
        SELECT account_id AS id, to_jsonb(t) - 'account_id' AS value FROM notification_settings t
        WHERE account_id = %(account)s AND account_id > %(after)s
    """,
    "payouts": """
        SELECT id, to_jsonb(t) - 'account_id' AS value FROM payouts t WHERE account_id = %(account)s AND id > %(after)s
    """,
}
PAGE = " ORDER BY id LIMIT 1000"


async def rows(connection: Connection, account: UUID, part: str, after: UUID = FIRST) -> list[Row]:
    """Give the next rows of a part, at most a thousand."""
    return await every(connection, Row, PARTS[part] + PAGE, account=account, after=after)

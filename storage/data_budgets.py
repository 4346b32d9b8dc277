"""Data budgets: what a contributor lets their phone spend on this service, and what was spent.

Mobile data cost money, often more than a recording earns. The phone decides what it sends; the plan that it asks for
keeps to this budget.
"""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from storage.database import Connection, one, run


class DataBudget(Struct, frozen=True):
    """Bytes a day over mobile networks (null: as many as it takes), and whether to wait for Wi-Fi at all times."""

    bytes_per_day: int | None = None
    wifi_only: bool = False


FIND = "SELECT bytes_per_day, wifi_only FROM data_budgets WHERE account_id = %(account)s"
SET = """
    INSERT INTO data_budgets (account_id, bytes_per_day, wifi_only)
    VALUES (%(account)s, %(bytes_per_day)s, %(wifi_only)s)
    ON CONFLICT (account_id) DO UPDATE
        SET bytes_per_day = %(bytes_per_day)s, wifi_only = %(wifi_only)s, updated_at = clock_timestamp()
"""


async def find(connection: Connection, account: UUID) -> DataBudget:
    """Give the contributor's budget; without one nothing is limited."""
    return await one(connection, DataBudget, FIND, account=account) or DataBudget()


async def store(connection: Connection, account: UUID, budget: DataBudget) -> None:
    """Set the contributor's budget."""
    await run(connection, SET, account=account, bytes_per_day=budget.bytes_per_day, wifi_only=budget.wifi_only)


class Spent(Struct, frozen=True):
    """Bytes that arrived."""

    bytes_today: int


# A piece has no time of its own: what an unfinished upload holds counts as sent today, so the estimate is never low.
SPENT = """
    SELECT (
        SELECT coalesce(sum(length), 0) FROM uploads
        WHERE account_id = %(account)s AND completed_at > now() - interval '1 day'
    )::bigint + (
        SELECT coalesce(sum(c.size), 0) FROM uploads u JOIN upload_chunks c ON c.upload_id = u.id
        WHERE u.account_id = %(account)s AND u.completed_at IS NULL
    )::bigint AS bytes_today
"""


async def spent(connection: Connection, account: UUID) -> int:
    """Count the bytes that arrived from this contributor in the last 24 hours, over whatever network."""
    found = await one(connection, Spent, SPENT, account=account)
    return 0 if found is None else found.bytes_today

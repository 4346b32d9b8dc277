"""Earnings, added up: by month, recording, use or buyer, and week by week for a projection."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, LiteralString, TypeAlias
from uuid import UUID

from msgspec import Struct

from storage.database import Connection, every

Grouping: TypeAlias = Literal["month", "recording", "use", "buyer"]


class _Next(Struct, frozen=True):
    currency: str
    at: datetime


NEXT = """
    SELECT currency, min(available_at) AS at FROM balance_transactions
    WHERE account_id = %(account)s AND released_at IS NULL GROUP BY currency
"""


async def next_available(connection: Connection, account: UUID) -> dict[str, datetime]:
    """Tell when the next pending amount of each currency becomes available."""
    return {row.currency: row.at for row in await every(connection, _Next, NEXT, account=account)}


class Sum(Struct, frozen=True):
    """Amounts of one currency added up, in micros; `lines` is how many there are."""

    currency: str
    gross_micros: int
    fee_micros: int
    tax_micros: int
    net_micros: int
    lines: int


SUMS = """
    b.currency, sum(gross_micros)::bigint AS gross_micros, sum(fee_micros)::bigint AS fee_micros,
    sum(tax_micros)::bigint AS tax_micros, sum(net_micros)::bigint AS net_micros, count(*) AS lines
"""
# Payouts move money and earn none.
EARNED = """
    b.account_id = %(account)s AND b.type NOT IN ('payout', 'payout_return')
    AND (%(since)s::timestamptz IS NULL OR b.created_at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR b.created_at < %(until)s)
    AND (%(recording)s::uuid IS NULL OR b.recording_id = %(recording)s)
"""


TOTALS = f"SELECT {SUMS} FROM balance_transactions b WHERE {EARNED} GROUP BY currency ORDER BY currency"


async def totals(
    connection: Connection,
    account: UUID,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    recording: UUID | None = None,
) -> list[Sum]:
    """Add up what somebody earned, less what was taken back, for each currency; in a period, or with one recording."""
    return await every(connection, Sum, TOTALS, account=account, since=since, until=until, recording=recording)


class Group(Sum, frozen=True):
    """A part of the earnings: `key` is a month, the id of a recording or a buyer, or uses; `label` is for people.

    What belongs to none, such as an adjustment, has neither.
    """

    key: str | None
    label: str | None


#: What a line belongs to, and how that is called.
KEYS: dict[Grouping, tuple[LiteralString, LiteralString, LiteralString]] = {
    "month": ("to_char(b.created_at AT TIME ZONE 'UTC', 'YYYY-MM')", "NULL::text", ""),
    "recording": ("b.recording_id::text", "r.title", "LEFT JOIN recordings r ON r.id = b.recording_id"),
    "use": (
        "coalesce(array_to_string(s.uses, ','), CASE WHEN b.recording_id IS NOT NULL THEN 'accepted' END)",
        "NULL::text",
        "LEFT JOIN sales s ON s.id = b.sale_id",
    ),
    "buyer": (
        "u.id::text",
        "u.legal_name",
        "LEFT JOIN sales s ON s.id = b.sale_id LEFT JOIN buyers u ON u.id = s.buyer_id",
    ),
}


async def groups(
    connection: Connection,
    account: UUID,
    by: Grouping,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 200,
) -> list[Group]:
    """Add up what somebody earned in a period, part by part: months in their order, others the largest first."""
    key, label, joined = KEYS[by]
    order: LiteralString = "key" if by == "month" else "net_micros DESC, key"
    query: LiteralString = f"""
        SELECT {key} AS key, min({label}) AS label, {SUMS} FROM balance_transactions b {joined}
        WHERE {EARNED} GROUP BY 1, b.currency ORDER BY {order} LIMIT %(limit)s
    """
    return await every(connection, Group, query, account=account, since=since, until=until, recording=None, limit=limit)


class Week(Struct, frozen=True):
    """What somebody earned in one week that has ended, in micros; `weeks_ago` counts from 1."""

    currency: str
    weeks_ago: int
    net_micros: int


# Weeks without earnings count as nothing, from the first one with any.
WEEKS = """
    WITH earned AS (
        SELECT currency, net_micros, floor(extract(epoch FROM now() - created_at) / 604800)::int AS weeks_ago
        FROM balance_transactions
        WHERE account_id = %(account)s AND type IN ('earning', 'royalty', 'derivative_royalty', 'reversal')
          AND created_at > now() - interval '12 weeks'),
    first AS (SELECT currency, max(weeks_ago) AS weeks_ago FROM earned GROUP BY currency)
    SELECT first.currency, week.ago AS weeks_ago, coalesce(sum(earned.net_micros), 0)::bigint AS net_micros
    FROM first CROSS JOIN LATERAL generate_series(0, first.weeks_ago) AS week(ago)
    LEFT JOIN earned ON earned.currency = first.currency AND earned.weeks_ago = week.ago
    GROUP BY 1, 2 ORDER BY 1, 2
"""


async def weeks(connection: Connection, account: UUID) -> list[Week]:
    """Give what somebody earned in each of the last 12 times seven days, 0 being the newest."""
    return await every(connection, Week, WEEKS, account=account)

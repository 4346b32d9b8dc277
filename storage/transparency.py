"""Transparency: once a day, what the service did for the people in it in the last season, for anybody to read.

Nothing in it is about one person: counts, medians and sums of everything together. A report that was published stays as
it is.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, LiteralString, TypeVar

import msgspec
from msgspec import Meta, Struct
from psycopg.types.json import Jsonb

from storage.database import Connection, every, one, run
from storage.track_records import DAYS, MOVES, SEASON, Count, Decisions, Median, median

Row = TypeVar("Row", bound=Struct)


class Disputes(Struct, frozen=True):
    """Objections of contributors; `overturned` of the `answered` ones ended with an accepted recording.

    `waiting` are open now, `overdue` of them beyond the day that their terms promised.
    """

    opened: Count
    answered: Count
    overturned: Count
    answered_in: Median | None
    waiting: Count
    # Reports from before objections had a day do not know it.
    overdue: Count = 0


class Objections(Struct, frozen=True):
    """Claims of people who are in a recording that somebody else made."""

    opened: Count
    upheld: Count
    dismissed: Count
    resolved_in: Median | None
    waiting: Count


class Withdrawn(Struct, frozen=True):
    """Withdrawals of contributors, and what buyers who held such a recording did; the last two count what is so now."""

    withdrawals: Count
    buyers_told: Count
    deletions_attested: Count
    kept_in_trained_model: Count
    overdue: Count
    escalated: Count


class Licensed(Struct, frozen=True):
    """Licences sold: to how many buyers, and over how many recordings."""

    sales: Count
    buyers: Count
    recordings: Count


class Paid(Struct, frozen=True):
    """Money of one currency: earned by contributors after fees, taxes and corrections, and paid out to them.

    `paid_in` is the median from asking to having it.
    """

    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z", examples=["EUR"])]
    earned_micros: Annotated[int, Meta(description="Millionths of the currency's unit.", examples=[12_345_678])]
    paid_micros: Annotated[int, Meta(description="Millionths of the currency's unit.", examples=[9_876_000])]
    payouts: Count
    failed: Count
    paid_in: Median | None


class Report(Struct, frozen=True):
    """What happened in the `days` days that end with `day` (UTC)."""

    day: date
    days: Annotated[int, Meta(gt=0, examples=[DAYS])]
    recordings: Decisions
    disputes: Disputes
    third_party_claims: Objections
    withdrawals: Withdrawn
    licences: Licensed
    money: list[Paid]
    accounts_closed: Count


class _Count(Struct, frozen=True):
    number: int


class _Day(Struct, frozen=True):
    day: date


class _Document(Struct, frozen=True):
    document: dict[str, Any]


RECORDINGS = f"""
    WITH {MOVES}
    SELECT count(*) FILTER (WHERE to_state = 'accepted') AS accepted,
        count(*) FILTER (WHERE to_state = 'needs_fix') AS returned,
        count(*) FILTER (WHERE to_state = 'rejected') AS rejected,
        w.examined_in, w.reviewed, w.reviewed_in
    FROM (SELECT * FROM waits WHERE campaign_id IS NULL) w LEFT JOIN decisions ON true
    GROUP BY w.examined_in, w.reviewed, w.reviewed_in
"""
DISPUTES = f"""
    WITH {SEASON}
    SELECT count(*) FILTER (WHERE opened_at >= since AND opened_at < until) AS opened,
        count(*) FILTER (WHERE answered_at >= since AND answered_at < until) AS answered,
        count(*) FILTER (WHERE answered_at >= since AND answered_at < until AND outcome = 'accepted') AS overturned,
        {median("answered_at - opened_at", "answered_at >= since AND answered_at < until")} AS answered_in,
        count(*) FILTER (WHERE answered_at IS NULL) AS waiting,
        count(*) FILTER (WHERE answered_at IS NULL AND answer_by < now()) AS overdue
    FROM season CROSS JOIN disputes
"""
OBJECTIONS = f"""
    WITH {SEASON}
    SELECT count(*) FILTER (WHERE created_at >= since AND created_at < until) AS opened,
        count(*) FILTER (WHERE resolved_at >= since AND resolved_at < until AND state = 'upheld') AS upheld,
        count(*) FILTER (WHERE resolved_at >= since AND resolved_at < until AND state = 'dismissed') AS dismissed,
        {median("resolved_at - created_at", "resolved_at >= since AND resolved_at < until")} AS resolved_in,
        count(*) FILTER (WHERE state = 'open') AS waiting
    FROM season CROSS JOIN third_party_claims
"""
WITHDRAWN = f"""
    WITH {SEASON}
    SELECT (SELECT count(*) FROM withdrawals, season WHERE sales_stopped_at >= since AND sales_stopped_at < until)
            AS withdrawals,
        count(*) FILTER (WHERE notified_at >= since AND notified_at < until) AS buyers_told,
        count(*) FILTER (WHERE settled_at >= since AND settled_at < until AND state = 'deletion_attested')
            AS deletions_attested,
        count(*) FILTER (WHERE settled_at >= since AND settled_at < until AND state = 'kept_in_trained_model')
            AS kept_in_trained_model,
        count(*) FILTER (WHERE state = 'overdue') AS overdue,
        count(*) FILTER (WHERE state = 'escalated') AS escalated
    FROM season CROSS JOIN withdrawal_notices
"""
LICENSED = f"""
    WITH {SEASON}
    SELECT count(DISTINCT s.id) AS sales, count(DISTINCT s.buyer_id) AS buyers,
        count(DISTINCT line.recording_id) AS recordings
    FROM season JOIN sales s ON s.created_at >= since AND s.created_at < until
    LEFT JOIN sale_lines line ON line.sale_id = s.id
"""
PAID = f"""
    WITH {SEASON},
    earned AS (
        SELECT currency, sum(net_micros)::bigint AS micros
        FROM season JOIN balance_transactions ON created_at >= since AND created_at < until
        WHERE type NOT IN ('payout', 'payout_return') GROUP BY currency
    ),
    moved AS (
        SELECT p.currency, coalesce(sum(p.micros) FILTER (WHERE m.to_state = 'paid'), 0)::bigint AS micros,
            count(*) FILTER (WHERE m.to_state = 'paid') AS payouts,
            count(*) FILTER (WHERE m.to_state <> 'paid') AS failed,
            {median("m.at - p.created_at", "m.to_state = 'paid'")} AS paid_in
        FROM season JOIN payout_moves m ON m.at >= since AND m.at < until JOIN payouts p ON p.id = m.payout_id
        WHERE m.to_state IN ('paid', 'failed', 'returned') GROUP BY p.currency
    )
    SELECT currency, coalesce(earned.micros, 0) AS earned_micros, coalesce(moved.micros, 0) AS paid_micros,
        coalesce(payouts, 0) AS payouts, coalesce(failed, 0) AS failed, paid_in
    FROM earned FULL JOIN moved USING (currency) ORDER BY currency
"""
CLOSED = f"""
    WITH {SEASON} SELECT count(*) AS number FROM season JOIN accounts ON erased_at >= since AND erased_at < until
"""
# As for checkpoints, a day is closed five minutes late. A day that an outage swept over has no report: the next one
# counts its events, too.
DUE = """
    SELECT yesterday AS day FROM (SELECT (now() - interval '1 day 5 minutes')::date AS yesterday) AS clock
    WHERE NOT EXISTS (SELECT FROM transparency_reports WHERE day >= yesterday)
"""
ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('transparency', 0))"
KEEP = "INSERT INTO transparency_reports (day, document) VALUES (%(day)s, %(document)s)"
LISTING = """
    SELECT document FROM transparency_reports WHERE %(before)s::date IS NULL OR day < %(before)s
    ORDER BY day DESC LIMIT %(limit)s
"""


async def due(connection: Connection) -> date | None:
    """Name the day that is over and has no report yet, and let nobody else make it meanwhile, however long it takes."""
    await run(connection, "SET LOCAL statement_timeout = '10min'")
    await run(connection, ALONE)
    found = await one(connection, _Day, DUE)
    return None if found is None else found.day


async def counted(connection: Connection, day: date) -> Report:
    """Count the days that end with this one."""
    return Report(
        day=day,
        days=DAYS,
        recordings=await _single(connection, Decisions, RECORDINGS, day),
        disputes=await _single(connection, Disputes, DISPUTES, day),
        third_party_claims=await _single(connection, Objections, OBJECTIONS, day),
        withdrawals=await _single(connection, Withdrawn, WITHDRAWN, day),
        licences=await _single(connection, Licensed, LICENSED, day),
        money=await every(connection, Paid, PAID, day=day, days=DAYS),
        accounts_closed=(await _single(connection, _Count, CLOSED, day)).number,
    )


async def _single(connection: Connection, row: type[Row], query: LiteralString, day: date) -> Row:
    found = await one(connection, row, query, day=day, days=DAYS)
    assert found is not None  # noqa: S101 - an aggregate always gives a row.
    return found


async def keep(connection: Connection, report: Report) -> None:
    """Publish a report."""
    await run(connection, KEEP, day=report.day, document=Jsonb(msgspec.to_builtins(report)))


async def listing(connection: Connection, *, before: date | None, limit: int) -> list[Report]:
    """List reports, newest first, from the one before a day on."""
    found = await every(connection, _Document, LISTING, before=before, limit=limit)
    return [msgspec.convert(row.document, Report) for row in found]

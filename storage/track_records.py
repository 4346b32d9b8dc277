"""Track records: how it went for those who recorded for a campaign before, told before anybody else begins.

Counted once a day by the clock over the last `DAYS` days (UTC), and kept day by day: nothing of it is ever changed.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, LiteralString
from uuid import UUID

from msgspec import Meta, Struct

from storage.database import Connection, one, run

#: A season: long enough for a campaign of a few recordings a day, short enough to tell how it is now.
DAYS = 90
#: Of fewer decisions nothing is told: one bad day would look like a habit, and one person could be meant.
FEWEST = 10


Count = Annotated[int, Meta(ge=0, examples=[128])]
Median = Annotated[timedelta, Meta(description="A median (ISO 8601), null where there was none.", examples=["PT3H"])]


class Decisions(Struct, frozen=True):
    """What became of recordings, each counted once, as its newest decision left it, and how long that took.

    `examined_in` is from the last byte to the report, `reviewed_in` from the doubt to the decision of a person.
    """

    accepted: Count
    returned: Count
    rejected: Count
    examined_in: Median | None
    reviewed: Count
    reviewed_in: Median | None


class TrackRecord(Decisions, frozen=True):
    """What became of the recordings of a campaign that were decided in the days that end with `day`.

    `earned_micros` is what the accepted ones earned at their acceptance, before sales, fees and taxes, `recorded_ms`
    how long all of them last.
    """

    day: date
    recorded_ms: int
    earned_micros: int


def median(interval: LiteralString, counted: LiteralString) -> LiteralString:
    """Write the median of what is counted, in whole seconds: a duration on the wire has no more (RFC 3339, A)."""
    middle = f"percentile_cont(0.5) WITHIN GROUP (ORDER BY {interval}) FILTER (WHERE {counted})"
    return f"date_trunc('second', {middle})"


# Days are in UTC, as everything that a connection says.
SEASON = "season AS (SELECT %(day)s::date - %(days)s + 1 AS since, %(day)s::date + 1 AS until)"
# Every move out of examination or review in these days, and how long the recording had been there. What comes back from
# a claim was decided before, and what ends with our fault or lost bytes was not examined. The waits of all campaigns
# together have no campaign.
MOVES = f"""
    {SEASON},
    moves AS (
        SELECT r.campaign_id, r.duration_ms, e.recording_id, e.number, e.from_state, e.to_state,
            e.at - (SELECT before.at FROM recording_events before
                    WHERE before.recording_id = e.recording_id AND before.number < e.number
                    ORDER BY before.number DESC LIMIT 1) AS lasted
        FROM season JOIN recording_events e ON e.at >= since AND e.at < until JOIN recordings r ON r.id = e.recording_id
        WHERE e.from_state IN ('validating', 'in_review', 'needs_consent')
            AND e.to_state IN ('accepted', 'needs_fix', 'rejected', 'in_review', 'needs_consent')
    ),
    decisions AS (
        SELECT DISTINCT ON (recording_id) recording_id, campaign_id, to_state, duration_ms
        FROM moves WHERE to_state IN ('accepted', 'needs_fix', 'rejected') ORDER BY recording_id, number DESC
    ),
    waits AS (
        SELECT campaign_id, count(*) FILTER (WHERE from_state = 'in_review') AS reviewed,
            {median("lasted", "from_state = 'validating'")} AS examined_in,
            {median("lasted", "from_state = 'in_review'")} AS reviewed_in
        FROM moves GROUP BY GROUPING SETS ((campaign_id), ())
    )
"""
KEEP = f"""
    WITH {MOVES}
    INSERT INTO track_records (campaign_id, day, accepted, returned, rejected, examined_in, reviewed, reviewed_in,
                               recorded_ms, earned_micros)
    SELECT d.campaign_id, %(day)s, count(*) FILTER (WHERE d.to_state = 'accepted'),
        count(*) FILTER (WHERE d.to_state = 'needs_fix'), count(*) FILTER (WHERE d.to_state = 'rejected'),
        w.examined_in, w.reviewed, w.reviewed_in, coalesce(sum(d.duration_ms), 0), coalesce(sum(line.gross_micros), 0)
    FROM decisions d
    JOIN waits w ON w.campaign_id = d.campaign_id
    LEFT JOIN balance_transactions line
        ON line.recording_id = d.recording_id AND line.type = 'earning' AND d.to_state = 'accepted'
    GROUP BY d.campaign_id, w.examined_in, w.reviewed, w.reviewed_in
    ON CONFLICT DO NOTHING
"""
OF_CAMPAIGN = """
    SELECT day, accepted, returned, rejected, examined_in, reviewed, reviewed_in, recorded_ms, earned_micros
    FROM track_records WHERE campaign_id = %(campaign)s AND day = (SELECT max(day) FROM transparency_reports)
"""


async def keep(connection: Connection, day: date) -> None:
    """Count the days that end with this one, for every campaign of which anything was decided in them.

    A second time changes nothing.
    """
    await run(connection, KEEP, day=day, days=DAYS)


async def of_campaign(connection: Connection, campaign: UUID) -> TrackRecord | None:
    """Give the record of a campaign as of the newest report, when there is enough to tell."""
    found = await one(connection, TrackRecord, OF_CAMPAIGN, campaign=campaign)
    if found is None or found.accepted + found.returned + found.rejected < FEWEST:
        return None
    return found

"""Changes of an open campaign: paused, opened again, closed early, its quota and its deadline moved.

A change is for what comes after it. Who holds a quote, has announced a recording or has a take to replace goes on under
what was announced to them, and everybody who takes part is told, with the operator's reason.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType, to_builtins
from psycopg.types.json import Jsonb

from storage import quota
from storage.campaigns import Campaign, Standing, find
from storage.database import Connection, every, one, run
from storage.errors import CampaignMissing, CampaignOver, DeadlinePast, QuotaTaken
from storage.events import News, tell_each


class Wish(Struct, frozen=True, kw_only=True):
    """What is to be different; what is not set stays. A deadline of None is no deadline."""

    standing: Standing | UnsetType = UNSET
    quota_recordings: int | UnsetType = UNSET
    deadline: datetime | UnsetType | None = UNSET


class Change(Struct, frozen=True):
    """One change with its reason: how it stood before, and how it stands since `at`."""

    id: UUID
    at: datetime
    because: str
    standing_before: Standing
    standing: Standing
    quota_before: int
    quota: int
    deadline_before: datetime | None
    deadline: datetime | None


COLUMNS = "id, at, because, standing_before, standing, quota_before, quota, deadline_before, deadline"
LISTING = f"SELECT {COLUMNS} FROM campaign_changes WHERE campaign_id = %(campaign)s ORDER BY id DESC LIMIT 50"


async def listing(connection: Connection, campaign: UUID) -> list[Change]:
    """List the newest changes of a campaign, at most 50, the newest first."""
    return await every(connection, Change, LISTING, campaign=campaign)


# Whoever joins it meanwhile refers to it, which this lets pass.
LOCK = "SELECT FROM campaigns WHERE id = %(campaign)s FOR NO KEY UPDATE"
CHANGE = """
    UPDATE campaigns SET standing = %(standing)s, quota_recordings = %(quota)s, deadline = %(deadline)s,
        lowered_at = CASE WHEN %(quota)s < quota_recordings THEN now() ELSE lowered_at END
    WHERE id = %(campaign)s
"""
TAKEN = "SELECT places_taken(%(campaign)s, NULL) AS places, %(deadline)s <= now() AS past"
NOTE = """
    INSERT INTO campaign_changes
        (campaign_id, because, standing_before, quota_before, deadline_before, standing, quota, deadline)
    VALUES (%(campaign)s, %(because)s, %(standing_before)s, %(quota_before)s, %(deadline_before)s, %(standing)s,
        %(quota)s, %(deadline)s)
"""


class _Taken(Struct, frozen=True):
    places: int
    past: bool | None


async def change(connection: Connection, campaign: UUID, wish: Wish, because: str) -> bool:
    """Change a campaign from now on; False, and nobody is told, when it stands like that already.

    Raises CampaignMissing, CampaignOver for a closed one, QuotaTaken below what is given away, DeadlinePast.
    """
    # First, as whoever is offered a place does: nobody waits in a circle.
    await quota.hold(connection, campaign)
    if not await run(connection, LOCK, campaign=campaign):
        raise CampaignMissing
    before = await find(connection, campaign)
    after = _applied(before, wish)
    if after == _now(before):
        return False
    if before.standing == "closed":
        raise CampaignOver
    await run(connection, CHANGE, campaign=campaign, **after)
    await _check(connection, campaign, before, after)
    was = {f"{name}_before": value for name, value in _now(before).items()}
    await run(connection, NOTE, campaign=campaign, because=because, **after, **was)
    return True


def _now(row: Campaign) -> dict[str, Any]:
    return {"standing": row.standing, "quota": row.quota_recordings, "deadline": row.deadline}


def _applied(row: Campaign, wish: Wish) -> dict[str, Any]:
    wanted = {"standing": wish.standing, "quota": wish.quota_recordings, "deadline": wish.deadline}
    return _now(row) | {name: value for name, value in wanted.items() if value is not UNSET}


async def _check(connection: Connection, campaign: UUID, before: Campaign, after: dict[str, Any]) -> None:
    """Refuse what takes a place from somebody who has it, in the transaction that has made the quota smaller."""
    taken = await one(connection, _Taken, TAKEN, campaign=campaign, deadline=after["deadline"])
    assert taken is not None  # noqa: S101 – one row, always.
    if after["quota"] < min(before.quota_recordings, taken.places):
        raise QuotaTaken(taken=taken.places, asked=after["quota"])
    if after["deadline"] != before.deadline and taken.past:
        raise DeadlinePast(deadline=after["deadline"])


class _Untold(Struct, frozen=True):
    id: UUID
    campaign_id: UUID
    title: str
    because: str
    standing: Standing
    quota: int
    deadline: datetime | None


class _Account(Struct, frozen=True):
    id: UUID


OLDEST_UNTOLD = """
    SELECT v.id, v.campaign_id, c.title, v.because, v.standing, v.quota, v.deadline
    FROM campaign_changes v JOIN campaigns c ON c.id = v.campaign_id
    WHERE v.told_at IS NULL ORDER BY v.id LIMIT 1 FOR UPDATE OF v SKIP LOCKED
"""
# Everybody with a place, a quote or an accepted recording there, who has not heard of this change.
CONCERNED = """
    SELECT account_id AS id FROM (
        SELECT account_id FROM recordings WHERE campaign_id = %(campaign)s AND state IN
            ('claimed', 'uploading', 'validating', 'failed', 'needs_fix', 'needs_consent', 'in_review', 'accepted',
             'held')
        UNION SELECT account_id FROM quotes
            WHERE campaign_id = %(campaign)s AND used_at IS NULL AND expires_at > now()
    ) concerned
    WHERE NOT EXISTS (SELECT FROM recording_events e
        WHERE e.account_id = concerned.account_id AND e.kind = 'campaign.changed' AND e.data @> %(change)s)
    ORDER BY account_id LIMIT %(most)s
"""
TOLD = "UPDATE campaign_changes SET told_at = now() WHERE id = %(change)s"


async def tell_next(connection: Connection, most: int = 500) -> int:
    """Tell some of those who take part of the oldest change that not all have heard of; 0 when everybody has.

    Whoever is told waits for this transaction with their own events: hence a few at a time, and in the order of ids.
    """
    due = await one(connection, _Untold, OLDEST_UNTOLD)
    if due is None:
        return 0
    change = Jsonb({"change": str(due.id)})
    accounts = await every(connection, _Account, CONCERNED, campaign=due.campaign_id, change=change, most=most)
    news = [News(account.id, None, _facts(due)) for account in accounts]
    await tell_each(connection, "campaign.changed", news, by="operator")
    if len(accounts) < most:
        await run(connection, TOLD, change=due.id)
    return max(len(accounts), 1)


def _facts(due: _Untold) -> dict[str, Any]:
    facts = {"change": due.id, "campaign": due.campaign_id, "title": due.title, "standing": due.standing}
    facts |= {"quota_recordings": due.quota, "deadline": due.deadline, "because": due.because}
    return dict(to_builtins(facts))

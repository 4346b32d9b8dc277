"""The quota of a campaign: how many recordings it accepts, counted so that the last place is given to one of them.

Whoever is about to accept a recording asks here first, in the same transaction.
"""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from storage.database import Connection, one, run


class Quota(Struct, frozen=True):
    """Whether one more recording fits."""

    place_left: bool


# Two recordings that want the last place are decided one after the other; the lock ends with the transaction.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('campaign ' || %(campaign)s, 0))"
#: Whether `campaigns c` takes one more recording; true until the transaction ends only under the lock.
PLACE_LEFT = """
    (SELECT count(*) FROM recordings taken WHERE taken.campaign_id = c.id AND taken.state IN ('accepted', 'held'))
        < c.quota_recordings
"""
ASK = f"SELECT {PLACE_LEFT} AS place_left FROM campaigns c WHERE c.id = %(campaign)s"


async def left(connection: Connection, campaign: UUID) -> bool:
    """Tell whether the campaign takes one more recording, and keep the answer true until the transaction ends."""
    await run(connection, ONE_AT_A_TIME, campaign=str(campaign))
    quota = await one(connection, Quota, ASK, campaign=campaign)
    return quota is not None and quota.place_left

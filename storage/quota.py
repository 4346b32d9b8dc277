"""The quota of a campaign: how many recordings it accepts, counted so that the last place is given to one of them.

A quote keeps a place until it expires, so places are counted with quotes (`place_left` in the database). Whoever is
about to promise a place, or to accept a recording, asks here first, in the same transaction.
"""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from storage.database import Connection, one, run


class Quota(Struct, frozen=True):
    """Whether one more recording fits."""

    place_left: bool


ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('campaign ' || %(campaign)s, 0))"
ASK = """
    SELECT place_left(campaign_id, quote_id, coalesce(begun_at, created_at)) AS place_left
    FROM recordings WHERE id = %(recording)s
"""


async def hold(connection: Connection, campaign: UUID) -> None:
    """Let nobody else count this campaign's places until the transaction ends: the last one is given away once."""
    await run(connection, ONE_AT_A_TIME, campaign=str(campaign))


async def left(connection: Connection, campaign: UUID, recording: UUID) -> bool:
    """Tell whether the campaign still takes this recording, and keep the answer true until the transaction ends.

    One that was claimed with a quote, or begun before the quota was made smaller, has had its place all the time.
    """
    await hold(connection, campaign)
    asked = await one(connection, Quota, ASK, recording=recording)
    return asked is not None and asked.place_left

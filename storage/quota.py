"""The quota of a campaign: how many recordings it accepts, counted so that the last place is given to one of them.

A quote keeps a place until it expires, so places are counted with quotes (`place_left` in the database). Whoever is
about to accept a recording asks here first, in the same transaction.
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
ASK = "SELECT place_left(%(campaign)s, %(quote)s) AS place_left"


async def left(connection: Connection, campaign: UUID, quote: UUID | None = None) -> bool:
    """Tell whether the campaign takes one more recording, and keep the answer true until the transaction ends.

    `quote` is the one that the recording was claimed with: its place was kept all the time.
    """
    await run(connection, ONE_AT_A_TIME, campaign=str(campaign))
    asked = await one(connection, Quota, ASK, campaign=campaign, quote=quote)
    return asked is not None and asked.place_left

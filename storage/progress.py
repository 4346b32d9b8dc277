"""How far a campaign has come: what its recordings stand at, and how many places are given away."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from storage.database import Connection, every, one
from storage.errors import CampaignMissing
from storage.states import State


class Progress(Struct, frozen=True):
    """What a campaign has given away: `places_taken` counts what is accepted or paid, quoted, or begun and kept.

    `accepted_ms` are milliseconds of accepted sound or picture, and `unused_quotes` may still be used.
    """

    places_taken: Annotated[int, Meta(ge=0, examples=[129])]
    unused_quotes: Annotated[int, Meta(ge=0, examples=[4])]
    accepted_ms: Annotated[int, Meta(ge=0, examples=[1_276_000])]


class Standing(Struct, frozen=True):
    """How many recordings of a campaign are in a state."""

    state: State
    recordings: Annotated[int, Meta(ge=0, examples=[118])]


GIVEN = """
    SELECT places_taken(c.id, NULL) AS places_taken,
        (SELECT count(*) FROM quotes WHERE campaign_id = c.id AND used_at IS NULL AND expires_at > now())
            AS unused_quotes,
        (SELECT coalesce(sum(duration_ms), 0)::bigint FROM recordings
            WHERE campaign_id = c.id AND state IN ('accepted', 'held')) AS accepted_ms
    FROM campaigns c WHERE c.id = %(campaign)s
"""
STANDINGS = """
    SELECT state, count(*) AS recordings FROM recordings WHERE campaign_id = %(campaign)s
    GROUP BY state ORDER BY count(*) DESC, state
"""


async def of_campaign(connection: Connection, campaign: UUID) -> tuple[Progress, list[Standing]]:
    """Count what a campaign has. Raises CampaignMissing."""
    found = await one(connection, Progress, GIVEN, campaign=campaign)
    if found is None:
        raise CampaignMissing
    return found, await every(connection, Standing, STANDINGS, campaign=campaign)

"""Watching and changing an open campaign, for operators: how far it is, pause, close, resize and move it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get, patch
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType

from api.campaigns import Campaign, shown
from api.dependencies import Caller, Database
from api.problems import problems
from storage import campaign_changes, progress
from storage.campaign_changes import Wish
from storage.campaigns import Standing as Decided
from storage.database import transaction
from storage.errors import CampaignMissing, CampaignOver, DeadlinePast, QuotaTaken
from storage.operator_actions import acting
from storage.progress import Progress, Standing


class CampaignWish(Struct, frozen=True):
    """What is to be different, and why; what is left out stays as it is."""

    because: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=1000,
            description="Everybody who takes part is told, and reads it on the campaign's page.",
            examples=["The buyer has enough hours."],
        ),
    ]
    standing: Annotated[Decided, Meta(description="`closed` is for good.", examples=["paused"])] | UnsetType = UNSET
    quota_recordings: Annotated[int, Meta(ge=0, lt=2**31, examples=[6000])] | UnsetType = UNSET
    deadline: Annotated[datetime, Meta(tz=True, examples=["2030-12-31T23:59:59Z"])] | UnsetType | None = UNSET


class CampaignProgress(Struct, frozen=True):
    """How far a campaign has come, as its operator sees it."""

    campaign: Campaign
    progress: Progress
    recordings: list[Standing]


@get(
    "/v1/operator/campaigns/{campaign:uuid}",
    opt={"operator": True},
    responses=problems(CampaignMissing),
    tags=["Operators"],
)
async def watch_campaign(campaign: FromPath[UUID], database: Database) -> CampaignProgress:
    """See how far a campaign is: its recordings by their state, what is accepted, and what is given away."""
    async with transaction(database) as connection:
        made, standings = await progress.of_campaign(connection, campaign)
        return CampaignProgress(await shown(connection, campaign), made, standings)


@patch(
    "/v1/operator/campaigns/{campaign:uuid}",
    opt={"operator": True},
    responses=problems(CampaignMissing, CampaignOver, QuotaTaken, DeadlinePast),
    tags=["Operators"],
)
async def change_campaign(
    campaign: FromPath[UUID], data: JSONBody[CampaignWish], account: Caller, database: Database
) -> Campaign:
    """Pause a campaign, open it again, close it early, or move its quota or deadline.

    It counts for what is announced from now on: quotes that are out, recordings that are announced and takes to be
    replaced within a month go on as if nothing had changed, and what was agreed to stays as it is. Sent twice it is
    done, and told, once.
    """
    wish = Wish(standing=data.standing, quota_recordings=data.quota_recordings, deadline=data.deadline)
    async with acting(database, account.id) as connection:
        await campaign_changes.change(connection, campaign, wish, data.because)
        return await shown(connection, campaign)


handlers = [watch_campaign, change_campaign]

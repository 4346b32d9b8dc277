"""Transparency: what the service did for the people in it, counted once a day, for anybody to read."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import QueryParameter
from msgspec import Struct

from api.conditional import PUBLIC, conditional
from api.dependencies import Database
from api.pages import Limit
from api.problems import problems
from storage import track_records, transparency
from storage.database import Connection, reading
from storage.transparency import Report


class Reports(Struct, frozen=True):
    """Reports, newest first; `next_before` asks for the ones before these."""

    data: list[Report]
    next_before: date | None


async def publish(connection: Connection) -> date | None:
    """Count the season that ended yesterday when that is due, campaign by campaign and in all; give its last day."""
    day = await transparency.due(connection)
    if day is not None:
        await track_records.keep(connection, day)
        await transparency.keep(connection, await transparency.counted(connection, day))
    return day


@get("/v1/transparency", opt={"public": True}, responses=problems(public=True), tags=["Reference"])
async def list_reports(
    request: Request[Any, Any, Any],
    database: Database,
    before: Annotated[date | None, QueryParameter(description="`next_before` of the page before.")] = None,
    limit: Limit = 50,
) -> Response[Reports]:
    """Read how the service treats the people in it: decisions, disputes, withdrawals, money, a report for every day.

    Each counts the 90 days that end with its own, of everybody together; nothing in it is about one person.
    """
    async with reading(database) as connection:
        found = await transparency.listing(connection, before=before, limit=limit + 1)
    return conditional(request, Reports(found[:limit], found[limit - 1].day if len(found) > limit else None), PUBLIC)


handlers = [list_reports]

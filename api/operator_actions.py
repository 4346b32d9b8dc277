"""What operators did, for operators to read."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter

from api.dependencies import Database
from api.pages import Cursor, Limit, Page, page, position_of
from api.problems import problems
from storage import operator_actions
from storage.database import reading
from storage.operator_actions import OperatorAction


@get("/v1/operator/actions", opt={"operator": True}, responses=problems(), tags=["Operators"])
async def list_operator_actions(
    database: Database,
    subject: Annotated[
        str | None, QueryParameter(max_length=200, description="Only what was decided about this id.")
    ] = None,
    operator: Annotated[
        str | None, QueryParameter(max_length=200, description="Only what this account or login did.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[OperatorAction]:
    """Read which operator decided what, newest first: recordings, money, campaigns, buyers, claims and keys.

    Nothing in it is ever changed or removed. It names ids: no reasons, no addresses, no secrets.
    """
    async with reading(database) as connection:
        rows = await operator_actions.listing(
            connection, subject=subject, operator=operator, before=position_of(cursor), limit=limit + 1
        )
    return page(rows, limit, lambda row: row.id)


handlers = [list_operator_actions]

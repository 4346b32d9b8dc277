"""Pauses: stop all sales and all agreeing at once, when a phone is lost, and go on with the password."""

from __future__ import annotations

from datetime import datetime

from litestar import get, put
from litestar.params import JSONBody
from msgspec import Struct

from api.confirmations import demand
from api.dependencies import Caller, Database
from api.errors import StepUpRequired
from api.problems import problems
from storage import pauses
from storage.database import reading, transaction


class ConsentPause(Struct, frozen=True):
    """Whether nothing is sold and nothing can be agreed to for now."""

    paused: bool


class ConsentPauseView(ConsentPause, frozen=True):
    """Whether consent is paused, and since when."""

    since: datetime | None


def view(pause: pauses.Pause) -> ConsentPauseView:
    """Show a pause to its owner."""
    return ConsentPauseView(paused=pause.since is not None, since=pause.since)


@get("/v1/me/consent-pause", responses=problems(), tags=["Accounts"])
async def read_pause(account: Caller, database: Database) -> ConsentPauseView:
    """Read whether your consent is paused."""
    async with reading(database) as connection:
        return view(await pauses.find(connection, account.id))


@put("/v1/me/consent-pause", responses=problems(StepUpRequired), tags=["Accounts"])
async def set_pause(data: JSONBody[ConsentPause], account: Caller, database: Database) -> ConsentPauseView:
    """Pause your consent at once, or let it go on.

    While it is paused nothing of yours is sold, and nobody can agree to terms in your name. What was sold before goes
    on; withdraw it to end that. Pausing needs nothing; going on needs your password again
    (`/v1/sessions/current/confirmations`), because whoever has your phone may not have that.
    """
    async with transaction(database) as connection:
        if not data.paused:
            await demand(connection, account)
        return view(await pauses.change(connection, account.id, paused=data.paused))


handlers = [read_pause, set_pause]

"""Whether the process lives, and whether it can serve: what a load balancer and a supervisor ask."""

from typing import Literal

from litestar import Response, get
from msgspec import Struct

from api.dependencies import Database, Objects
from api.problems import problems
from storage.database import reading, run
from storage.errors import DatabaseBusy, StoreUnavailable


class Health(Struct, frozen=True):
    """The process answers."""

    status: Literal["ok"] = "ok"


@get("/healthz", opt={"public": True}, responses=problems(public=True), tags=["Health"])
async def healthy() -> Health:
    """Say that the process lives, without asking any engine: a restart would not help a missing database."""
    return Health()


@get("/readyz", opt={"public": True}, responses=problems(DatabaseBusy, StoreUnavailable, public=True), tags=["Health"])
async def ready(database: Database, store: Objects) -> Response[Health]:
    """Say whether requests can be served now: the database and the object store answer."""
    async with reading(database) as connection:
        await run(connection, "SELECT 1")
    await store.ready()
    return Response(Health(), headers={"Cache-Control": "no-store"})


handlers = [healthy, ready]

"""Whether the process lives, and whether it can serve: what a load balancer and a supervisor ask."""

from typing import Annotated, Literal

from litestar import Response, get
from litestar.openapi.datastructures import ResponseSpec
from msgspec import Meta, Struct

from api.dependencies import Configuration, Database, Objects
from api.problems import problems
from api.settings import Settings
from storage import backlog
from storage.database import Pool, reading, run
from storage.errors import DatabaseBusy, StoreFull, StoreUnavailable
from storage.objects import Store


class Health(Struct, frozen=True):
    """The process answers."""

    status: Literal["ok"] = "ok"


Part = Annotated[
    Literal["ok", "slow", "missing"],
    Meta(description="`ok`; `slow`: works, behind its promise; `missing`: does not work now."),
]


class Readiness(Struct, frozen=True):
    """What the service needs, part by part; it serves while database and store are `ok`."""

    status: Literal["ok", "limited", "unavailable"]
    database: Part
    store: Part
    workers: Annotated[Part, Meta(description="`missing`: no worker gives a sign of life, so nothing is examined.")]
    validation: Annotated[Part, Meta(description="`slow`: a recording waits longer for its report than is promised.")]


@get("/healthz", opt={"public": True}, responses=problems(public=True), tags=["Health"])
async def healthy() -> Health:
    """Say that the process lives, without asking any engine: a restart would not help a missing database."""
    return Health()


@get(
    "/readyz",
    opt={"public": True},
    responses={
        503: ResponseSpec(Readiness, generate_examples=False, description="Not ready; every part says how it is."),
        **{status: spec for status, spec in problems(public=True).items() if status != 503},
    },
    tags=["Health"],
)
async def ready(database: Database, store: Objects, settings: Configuration) -> Response[Readiness]:
    """Say whether requests can be served now, and what does not work.

    503 when the database or the object store does not answer. Without a worker recordings are still taken, and wait:
    that is 200 and `limited`.
    """
    found = await parts(database, store, settings)
    headers = {"Cache-Control": "no-store"}
    if found.status != "unavailable":
        return Response(found, headers=headers)
    return Response(found, status_code=503, headers={**headers, "Retry-After": "2"})


async def parts(database: Pool, store: Store, settings: Settings) -> Readiness:
    """Ask every part."""
    bucket = await _store(store)
    try:
        async with reading(database) as connection:
            await run(connection, "SELECT 1")
            alive = await backlog.workers(connection)
            waited_s = await backlog.oldest_due_s(connection)
    except DatabaseBusy:
        return Readiness("unavailable", "missing", bucket, "missing", "missing")
    workers: Part = "ok" if alive else "missing"
    validation: Part = "slow" if waited_s > settings.intake_lag_s else "ok"
    if bucket != "ok":
        return Readiness("unavailable", "ok", bucket, workers, validation)
    whole = workers == validation == "ok"
    return Readiness("ok" if whole else "limited", "ok", bucket, workers, validation)


async def _store(store: Store) -> Part:
    try:
        await store.ready()
    except (StoreUnavailable, StoreFull):
        return "missing"
    return "ok"


handlers = [healthy, ready]

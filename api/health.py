"""Whether the process lives, and whether it can serve: what a load balancer and a supervisor ask."""

import asyncio
from typing import Annotated, Literal

from litestar import Response, get
from litestar.openapi.datastructures import ResponseSpec
from msgspec import Meta, Struct

from api.dependencies import Configuration, Database, Objects
from api.problems import problems
from api.settings import Settings
from storage import backlog, examiners
from storage.database import Connection, Pool, reading
from storage.errors import DatabaseBusy, ExaminationImpossible, StoreFull, StoreUnavailable
from storage.objects import Store

#: A part that takes longer does not work for whoever asks: a load balancer gives up about then.
PATIENCE_S = 4.0


class Health(Struct, frozen=True):
    """The process answers."""

    status: Literal["ok"] = "ok"


Part = Annotated[
    Literal["ok", "slow", "missing"],
    Meta(description="`ok`; `slow`: works, behind its promise; `missing`: does not work now."),
]


class Readiness(Struct, frozen=True):
    """What the service needs, part by part; it serves while database and store are `ok`.

    While `sandbox` or `disk` is `missing` it serves, and takes no bytes of recordings.
    """

    status: Literal["ok", "limited", "unavailable"]
    database: Part
    store: Part
    workers: Annotated[Part, Meta(description="`missing`: no worker gives a sign of life, so nothing is examined.")]
    validation: Annotated[Part, Meta(description="`slow`: a recording waits longer for its report than is promised.")]
    sandbox: Annotated[Part, Meta(description="`missing`: no living worker can examine a recording in isolation.")]
    disk: Annotated[Part, Meta(description="`missing`: there is no room for new recordings.")]


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

    503 when the database or the object store does not answer. 200 and `limited` while only taking in is: recordings
    wait without a worker, and are refused without a sandbox or without room.
    """
    found = await parts(database, store, settings)
    headers = {"Cache-Control": "no-store"}
    if found.status != "unavailable":
        return Response(found, headers=headers)
    return Response(found, status_code=503, headers={**headers, "Retry-After": "2"})


class Behind(Struct, frozen=True):
    """What the database knows: living workers, for how long (s) a recording waits, and whether one can examine it."""

    workers: int
    waited_s: float
    examines: bool


async def parts(database: Pool, store: Store, settings: Settings) -> Readiness:
    """Ask every part, all at once."""
    bucket, behind = await asyncio.gather(_store(store), _behind(database))
    disk = _disk(store)
    if behind is None:
        return Readiness("unavailable", "missing", bucket, "missing", "missing", "missing", disk)
    workers: Part = "ok" if behind.workers else "missing"
    validation: Part = "slow" if behind.waited_s > settings.intake_lag_s else "ok"
    sandbox: Part = "ok" if behind.examines else "missing"
    whole = {workers, validation, sandbox, disk} == {"ok"}
    status: Literal["ok", "limited", "unavailable"] = "ok" if whole else "limited"
    return Readiness(status if bucket == "ok" else "unavailable", "ok", bucket, workers, validation, sandbox, disk)


async def _behind(database: Pool) -> Behind | None:
    """Ask the database; None when it does not answer in time, which one that hangs does not."""
    try:
        async with asyncio.timeout(PATIENCE_S), reading(database) as connection:
            alive = await backlog.workers(connection)
            waited_s = await backlog.oldest_due_s(connection)
            return Behind(alive, waited_s, await _examines(connection))
    except (DatabaseBusy, TimeoutError):
        return None


async def _examines(connection: Connection) -> bool:
    try:
        await examiners.check(connection)
    except ExaminationImpossible:
        return False
    return True


async def _store(store: Store) -> Part:
    try:
        async with asyncio.timeout(PATIENCE_S):
            await store.ready()
    except (StoreUnavailable, StoreFull, TimeoutError):
        return "missing"
    return "ok"


def _disk(store: Store) -> Part:
    try:
        store.room.check()
    except StoreFull:
        return "missing"
    return "ok"


handlers = [healthy, ready]

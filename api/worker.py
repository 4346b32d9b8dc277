"""The background half: `companion worker` runs jobs, and keeps the clock that expires, retries and clears away.

Any number of workers may run; whatever the clock does holds a lock or skips rows that another worker has.
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from uuid import UUID, uuid4

from anyio import CapacityLimiter, to_thread
from procrastinate import App, JobContext

from api.app import bucket_of
from api.checkpoints import make
from api.provider_events import submit_approved
from api.receipts import issue_missing
from api.settings import Settings
from api.signing import Signatures
from api.validation import Workplace, validate_recording
from api.withdrawal_notices import post_due
from capture_validation.errors import SandboxError
from capture_validation.validate import shared_sandbox
from storage import accounts, consents, erasures, examiners, idempotency, notices, queue, sessions
from storage.database import pool, transaction
from storage.errors import DatabaseBusy
from storage.ledger import checkpoints
from storage.objects import open_store
from storage.recordings import expire
from storage.settling import release, settle
from storage.sweeping import remove_doomed, remove_orphans

logger = logging.getLogger("companion.worker")

#: Jobs that run at once beyond the processors: while one is examined, the next one is fetched.
READ_AHEAD = 1


def scratch_of(settings: Settings) -> str:
    """Give the folder for unlinked files: on the data's own disk, because /tmp is often memory."""
    if not settings.data:
        return tempfile.gettempdir()
    folder = Path(settings.data, "scratch")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return str(folder)


@asynccontextmanager
async def workplace(settings: Settings) -> AsyncIterator[Workplace]:
    """Open what jobs need."""
    async with pool(settings.database_url) as database, open_store(*bucket_of(settings)) as store:
        await store.make_bucket()
        limiter = CapacityLimiter(os.cpu_count() or 1)
        yield Workplace(database, store, settings.master_key, scratch_of(settings), limiter, settings.store_folder)


def jobs(url: str, place: Workplace) -> App:
    """Make the queue's application with its one kind of job."""
    app = queue.application(url)

    @app.task(name=queue.VALIDATION, queue="validation", retry=queue.UntilItWorks(), pass_context=True)
    async def run_validation(context: JobContext, recording: str) -> None:
        await validate_recording(place, UUID(recording), context.job.attempts)

    return app


async def every_so_often(seconds: float, name: str, work: Callable[[], Awaitable[object]]) -> None:
    """Do something again and again; a failure is logged and the next time comes all the same."""
    while True:
        try:
            await work()
        except Exception:
            # The clock must not stop for anything: what expires, stalls or is to be removed would wait for ever.
            logger.exception("%s failed; it is tried again in %s seconds", name, seconds)
        await asyncio.sleep(seconds)


def clock(app: App, place: Workplace) -> list[asyncio.Task[None]]:
    """Start what happens by the clock."""

    async def retry_stalled() -> None:
        async with transaction(place.database) as connection:
            await queue.retry_stalled(app, connection)

    async def expire_claims() -> None:
        async with transaction(place.database) as connection:
            await expire(connection)

    async def clear_away() -> None:
        while await remove_doomed(place.database, place.store):
            pass

    async def purge_erased() -> None:
        while await erasures.purge(place.database, place.store):
            pass

    async def clear_orphans() -> None:
        await remove_orphans(place.database, place.store)

    async def forget_expired() -> None:
        async with transaction(place.database) as connection:
            await sessions.prune(connection)
            await idempotency.prune(connection)
            await accounts.prune(connection)

    async def settle_money() -> None:
        await settle(place.database)

    async def release_money() -> None:
        await release(place.database)

    async def sum_up() -> None:
        await checkpoints.take(place.database)

    hourly = ((3600, clear_orphans), (3600, forget_expired), (3600, settle_money))
    money = ((10, release_money), (300, sum_up))
    return [
        asyncio.create_task(every_so_often(seconds, work.__name__, work))
        for seconds, work in (
            (1, retry_stalled),
            (30, expire_claims),
            (5, clear_away),
            (30, purge_erased),
            *money,
            *hourly,
        )
    ]


def paying(settings: Settings, place: Workplace) -> list[asyncio.Task[None]]:
    """Hand payouts to the payment provider, where there is one; else an operator does it with files."""
    if not settings.payout_provider_url:
        return []

    async def submit_payouts() -> None:
        await submit_approved(place.database, settings.master_key, settings.payout_provider_url)

    return [asyncio.create_task(every_so_often(30, submit_payouts.__name__, submit_payouts))]


def licences(settings: Settings, place: Workplace) -> list[asyncio.Task[None]]:
    """Start what licences need by the clock: notices, their due dates, grants that end, receipts, and the day's end."""
    signing = Signatures(place.database, place.master_key)
    base = settings.public_url or f"http://{settings.host}:{settings.port}"

    async def post_notices() -> None:
        await post_due(place.database, place.master_key, anywhere=settings.webhooks_anywhere)

    async def watch_due_dates() -> None:
        async with transaction(place.database) as connection:
            await notices.by_the_clock(connection)
            await consents.tell_ending(connection)

    async def issue_receipts() -> None:
        await issue_missing(place.database, await signing.signer(), base)

    async def close_day() -> None:
        signer = await signing.signer()
        async with transaction(place.database) as connection:
            await make(connection, signer)

    return [
        asyncio.create_task(every_so_often(seconds, work.__name__, work))
        for seconds, work in ((10, post_notices), (60, watch_due_dates), (3600, issue_receipts), (300, close_day))
    ]


async def able() -> bool:
    """Start the sandbox before a recording waits for it, and say whether one can be examined on this machine."""
    try:
        await to_thread.run_sync(lambda: shared_sandbox().start())
    except SandboxError:
        logger.exception("no recording can be examined here; `companion doctor` says more")
        return False
    return True


@asynccontextmanager
async def heard(place: Workplace) -> AsyncIterator[None]:
    """Say again and again that this worker lives and what it can do, so that the API takes in what can be examined."""
    worker = uuid4()

    async def say_ability() -> None:
        isolates = await able()
        async with transaction(place.database) as connection:
            await examiners.say(connection, worker, isolates=isolates)

    saying = asyncio.create_task(every_so_often(examiners.SAID_EVERY_S, say_ability.__name__, say_ability))
    try:
        yield
    finally:
        saying.cancel()
        await asyncio.gather(saying, return_exceptions=True)
        with suppress(DatabaseBusy):
            async with transaction(place.database) as connection:
                await examiners.leave(connection, worker)


async def work(settings: Settings) -> None:
    """Run until a signal asks to stop; jobs that run then get half a minute to end, else another worker runs them."""
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(workplace(settings))
        app = jobs(settings.database_url, place)
        await stack.enter_async_context(app.open_async())
        await stack.enter_async_context(heard(place))
        tasks = [*clock(app, place), *paying(settings, place), *licences(settings, place)]
        logger.info("working")
        try:
            await app.run_worker_async(
                queues=["validation"],
                concurrency=(os.cpu_count() or 1) + READ_AHEAD,
                fetch_job_polling_interval=1.0,
                update_heartbeat_interval=queue.HEARTBEAT_S,
                stalled_worker_timeout=queue.STALLED_S,
                delete_jobs="successful",
                shutdown_graceful_timeout=30,
            )
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def main(settings: Settings) -> None:
    """Be the `companion worker` process."""
    asyncio.run(work(settings))

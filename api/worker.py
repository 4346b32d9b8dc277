"""The background half: `companion worker` runs jobs, and keeps the clock that expires, retries and clears away.

Any number of workers may run; whatever the clock does holds a lock or skips rows that another worker has.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from uuid import UUID, uuid4

from anyio import CapacityLimiter, to_thread
from procrastinate import App, JobContext

from api.app import bucket_of
from api.cleaning import make_rendition
from api.clock import every_so_often, wound
from api.settings import Settings
from api.validation import Workplace, validate_recording
from capture_validation import niceness
from capture_validation.errors import SandboxError
from capture_validation.validate import shared_sandbox
from storage import examiners, queue
from storage.database import pool, readers, transaction
from storage.errors import DatabaseBusy
from storage.objects import open_store

logger = logging.getLogger("companion.worker")

#: Examinations that run at once beyond the processors: while one is examined, the next one is fetched.
READ_AHEAD = 1
#: Steps of niceness: whoever waits for an answer goes before whoever waits for a report, and has twice its share. With
#: ten, and a tenth, a crowd of a thousand is answered twice as fast, and a third of them wait minutes for a report.
GIVING_WAY = 3


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
        # Two at least: a copy of a long video must not keep everybody's report waiting where there is one processor.
        at_once = max(2, os.cpu_count() or 1)
        with readers(settings.database_url, largest=at_once) as threads:
            limiter, scratch = CapacityLimiter(at_once), scratch_of(settings)
            yield Workplace(database, threads, store, settings.master_key, scratch, limiter, settings.store_folder)


def jobs(url: str, place: Workplace) -> App:
    """Make the queue's application with its kinds of jobs."""
    app = queue.application(url)

    @app.task(name=queue.VALIDATION, queue="validation", retry=queue.UntilItWorks(), pass_context=True)
    async def run_validation(context: JobContext, recording: str) -> None:
        await validate_recording(place, UUID(recording), context.job.attempts)

    @app.task(name=queue.RENDITION, queue="renditions", retry=queue.UntilItWorks())
    async def run_rendition(recording: str) -> None:
        await make_rendition(place, UUID(recording))

    return app


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
        tasks = wound(app, place, settings)
        logger.info("working")
        try:
            await run_jobs(app)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def run_jobs(app: App) -> None:
    """Run the jobs of both queues until a signal, or until one of them stops by itself; then both stop.

    Copies for buyers have half of the processors: one of a long video takes as long as it lasts, and contributors wait
    for reports.
    """
    stop, processors = asyncio.Event(), os.cpu_count() or 1
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    queues = {"validation": processors + READ_AHEAD, "renditions": max(1, processors // 2)}
    workers = [asyncio.create_task(run_queue(app, name, places)) for name, places in queues.items()]
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({stopping, *workers}, return_when=asyncio.FIRST_COMPLETED)
    for task in (stopping, *workers):
        task.cancel()
    for ended in await asyncio.gather(*workers, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended


async def run_queue(app: App, name: str, places: int) -> None:
    """Run the jobs of one queue until cancelled, so many at once."""
    await app.run_worker_async(
        queues=[name],
        concurrency=places,
        fetch_job_polling_interval=1.0,
        update_heartbeat_interval=queue.HEARTBEAT_S,
        stalled_worker_timeout=queue.STALLED_S,
        delete_jobs="successful",
        shutdown_graceful_timeout=30,
        install_signal_handlers=False,
    )


def main(settings: Settings) -> None:
    """Be the `companion worker` process, which gives way to the API where both share a machine."""
    niceness.set_session(os.nice(GIVING_WAY))
    asyncio.run(work(settings))

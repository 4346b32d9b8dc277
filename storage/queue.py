"""The job queue: procrastinate on the same PostgreSQL, so a job is enqueued by the transaction that makes it necessary.

Jobs are retried until they succeed, with growing pauses: what fails here is our fault, never a contributor's. A killed
worker stops its heartbeat; `retry_stalled` hands its jobs to others, which procrastinate never does by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
from procrastinate import App, PsycopgConnector, RetryDecision
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.retry import BaseRetryStrategy

from storage.database import Connection

VALIDATION = "validate_recording"
RENDITION = "make_rendition"
#: How often a worker says that it lives, and when it counts as dead; seconds.
HEARTBEAT_S = 1.0
STALLED_S = 5.0
#: Retries wait 1, 2, 4, … seconds, at most five minutes.
LONGEST_WAIT_S = 300
#: How long a worker tries to write how a job ended.
PATIENCE_S = 60.0

#: How often a job takes the place of another one that waits; the clock tells of a copy anew every other second.
TRIES = 5
DROP_TWIN = """
    DELETE FROM procrastinate_jobs twin USING procrastinate_jobs job
    WHERE job.id = %(job_id)s AND twin.queueing_lock = job.queueing_lock AND twin.status = 'todo' AND twin.id <> job.id
"""

#: Enqueues on a connection of the caller's; it never opens one of its own.
DEFERRING = App(connector=PsycopgConnector())


class WaitFirst(Exception):
    """Not now: the job asks to be run again after `wait`."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(f"to be run again in {wait}")
        self.wait = wait


class UntilItWorks(BaseRetryStrategy):
    """Retry for ever, after pauses that double, or exactly when the job asked for."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        if isinstance(exception, WaitFirst):
            return RetryDecision(retry_in={"seconds": max(1, int(exception.wait.total_seconds()))})
        return RetryDecision(retry_in={"seconds": min(2 ** min(job.attempts, 10), LONGEST_WAIT_S)})


class PatientJobs(JobManager):
    """Writes how a job ended, again and again while the database is away.

    procrastinate writes it once. A job whose end got lost would belong to a living worker for ever: no other worker
    would take it over, and its recording would wait for ever.
    """

    async def finish_job_by_id_async(self, job_id: int, status: Status, delete_job: bool) -> None:
        """Take a job out of the queue."""
        await patiently(partial(super().finish_job_by_id_async, job_id, status, delete_job))

    async def retry_job_by_id_async(self, job_id: int, *arguments: Any, **more: Any) -> None:
        """Put a job back into the queue, in place of one that was told to do the same while it ran.

        A queueing lock lets one such job wait. Were both left, this one could not go back, and the other one could not
        begin before it: a copy would never be made, and of a dead worker's jobs none behind it would be handed on.
        """
        retry = partial(super().retry_job_by_id_async, job_id, *arguments, **more)
        for _ in range(TRIES):
            try:
                await patiently(retry)
            except UniqueViolation:
                await patiently(partial(self.connector.execute_query_async, DROP_TWIN, job_id=job_id))
            else:
                return
        await patiently(retry)


async def patiently(write: Callable[[], Awaitable[None]]) -> None:
    """Try until the database is back, at most `PATIENCE_S`; by then the worker has lost its heartbeat, and stops."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return await write()
        except ConnectorException as error:
            # Anything but a lost connection is an answer. That the first try was done after all is one, too.
            if not isinstance(error.__cause__, psycopg.OperationalError) or time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.5)


def application(url: str) -> App:
    """Make the queue as a worker sees it, with connections of its own; open it with `open_async`."""
    app = App(connector=PsycopgConnector(conninfo=url, min_size=1, max_size=5))
    app.job_manager = PatientJobs(app.connector)
    return app


async def enqueue_validation(connection: Connection, recording: UUID) -> None:
    """Have a recording validated once the caller's transaction is committed; one waiting job is enough."""
    task = DEFERRING.configure_task(
        VALIDATION, queue="validation", queueing_lock=f"recording {recording}", connection=connection
    )
    try:
        async with connection.transaction():
            await task.defer_async(recording=str(recording))
    except AlreadyEnqueued:
        return


async def enqueue_rendition(connection: Connection, recording: UUID) -> None:
    """Have a recording's rendition made once the caller's transaction is committed; one waiting job is enough."""
    task = DEFERRING.configure_task(
        RENDITION, queue="renditions", queueing_lock=f"rendition {recording}", lock=f"rendition {recording}",
        connection=connection,
    )  # fmt: skip
    try:
        async with connection.transaction():
            await task.defer_async(recording=str(recording))
    except AlreadyEnqueued:
        return


async def retry_stalled(app: App, connection: Connection) -> int:
    """Hand the jobs of workers that died to others; return how many.

    The lock lets one worker at a time do this: a second one could take a job away from the worker that has just got it.
    """
    cursor = await connection.execute("SELECT pg_try_advisory_xact_lock(hashtextextended('retry_stalled', 0))")
    row = await cursor.fetchone()
    if row is None or not row[0]:
        return 0
    stalled = list(await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_S))
    for job in stalled:
        await app.job_manager.retry_job(job)
    return len(stalled)

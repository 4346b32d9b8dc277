"""The queue: how a job ended is written even when the database is away for a moment."""

import asyncio
from uuid import uuid4

import psycopg
import pytest
from procrastinate import App
from procrastinate.exceptions import ConnectorException

from storage import queue
from storage.database import pool, transaction
from storage.queue import PatientJobs, application, patiently

CUT = "SELECT pg_terminate_backend(pg_backend_pid())"


async def test_a_lost_connection_is_tried_again(database_url: str) -> None:
    """The first try loses its connection in the middle, the second one writes."""
    tries: list[str] = []

    async with application(database_url).open_async() as app:

        async def write() -> None:
            tries.append(CUT if not tries else "SELECT 1")
            await app.connector.execute_query_async(tries[-1])

        await patiently(write)

    assert [CUT, "SELECT 1"] == tries


async def test_what_the_database_refuses_is_not_tried_again(database_url: str) -> None:
    """A job that is no longer there has been written before; trying for a minute would change nothing."""
    async with application(database_url).open_async() as app:
        async with asyncio.timeout(5):
            with pytest.raises(ConnectorException):
                await app.job_manager.retry_job_by_id_async(2**60, None)  # type: ignore[arg-type]


async def test_a_worker_gives_up_when_the_database_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """By then its heartbeat is old, and another worker takes the job."""
    monkeypatch.setattr(queue, "PATIENCE_S", 0.0)

    async def write() -> None:
        raise ConnectorException from psycopg.OperationalError("away")

    with pytest.raises(ConnectorException):
        await patiently(write)


def test_every_worker_writes_patiently(database_url: str) -> None:
    app: App = application(database_url)

    assert isinstance(app.job_manager, PatientJobs)
    assert app.job_manager.connector is app.connector


async def test_a_dead_workers_job_is_handed_on_although_the_same_was_asked_for_again(database_url: str) -> None:
    """The clock asks for a due copy every other second, also while a worker makes it; then that worker is killed.

    A job of the same worker behind it must not wait for ever either.
    """
    copied, examined = uuid4(), uuid4()
    async with application(database_url).open_async() as app, pool(database_url) as database:
        async with transaction(database) as connection:
            await connection.execute("DELETE FROM procrastinate_jobs")
            await queue.enqueue_rendition(connection, copied)
            await queue.enqueue_validation(connection, examined)
        worker = await app.job_manager.register_worker()
        taken = [await app.job_manager.fetch_job(queues=None, worker_id=worker) for _ in range(2)]
        async with transaction(database) as connection:
            await queue.enqueue_rendition(connection, copied)
        await killed(app, worker)

        async with transaction(database) as connection:
            assert 2 == await queue.retry_stalled(app, connection)

        living = await app.job_manager.register_worker()
        again = [await app.job_manager.fetch_job(queues=None, worker_id=living) for _ in range(3)]
    assert {str(copied), str(examined)} == {job.task_kwargs["recording"] for job in taken if job}
    assert {str(copied), str(examined)} == {job.task_kwargs["recording"] for job in again if job}
    assert again[-1] is None


async def killed(app: App, worker: int) -> None:
    """Let a worker have been silent for a minute."""
    query = "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute' WHERE id = %(worker)s"
    await app.connector.execute_query_async(query, worker=worker)

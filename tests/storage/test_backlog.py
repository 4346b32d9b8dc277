"""The backlog: what is due counts, what was put off on purpose does not."""

from uuid import uuid4

import psycopg

from storage import backlog
from storage.database import pool, transaction
from storage.queue import enqueue_validation


async def test_a_job_counts_from_when_it_was_due(database_url: str) -> None:
    """Handed in ten minutes ago: ten minutes. Put off until later: not at all."""
    recording, put_off = uuid4(), uuid4()
    async with pool(database_url) as database, transaction(database) as connection:
        # Other tests of this run leave jobs behind, and more than are looked at.
        await connection.execute("DELETE FROM procrastinate_jobs")
        await enqueue_validation(connection, recording)
        await enqueue_validation(connection, put_off)
        await connection.execute(
            "UPDATE procrastinate_events SET at = now() - interval '10 minutes' WHERE job_id IN "
            "(SELECT id FROM procrastinate_jobs WHERE args->>'recording' = ANY(%s))",
            [[str(recording), str(put_off)]],
        )
        await connection.execute(
            "UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 hour' WHERE args->>'recording' = %s",
            [str(put_off)],
        )
        waited_s = await backlog.oldest_due_s(connection)
        [validation] = [queue for queue in await backlog.of_every_queue(connection) if queue.queue == "validation"]
        raise psycopg.Rollback  # Nothing of this stays: other tests ask whether the service is behind.

    assert 600 <= waited_s < 700
    assert 1 == validation.waiting
    assert 600 <= validation.oldest_s < 700


async def test_a_worker_counts_as_long_as_it_gives_signs_of_life(database_url: str) -> None:
    """One that was heard of a minute ago is dead; other tests of this run may have living ones."""
    async with pool(database_url) as database, transaction(database) as connection:
        before = await backlog.workers(connection)
        await connection.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()), (now() - interval '1 minute')"
        )
        after = await backlog.workers(connection)
        await connection.execute("DELETE FROM procrastinate_workers WHERE last_heartbeat = now()")

    assert before + 1 == after

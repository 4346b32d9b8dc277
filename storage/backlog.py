"""The backlog: how much work waits for a worker, for how long, and whether anybody works at all."""

from __future__ import annotations

from msgspec import Struct

from storage.database import Connection, every, one
from storage.queue import STALLED_S


class Backlog(Struct, frozen=True):
    """What waits in one queue: jobs that are due and not begun, and the age of the oldest in seconds."""

    queue: str
    waiting: int
    oldest_s: float


class Workforce(Struct, frozen=True):
    """How many workers have given a sign of life within the last seconds."""

    alive: int


class _Age(Struct, frozen=True):
    oldest_s: float


# A job that was put off is due at its time; any other since it was handed in.
DUE = """
    FROM procrastinate_jobs j
    CROSS JOIN LATERAL (
        SELECT extract(epoch FROM now() - coalesce(j.scheduled_at, min(e.at)))::float AS waited_s
        FROM procrastinate_events e WHERE e.job_id = j.id AND e.type = 'deferred') due
    WHERE j.status = 'todo' AND (j.scheduled_at IS NULL OR j.scheduled_at <= now())
"""
WAITING = f"""
    SELECT queue_name AS queue, count(*)::int AS waiting, max(waited_s) AS oldest_s {DUE}
    GROUP BY queue_name ORDER BY queue_name
"""
# The first few are the oldest; one that is tried again counts from its new time.
OLDEST = f"""
    SELECT coalesce(max(waited_s), 0) AS oldest_s
    FROM (SELECT waited_s {DUE} AND j.queue_name = 'validation' ORDER BY j.id LIMIT 10) AS first
"""
ALIVE = """
    SELECT count(*)::int AS alive FROM procrastinate_workers
    WHERE last_heartbeat > now() - make_interval(secs => %(patience)s)
"""


async def of_every_queue(connection: Connection) -> list[Backlog]:
    """Give the backlog of every queue that has one."""
    return await every(connection, Backlog, WAITING)


async def workers(connection: Connection) -> int:
    """Count the workers that are alive."""
    found = await one(connection, Workforce, ALIVE, patience=2 * STALLED_S)
    return 0 if found is None else found.alive


async def oldest_due_s(connection: Connection) -> float:
    """How long the validation that waits longest for a worker has waited, in seconds; 0 when none waits.

    A recording whose turn was put off on purpose, because its account sent files that had to be killed, does not count:
    one contributor must not stop the intake of all.
    """
    found = await one(connection, _Age, OLDEST)
    return 0.0 if found is None else found.oldest_s

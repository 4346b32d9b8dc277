"""Renditions as the database sees them: ordered by acceptance, one per version of the choices, gone when that is."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from api.validation import Workplace
from storage import queue, recordings, renditions, sweeping
from storage.database import Connection, Pool
from tests.api import trading
from tests.api.taking import agree, examined, speech, submit

MADE: dict[str, Any] = {"sha256": bytes(32), "size_bytes": 10, "media_type": "audio/flac", "edits": [], "removed_ms": 0}


@pytest.fixture
async def connection(database: Pool, recording: UUID) -> AsyncIterator[Connection]:
    """A transaction that is rolled back, begun once there is a recording: PostgreSQL ends one that waits for long."""
    async with database.connection() as lent, lent.transaction(force_rollback=True):
        yield lent


@pytest.fixture
async def recording(contributor: httpx.AsyncClient, campaign: dict[str, Any], place: Workplace) -> UUID:
    """An accepted recording."""
    taken = await submit(contributor, campaign, speech())
    await agree(contributor, campaign, taken)
    seen = await examined(place, contributor, taken)
    assert "accepted" == seen["recording"]["state"]
    return UUID(taken)


async def made(connection: Connection, recording: UUID, key: str) -> bool:
    """Store what a job would have made."""
    order = await renditions.order(connection, recording)
    assert order is not None
    return await renditions.store(connection, order, object_key=key, **MADE)


async def doomed(connection: Connection, key: str) -> bool:
    rows = await connection.execute("SELECT FROM doomed_objects WHERE object_key = %s", (key,))
    return await rows.fetchone() is not None


async def test_acceptance_orders_a_rendition_that_is_made_once(connection: Connection, recording: UUID):
    """Nobody has to remember to order it; a job that runs twice finds nothing left to do."""
    assert recording in await renditions.due(connection)
    assert await renditions.newest(connection, recording) is None

    assert await made(connection, recording, "first")

    newest = await renditions.newest(connection, recording)
    assert newest is not None
    assert ("first", 1) == (newest.object_key, newest.number)
    assert await renditions.order(connection, recording) is None


async def test_copies_that_cannot_be_made_take_nobody_s_place(
    place: Workplace, contributor: httpx.AsyncClient, campaign: dict[str, Any], connection: Connection, recording: UUID
):
    """Those that wait longest are told to the queue; a hundred whose recordings the store lost were always those."""
    other = UUID(await trading.accepted(place, contributor, campaign))
    await connection.execute("UPDATE privacy SET due = recording_id = ANY(%s)", ([recording, other],))
    await connection.execute("UPDATE privacy SET changed_at = '2020-01-01' WHERE recording_id = %s", (recording,))
    await queue.enqueue_rendition(connection, recording)
    behind = await renditions.due(connection, most=1)
    await connection.execute(
        "UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 minute' WHERE queueing_lock = %s",
        (f"rendition {recording}",),
    )

    assert [] == behind
    assert [other] == await renditions.due(connection, most=1)


async def test_what_waits_in_the_queue_is_not_told_to_it_again(connection: Connection, recording: UUID):
    """Each time was an error in PostgreSQL's log, every other second for every copy that waits."""
    first = recording in await renditions.due(connection)
    await queue.enqueue_rendition(connection, recording)
    waiting = recording in await renditions.due(connection)
    await connection.execute(
        "UPDATE procrastinate_jobs SET status = 'doing' WHERE args ->> 'recording' = %s", (str(recording),)
    )

    assert (True, False) == (first, waiting)
    assert recording in await renditions.due(connection)


async def test_another_choice_takes_the_old_rendition_back_at_once(connection: Connection, recording: UUID):
    """What somebody wants hidden is not handed out while the new copy is made; the same choice changes nothing."""
    await made(connection, recording, "first")
    await renditions.choose(connection, recording, {"faces": "box"})

    assert await renditions.newest(connection, recording) is None
    assert await made(connection, recording, "second")
    again = await renditions.choose(connection, recording, {"faces": "box"})

    assert (2, False) == (again.version, again.due)
    assert await doomed(connection, "first")


async def test_a_copy_that_no_row_needs_is_removed_after_a_day(connection: Connection, recording: UUID):
    """A worker that was killed after storing it cannot say so; the one that wrote its row keeps it."""
    await sweeping.plan(connection, "killed")
    await sweeping.plan(connection, "kept")
    await made(connection, recording, "kept")

    assert [True, False] == [await doomed(connection, key) for key in ("killed", "kept")]
    rows = await connection.execute(sweeping.DOOMED)
    assert "killed" not in {key for _, key in await rows.fetchall()}
    await connection.execute("UPDATE doomed_objects SET due_at = due_at - interval '1 day' WHERE object_key = 'killed'")
    rows = await connection.execute(sweeping.DOOMED)
    assert "killed" in {key for _, key in await rows.fetchall()}


async def test_a_job_that_comes_late_stores_nothing(connection: Connection, recording: UUID):
    """Its choices are not the owner's any more, so its object is let go of."""
    late = await renditions.order(connection, recording)
    assert late is not None
    await renditions.choose(connection, recording, {"faces": "box"})

    assert not await renditions.store(connection, late, object_key="late", **MADE)

    assert await doomed(connection, "late")
    assert await renditions.newest(connection, recording) is None


async def test_what_cannot_be_made_says_why_until_the_choices_change(connection: Connection, recording: UUID):
    """It is not tried for ever."""
    order = await renditions.order(connection, recording)
    assert order is not None
    await renditions.give_up(connection, order, "nothing-left")
    given_up = await renditions.privacy(connection, recording)
    chosen = await renditions.choose(connection, recording, {"faces": "keep"})

    assert given_up is not None
    assert ("nothing-left", False) == (given_up.trouble, given_up.due)
    assert (None, True) == (chosen.trouble, chosen.due)


async def test_a_deleted_recording_takes_its_renditions_along(connection: Connection, recording: UUID):
    """The object is removed soon after."""
    await made(connection, recording, "first")

    await recordings.move(connection, recording, "deleted", by="contributor", because=None)

    assert await doomed(connection, "first")
    assert await renditions.privacy(connection, recording) is None

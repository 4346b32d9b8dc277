"""What happened to a contributor's recordings, numbered without gaps.

A phone that reconnects names the last number it saw and misses nothing. The numbers are drawn under the account's row
lock, so an event never becomes visible before an earlier one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import psycopg
from msgspec import Struct

from storage.database import Connection, every

CHANNEL = "recording_events"


class Event(Struct, frozen=True):
    """One move of one recording: by whom (`contributor`, `operator`, `worker`, `clock`) and why."""

    number: int
    recording: UUID
    from_state: str | None
    to_state: str
    moved_by: str
    because: str | None
    at: datetime


COLUMNS = "number, recording_id AS recording, from_state, to_state, moved_by, because, at"
AFTER = f"""
    SELECT {COLUMNS} FROM recording_events WHERE account_id = %(account)s AND number > %(after)s
    ORDER BY number LIMIT %(limit)s
"""
OF_RECORDING = f"""
    SELECT {COLUMNS} FROM recording_events WHERE recording_id = %(recording)s ORDER BY number LIMIT 200
"""


async def after(connection: Connection, account: UUID, number: int, limit: int = 100) -> list[Event]:
    """List the events after a number, oldest first."""
    return await every(connection, Event, AFTER, account=account, after=number, limit=limit)


async def of_recording(connection: Connection, recording: UUID) -> list[Event]:
    """Tell the story of one recording, oldest first."""
    return await every(connection, Event, OF_RECORDING, recording=recording)


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[AsyncIterator[UUID]]:
    """Hear of every new event in the database: an iterator of the accounts they belong to.

    Takes a connection of its own. Raises psycopg.OperationalError when the server goes away; listen again then.
    """
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(f"LISTEN {CHANNEL}")
        yield _accounts(connection)


async def _accounts(connection: psycopg.AsyncConnection[tuple[object, ...]]) -> AsyncIterator[UUID]:
    async for notice in connection.notifies():
        yield UUID(notice.payload)

"""What happened to a contributor's recordings, licences and money, numbered without gaps.

A phone that reconnects names the last number it saw and misses nothing. The numbers are drawn under the account's row
lock, so an event never becomes visible before an earlier one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

import psycopg
from msgspec import Struct
from psycopg.types.json import Jsonb

from storage.database import Connection, every, one, run
from storage.states import State

CHANNEL = "recording_events"
Mover: TypeAlias = Literal["contributor", "operator", "worker", "clock", "claimant"]


class Event(Struct, frozen=True):
    """One thing that happened: what kind, to which recording, by whom and why.

    A recording's move has states and the kind `recording.<state>`; other kinds carry their facts in `data`.
    """

    number: int
    kind: str
    recording: UUID | None
    from_state: State | None
    to_state: State | None
    moved_by: Mover
    because: str | None
    data: dict[str, Any] | None
    at: datetime


COLUMNS = """
    number, coalesce(kind, 'recording.' || to_state) AS kind, recording_id AS recording, from_state, to_state, moved_by,
    because, data, at
"""
AFTER = f"""
    SELECT {COLUMNS} FROM recording_events WHERE account_id = %(account)s AND number > %(after)s
    ORDER BY number LIMIT %(limit)s
"""
OF_RECORDING = f"""
    SELECT {COLUMNS} FROM recording_events WHERE recording_id = %(recording)s ORDER BY number LIMIT 200
"""


TELL = "SELECT tell(%(account)s, %(kind)s, %(recording)s, %(by)s, %(data)s)"


async def after(connection: Connection, account: UUID, number: int, limit: int = 100) -> list[Event]:
    """List the events after a number, oldest first."""
    return await every(connection, Event, AFTER, account=account, after=number, limit=limit)


async def tell(
    connection: Connection,
    account: UUID,
    kind: str,
    *,
    recording: UUID | None = None,
    by: Mover = "worker",
    data: Mapping[str, Any] | None = None,
) -> None:
    """Tell a contributor something that is not a recording's move, in the transaction that did it.

    `kind` reads `noun.what_happened`. `data` is JSON: identifiers and amounts, never words in a language.
    """
    facts = None if data is None else Jsonb(dict(data))
    await run(connection, TELL, account=account, kind=kind, recording=recording, by=by, data=facts)


class Count(Struct, frozen=True):
    """How many events an account has had, which is the number of its newest."""

    count: int


COUNT = "SELECT event_count AS count FROM accounts WHERE id = %(account)s"


async def from_where(connection: Connection, account: UUID, number: int) -> int:
    """Say after which number somebody goes on who saw this one last.

    A number that is still to come was given by a database that a backup has replaced: what it counted is forgotten, and
    the same numbers will mean other events. So everything is told again, and nothing is missed.
    """
    found = await one(connection, Count, COUNT, account=account) if number else None
    return number if found is not None and number <= found.count else 0


class News(Struct, frozen=True):
    """What one of several contributors is told: whose it is, which recording it is about, and the facts."""

    account: UUID
    recording: UUID | None
    data: Mapping[str, Any]


TELL_EACH = """
    SELECT tell(news.account, %(kind)s, news.recording, %(by)s, news.data)
    FROM unnest(%(accounts)s::uuid[], %(recordings)s::uuid[], %(data)s::jsonb[]) AS news(account, recording, data)
"""


async def tell_each(connection: Connection, kind: str, news: Sequence[News], *, by: Mover = "worker") -> None:
    """Tell many contributors something of the same kind at once, in the order of `news`; see `tell`."""
    accounts = [one.account for one in news]
    recordings = [one.recording for one in news]
    facts = [Jsonb(dict(one.data)) for one in news]
    await run(connection, TELL_EACH, kind=kind, by=by, accounts=accounts, recordings=recordings, data=facts)


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

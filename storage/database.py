"""PostgreSQL: a pool of connections, a transaction, and three ways to ask.

Rows come back as the frozen Struct that the asking module declares, so a query and its shape stand side by side.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, LiteralString, TypeAlias, TypeVar

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from storage.errors import DatabaseBusy

Connection: TypeAlias = AsyncConnection[Any]
Pool: TypeAlias = AsyncConnectionPool[Connection]
Row = TypeVar("Row")


def pool(url: str, *, largest: int = 10) -> Pool:
    """Make a closed pool; open it with `async with`.

    A request waits at most 5 s for a connection, and a statement runs at most 15 s: a phone gives up sooner.
    """
    options = {"options": "-c statement_timeout=15s -c idle_in_transaction_session_timeout=30s"}
    # Autocommit, so that a single read is one round trip; `transaction` begins and commits by itself.
    settings = {**options, "autocommit": True}
    return AsyncConnectionPool(
        url,
        min_size=1,
        max_size=largest,
        timeout=5,
        # By itself the pool waits twice as long after each failed attempt, for up to five minutes: a database that is
        # back would not be noticed. Having given up after seconds, it tries at once when the next request comes.
        reconnect_timeout=2,
        open=False,
        kwargs=settings,
    )


@asynccontextmanager
async def statement(database: Pool) -> AsyncIterator[Connection]:
    """Lend a connection for one statement, which commits by itself; it costs half of what a transaction costs.

    Raises DatabaseBusy as `transaction` does.
    """
    try:
        async with database.connection() as connection:
            yield connection
    except (PoolTimeout, psycopg.OperationalError) as error:
        raise DatabaseBusy from error


#: The same, where nothing is changed.
reading = statement


@asynccontextmanager
async def transaction(database: Pool) -> AsyncIterator[Connection]:
    """Lend a connection inside one transaction: committed at the end, rolled back when anything is raised.

    Raises DatabaseBusy when there is no connection in time or the server went away, so that a client hears "try again"
    and never an internal error.
    """
    try:
        async with database.connection() as connection, connection.transaction():
            yield connection
    except (PoolTimeout, psycopg.OperationalError) as error:
        raise DatabaseBusy from error


async def one(connection: Connection, row: type[Row], query: LiteralString, **values: object) -> Row | None:
    """Ask for at most one row."""
    async with connection.cursor(row_factory=class_row(row)) as cursor:
        await cursor.execute(query, values)
        return await cursor.fetchone()


async def every(connection: Connection, row: type[Row], query: LiteralString, **values: object) -> list[Row]:
    """Ask for all rows; the query carries its own LIMIT."""
    async with connection.cursor(row_factory=class_row(row)) as cursor:
        await cursor.execute(query, values)
        return await cursor.fetchall()


async def run(connection: Connection, query: LiteralString, **values: object) -> int:
    """Change rows and return how many were touched."""
    cursor = await connection.execute(query, values)
    return cursor.rowcount

"""PostgreSQL: a pool of connections, a transaction, three ways to ask, and connections for threads that read much.

Rows come back as the frozen Struct that the asking module declares, so a query and its shape stand side by side.
"""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, LiteralString, TypeAlias, TypeVar
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool, ConnectionPool, PoolTimeout

from storage.errors import DatabaseBusy, Unavailable

logger = logging.getLogger("companion.database")

Connection: TypeAlias = AsyncConnection[Any]
Pool: TypeAlias = AsyncConnectionPool[Connection]
Reader: TypeAlias = psycopg.Connection[Any]
Readers: TypeAlias = ConnectionPool[Reader]
Row = TypeVar("Row")


#: By itself a pool waits twice as long after each failed attempt, for up to five minutes: a database that is back would
#: not be noticed. Having given up after seconds, it tries at once when the next request comes.
PATIENCE: dict[str, Any] = {"timeout": 5, "reconnect_timeout": 2, "open": False}


def pool(url: str, *, largest: int = 10, operator: str = "") -> Pool:
    """Make a closed pool; open it with `async with`. Whatever is decided on it is noted as the operator's.

    A request waits at most 5 s for a connection, and a statement runs at most 15 s: a phone gives up sooner.
    """
    # A blank ends an option, unless it is escaped.
    name = re.sub(r"([\\\s])", r"\\\1", operator)
    options = settings(f"-c companion.operator={name}" if operator else "")
    return AsyncConnectionPool(url, min_size=1, max_size=largest, kwargs=options, **PATIENCE)


def readers(url: str, *, largest: int = 2) -> Readers:
    """Make a closed pool of connections that threads read with; open it with `with`.

    A thread that reads megabytes waits for them in one call. An event loop is woken for every piece that the socket
    holds, which costs as much as PostgreSQL needs to find them.
    """
    # The same few statements again and again, of which the best plan is known: planning one is a tenth of its price.
    options = settings("-c default_transaction_read_only=on -c plan_cache_mode=force_generic_plan")
    return ConnectionPool(url, min_size=0, max_size=largest, num_workers=1, kwargs=options, **PATIENCE)


def settings(more: str = "") -> dict[str, Any]:
    """What every connection is opened with: autocommit, so that a read is one round trip, and `transaction` begins.

    Times are UTC whatever an operator's own database is set to: in answers, in exports, and where a client names none.
    """
    limits = "-c timezone=UTC -c statement_timeout=15s -c idle_in_transaction_session_timeout=30s"
    return {"options": f"{limits} {more}", "autocommit": True}


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


@contextmanager
def lent(database: Readers) -> Iterator[Reader]:
    """Lend a thread a connection to read with. Raises DatabaseBusy as `transaction` does."""
    try:
        with database.connection() as connection:
            yield connection
    except (PoolTimeout, psycopg.OperationalError) as error:
        raise DatabaseBusy from error


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


async def singly(
    database: Pool, ids: Iterable[UUID], work: Callable[[Connection, UUID], Awaitable[object]]
) -> list[UUID]:
    """Do the same for each id, in a transaction of its own; return those for which there was something to do.

    One that fails is logged and holds up no other: whoever came before it in a queue would otherwise stop everybody
    behind it for ever. Raises Unavailable when that happens twice in a row: once, one of them waited for a lock.
    """
    done, busy = [], False
    for each in ids:
        try:
            async with transaction(database) as connection:
                found = await work(connection, each)
            if found:
                done.append(each)
            busy = False
        except Unavailable:
            if busy:
                raise
            busy = True
        except Exception:
            logger.exception("%s failed and is left for later", work.__qualname__, extra={"id": str(each)})
    return done


@asynccontextmanager
async def apart(connection: Connection, each: UUID) -> AsyncIterator[None]:
    """Do one of several things that one transaction does; what fails is taken back alone, logged and left for later."""
    try:
        async with connection.transaction():
            yield
    except Exception:
        if connection.closed:
            raise
        logger.exception("one of several failed and is left for later", extra={"id": str(each)})


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

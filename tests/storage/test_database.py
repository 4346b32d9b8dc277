"""The pools: a database that was away is noticed soon after it is back, and threads read and write nothing."""

import asyncio
import tempfile
import time
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import psycopg
import pytest
from psycopg import sql

from storage.database import Pool, Readers, lent, pool, readers, reading, run, transaction
from storage.errors import DatabaseBusy

AWAY_S = 7.5


async def test_a_database_that_comes_back_is_noticed_within_seconds(database_url: str) -> None:
    """Attempts that wait longer and longer would leave phones with 503 for as long again as the absence lasted."""
    network = urlsplit(database_url).netloc
    credentials, _, place = network.rpartition("@")
    folder, _, port = place.rpartition(":")
    with tempfile.TemporaryDirectory() as elsewhere:
        url = database_url.replace(network, f"{credentials}@{quote(elsewhere, safe='')}:{port}")
        async with pool(url) as database:
            asking = [asyncio.create_task(ask(database, after_s / 5)) for after_s in range(75)]
            await asyncio.sleep(AWAY_S)
            # The same socket by another name: from now on the database is there.
            name = f".s.PGSQL.{port}"
            Path(elsewhere, name).symlink_to(Path(unquote(folder), name))
            back = time.monotonic()
            answered = [at for at in await asyncio.gather(*asking) if at is not None]

    assert answered
    assert min(answered) - back < 4


async def ask(database: Pool, after_s: float) -> float | None:
    """Ask the database after a while; return when it answered, None when it was away."""
    await asyncio.sleep(after_s)
    try:
        async with reading(database) as connection:
            await run(connection, "SELECT 1")
    except DatabaseBusy:
        return None
    return time.monotonic()


def test_a_thread_reads_and_writes_nothing(database_url: str) -> None:
    """Whatever goes wrong with a thread, nothing that is held can be lost by it."""
    with readers(database_url) as database, lent(database) as connection:
        read = connection.execute("SELECT 1").fetchone()
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("DELETE FROM fingerprints")

    assert (1,) == read


def test_a_thread_hears_that_a_database_is_away(database_url: str) -> None:
    """As a request does: the job is tried again."""
    with readers(database_url) as database, pytest.raises(DatabaseBusy):
        sleep(database)


def sleep(database: Readers) -> None:
    """Ask for longer than a statement may take."""
    with lent(database) as connection:
        connection.execute("SET statement_timeout = 1")
        connection.execute("SELECT pg_sleep(1)")


async def test_times_are_utc_whatever_the_database_is_set_to(database_url: str, owner_url: str, database_name: str):
    """An operator's own PostgreSQL speaks the time of its country; a month of earnings begins in UTC."""
    zone = sql.SQL("ALTER DATABASE {} SET timezone = 'Asia/Kolkata'").format(sql.Identifier(database_name))
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute(zone)
        try:
            async with pool(database_url) as database, transaction(database) as connection:
                cursor = await connection.execute("SELECT '2026-11-30T00:00:00'::timestamptz")
                (midnight,) = await cursor.fetchone() or (None,)
        finally:
            owner.execute(sql.SQL("ALTER DATABASE {} RESET timezone").format(sql.Identifier(database_name)))

    assert "2026-11-30T00:00:00+00:00" == midnight.isoformat()

"""Settling under kills: whatever dies in the middle, nothing is released twice, and nothing is lost.

A worker, and then the database itself, are killed again and again while they make pending amounts available. Rounds:
COMPANION_FAULT_ROUNDS, a few without it.
"""

import asyncio
import os
import random
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from storage.database import pool, transaction
from storage.embedded import directory, postgres, process
from storage.ledger.audit import audit, totals
from storage.migrate import migrate

ROUNDS = int(os.environ.get("COMPANION_FAULT_ROUNDS", "2"))
#: From as many rounds on one must have hit the middle; of two, on a busy machine, both may come too early.
SURE = 10
PEOPLE, LINES = 40, 60 * max(ROUNDS, 4)
#: A server is started in every round, on a machine that does other things as well.
pytestmark = pytest.mark.timeout(120 + 90 * ROUNDS)
#: A worker that releases few at a time, so that a kill has many moments to hit.
WORKER = """
import asyncio, sys
from storage import availability, settling
from storage.database import pool
availability.BATCH = 3
async def work():
    async with pool(sys.argv[1], largest=1) as database:
        while True:
            await settling.release(database)
            await asyncio.sleep(0.01)
print("working", flush=True)
asyncio.run(work())
"""
SEED = """
    INSERT INTO accounts (pseudonym, email, password_hash)
        SELECT 'p' || n, n || '@example.org', '' FROM generate_series(1, %(people)s) AS n;
    SELECT ledger_open('contributor_pending', array_agg(id), 'EUR') FROM accounts;
    SELECT ledger_open('recording_costs', ARRAY[NULL::uuid], 'EUR');
    WITH earned AS (
        SELECT a.id AS owner, l.id AS account, 1 + n %% 997 AS micros
        FROM accounts a JOIN ledger_accounts l ON l.owner_id = a.id CROSS JOIN generate_series(1, %(lines)s) AS n),
    ours AS (SELECT id FROM ledger_accounts WHERE kind = 'recording_costs'),
    posted AS (
        SELECT ledger_post('seed', 'accrual', array_agg(ours.id), array_agg(account), array_agg(micros::bigint)) AS id
        FROM earned CROSS JOIN ours)
    INSERT INTO balance_transactions (account_id, type, currency, gross_micros, transaction_id, available_at)
        SELECT owner, 'adjustment', 'EUR', micros, posted.id, now() FROM earned CROSS JOIN posted;
"""


class Books(NamedTuple):
    """A cluster of its own, with amounts that are due, and how to start its server again."""

    place: directory.Directory
    access: postgres.Access
    owed: int

    def url(self, role: str = postgres.APP) -> str:
        return self.access.url(role, "killed")


@pytest.fixture
async def books(tmp_path: Path) -> AsyncIterator[Books]:
    # Not below pytest's own folder: its mode is 0700, and as root the engines' user could not enter it.
    with tempfile.TemporaryDirectory(prefix="companion-killed-") as folder:
        Path(folder).chmod(0o711)
        place = directory.opened(Path(folder, "data"))
        server = await postgres.start(place)
        access = postgres.accessed(place)
        try:
            await postgres.created(access, "killed")
            url = access.url(postgres.OWNER, "killed")
            await asyncio.to_thread(migrate, url)
            with psycopg.connect(url) as connection:
                seed = psycopg.ClientCursor(connection).mogrify(SEED, {"people": PEOPLE, "lines": LINES})
                connection.execute(seed.encode())
                [owed] = connection.execute("SELECT sum(gross_micros)::bigint FROM balance_transactions").fetchone()
        finally:
            process.kill(server)
            await process.stop(server)
        yield Books(place, access, owed)


async def worker(books: Books) -> asyncio.subprocess.Process:
    """Start a worker and wait until it works."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WORKER, books.url()), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert child.stdout
    assert b"working\n" == await child.stdout.readline()
    return child


async def ended(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        child.kill()
    await child.wait()


async def pending(books: Books) -> int:
    """How many amounts still wait."""
    async with pool(books.url(), largest=1) as database, database.connection() as connection:
        cursor = await connection.execute("SELECT count(*) FROM balance_transactions WHERE released_at IS NULL")
        [count] = await cursor.fetchone()
        return int(count)


async def proved(books: Books) -> None:
    """Every amount is in one place, and all books agree."""
    async with pool(books.url(), largest=1) as database, transaction(database) as connection:
        assert [] == [finding for finding in await audit(connection) if finding.wrong]
        held = {total.kind: total.balance for total in await totals(connection)}
    assert 0 == sum(held.values())
    assert books.owed == held["contributor_pending"] + held.get("contributor_available", 0)


async def test_a_worker_that_is_killed_while_it_releases_loses_and_doubles_nothing(books: Books):
    server = await postgres.start(books.place)
    hit = 0
    try:
        for _ in range(ROUNDS):
            child = await worker(books)
            before = await pending(books)
            await asyncio.sleep(random.uniform(0.05, 0.4))
            await ended(child)
            hit += before > await pending(books) > 0
            await proved(books)
        print(f"{ROUNDS} workers killed, {hit} of them in the middle")
        assert hit or ROUNDS < SURE
    finally:
        process.kill(server)
        await process.stop(server)


async def test_a_database_that_is_killed_while_money_moves_comes_back_with_all_of_it(books: Books):
    child = None
    hit = 0
    for _ in range(ROUNDS):
        server = await postgres.start(books.place)
        try:
            before = await pending(books)
            child = await worker(books)
            await asyncio.sleep(random.uniform(0.05, 0.4))
        finally:
            process.kill(server)
            await process.stop(server)
        await ended(child)
        server = await postgres.start(books.place)
        try:
            hit += before > await pending(books) > 0
            await proved(books)
        finally:
            process.kill(server)
            await process.stop(server)
    print(f"{ROUNDS} databases killed, {hit} of them in the middle")
    assert hit or ROUNDS < SURE

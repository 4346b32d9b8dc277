"""The schema: migrations are complete, and the rules of a recording's life hold for whoever writes to the tables."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from procrastinate.schema import SchemaManager

from storage.embedded import postgres
from storage.migrate import migrate
from tests.engines import Facts

QUEUE_OBJECTS = """
    SELECT 'function', p.proname, pg_get_functiondef(p.oid) FROM pg_proc p
        WHERE p.proname LIKE 'procrastinate%' AND p.prokind = 'f'
    UNION ALL SELECT 'column', table_name || '.' || column_name, data_type || coalesce(column_default, '')
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name LIKE 'procrastinate%'
    UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE tablename LIKE 'procrastinate%'
    UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(t.oid) FROM pg_trigger t
        WHERE tgname LIKE 'procrastinate%' AND NOT tgisinternal
    UNION ALL SELECT 'value', t.typname, e.enumlabel FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid
    ORDER BY 1, 2, 3
"""


def objects(url: str) -> list[tuple[str, str, str]]:
    with psycopg.connect(url) as connection:
        return connection.execute(QUEUE_OBJECTS).fetchall()


def fresh(engines: Facts, name: str) -> str:
    """Create an empty database and return its owner's URL."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, postgres.created(engines.access, name)).result()
    return engines.access.url(postgres.OWNER, name)


def test_the_queue_that_our_migrations_build_is_the_one_the_package_describes(engines: Facts, owner_url: str):
    """An upgrade of procrastinate that needs another migration here is noticed."""
    theirs = fresh(engines, f"queue_{psycopg.conninfo.conninfo_to_dict(owner_url)['dbname']}")
    with psycopg.connect(theirs) as connection:
        connection.execute(SchemaManager.get_schema())

    assert objects(theirs) == objects(owner_url)


def test_migrating_twice_changes_nothing(owner_url: str):
    """A second start finds its schema."""
    assert [] == migrate(owner_url)


def progress(connection: psycopg.Connection[tuple[str]]) -> int:
    """Count what a migration has made visible so far: tables, functions, and what is noted of files and migrations."""
    counts = "SELECT (SELECT count(*) FROM pg_class) + (SELECT count(*) FROM pg_proc)"
    for table in ("_yoyo_migration", "queue_files"):
        if connection.execute("SELECT to_regclass(%s)", (table,)).fetchone() != (None,):
            counts += f" + (SELECT count(*) FROM {table})"
    return int((connection.execute(counts).fetchone() or (0,))[0])


def test_a_migration_that_was_killed_goes_on_where_it_ended(engines: Facts, owner_url: str):
    """As by Ctrl-C during the first start, again and again, each time a little further on."""
    url = fresh(engines, f"killed_{psycopg.conninfo.conninfo_to_dict(owner_url)['dbname']}")
    kills = 0
    with psycopg.connect(url, autocommit=True) as watching:
        for further in (1, 4, 7, 11, 15, 30, 0):
            goal = progress(watching) + further
            one = subprocess.Popen(
                [sys.executable, "-m", "api.cli", "migrate"],
                env={**os.environ, "MIGRATION_DATABASE_URL": url},
                stdout=subprocess.DEVNULL,
            )
            while further and one.poll() is None and progress(watching) < goal:
                time.sleep(0.001)
            if further and one.poll() is None:
                one.send_signal(signal.SIGKILL)
                kills += 1
            assert one.wait() == (-signal.SIGKILL if further else 0)

    assert 6 == kills
    assert [] == migrate(url)
    assert objects(url) == objects(owner_url)


def test_no_query_of_the_service_role_can_change_the_schema(database_url: str):
    """What an attacker gets through the API's own connection is rows at most."""
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("DROP TABLE recordings")


@pytest.mark.parametrize("table", ["term_sheets", "term_sheet_renderings", "consents"])
def test_history_cannot_be_rewritten(owner_url: str, table: str):
    """Terms and consents are append-only even for the schema's owner; events but for an erasure, see test_erasure."""
    with psycopg.connect(owner_url) as connection:
        triggers = connection.execute(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND tgfoid = 'refuse_change'::regproc", (table,)
        ).fetchall()

    assert [(f"{table}_immutable" if table == "term_sheets" else f"{table}_append_only",)] == triggers


def test_a_term_sheet_is_immutable_once_published(owner_url: str):
    """A version that somebody agreed to reads the same for ever."""
    with psycopg.connect(owner_url) as connection:
        connection.execute("INSERT INTO term_sheets VALUES ('frozen', 1, sha256('frozen'), '{}')")
        with pytest.raises(psycopg.errors.RestrictViolation):
            connection.execute("UPDATE term_sheets SET document = '{\"term\": \"P99Y\"}' WHERE id = 'frozen'")
        connection.rollback()


def test_the_design_says_the_same_edges_as_the_table(owner_url: str):
    """What can never happen: a way out of erased, a way around validation, a way from the end back to the start."""
    with psycopg.connect(owner_url) as connection:
        edges = set(connection.execute("SELECT from_state, to_state FROM recording_edges").fetchall())

    into_accepted = {from_state for from_state, to_state in edges if to_state == "accepted"}
    assert {"validating", "needs_consent", "in_review", "held"} == into_accepted
    assert not {edge for edge in edges if edge[0] == "erased"}
    assert not {edge for edge in edges if edge[1] == "claimed"}
    assert {("uploading", "validating"), ("failed", "validating")} == {e for e in edges if e[1] == "validating"}

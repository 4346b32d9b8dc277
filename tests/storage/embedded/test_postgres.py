"""Embedded PostgreSQL: closed to everybody else, and nothing acknowledged is lost."""

import shutil
import signal
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from storage.embedded import directory, postgres, process, sockets
from storage.embedded.directory import Directory
from storage.embedded.errors import EngineFailed
from storage.embedded.process import Child
from tests.processes import until, working_on


def ask(url: str, query: str) -> object:
    """Return the first column of the first row."""
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
        return row[0] if row else None


def keep_a_row(engine: Child) -> None:
    """Commit a row as the service's role, in a table that a migration would have made."""
    ask_owner = engine.environment["MIGRATION_DATABASE_URL"]
    with psycopg.connect(ask_owner) as owner:
        owner.execute("CREATE TABLE takes (name text)")
    with psycopg.connect(engine.environment["DATABASE_URL"]) as app:
        app.execute("INSERT INTO takes VALUES ('first')")


@pytest.fixture(scope="module")
async def shared(shared_place: Directory) -> AsyncIterator[Child]:
    """Return an engine for the tests that leave it as it was."""
    engine = await postgres.start(shared_place)
    yield engine
    process.kill(engine)
    await process.stop(engine)


async def test_it_starts_closed_and_durable(shared_place: Directory, shared: Child) -> None:
    """Socket only, SCRAM, fsync and checksums, 18 with vectors."""
    engine = shared
    url = engine.environment["DATABASE_URL"]
    settings = ("listen_addresses", "fsync", "full_page_writes", "synchronous_commit", "data_checksums")

    assert ["", "on", "on", "on", "on"] == [ask(url, f"SELECT current_setting('{name}')") for name in settings]
    assert "18" == str(ask(url, "SHOW server_version")).partition(".")[0]
    assert "[1,2]" == ask(url, "SELECT '[1,2]'::vector::text")
    assert [] == tcp_inodes(engine.process.pid)
    assert "SCRAM-SHA-256" == str(
        ask(superuser(shared_place), f"SELECT left(rolpassword, 13) FROM pg_authid WHERE rolname = '{postgres.APP}'"),
    )


def superuser(place: Directory) -> str:
    return postgres.accessed(place).url(postgres.SUPERUSER, "postgres")


def tcp_inodes(pid: int) -> list[str]:
    """Return the TCP sockets that a process listens on, by proc(5)."""
    own = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        target = str(descriptor.readlink())
        if target.startswith("socket:["):
            own.add(target[8:-1])
    lines = [
        line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    return [line[1] for line in lines if line[3] == "0A" and line[9] in own]


async def test_the_services_role_reads_and_writes_rows_only(shared: Child) -> None:
    """A hole in the service must not become a hole in the schema."""
    keep_a_row(shared)
    app = shared.environment["DATABASE_URL"]

    assert "first" == ask(app, "SELECT name FROM takes")
    assert (False, False, False) == tuple(
        ask(app, f"SELECT {right} FROM pg_roles WHERE rolname = current_user")
        for right in ("rolsuper", "rolcreatedb", "rolcreaterole")
    )
    for forbidden in (
        "CREATE TABLE mine (a int)",
        "CREATE TEMP TABLE mine (a int)",
        "CREATE SCHEMA mine",
        "DROP TABLE takes",
        "TRUNCATE takes",
        "ALTER TABLE takes ADD b int",
        "COPY takes TO PROGRAM 'true'",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(app, forbidden)


async def test_only_the_right_password_opens_it(shared_place: Directory, shared: Child) -> None:
    access = postgres.accessed(shared_place)
    guess = access.url().replace(access.passwords[postgres.APP], "guess")

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(guess)


async def test_a_second_start_finds_its_data_and_leaves_no_process(place: Directory, children: list[Child]) -> None:
    """What was committed before a clean stop is there after it, under the same URL."""
    first = await postgres.start(place)
    keep_a_row(first)
    await process.stop(first)
    assert 0 == first.process.returncode
    assert [] == working_on(place.path)

    second = await postgres.start(place)
    children.append(second)

    assert first.environment == second.environment
    assert "first" == ask(second.environment["DATABASE_URL"], "SELECT name FROM takes")


async def test_what_was_committed_survives_a_kill(place: Directory, children: list[Child]) -> None:
    """After kill -9 of the postmaster its pid file stays, and its pid may be another process's of the same user."""
    first = await postgres.start(place)
    keep_a_row(first)
    first.process.send_signal(signal.SIGKILL)
    await first.process.wait()
    innocent = await process.started(["/bin/sleep", "60"], place, "thing", Path("/"), death=signal.SIGKILL)
    children.append(Child("innocent", innocent, {}, signal.SIGTERM, 5))
    stale = place.path / "postgres" / "cluster" / "postmaster.pid"
    lines = stale.read_text().splitlines()
    stale.write_text("\n".join([str(innocent.pid), *lines[1:]]) + "\n")

    second = await postgres.start(place)
    children.append(second)

    assert "first" == ask(second.environment["DATABASE_URL"], "SELECT name FROM takes")


async def test_an_interrupted_first_start_is_begun_again(place: Directory, children: list[Child]) -> None:
    """Half a cluster and half a database are thrown away, whole ones never."""
    draft = directory.engine_folder(place, "postgres") / "cluster.draft"
    draft.mkdir()
    (draft / "PG_VERSION").write_text("18")
    first = await postgres.start(place)
    with psycopg.connect(superuser(place), autocommit=True) as connection:
        connection.execute("ALTER DATABASE companion RENAME TO companion_draft")
    await process.stop(first)

    second = await postgres.start(place)
    children.append(second)

    assert 1 == ask(second.environment["DATABASE_URL"], "SELECT 1")


async def test_a_long_path_works(folder: Path, children: list[Child]) -> None:
    """A socket's path holds 107 bytes; the data directory's may be longer."""
    place = directory.opened(folder / ("d" * 60) / ("e" * 60) / "data")
    engine = await postgres.start(place)
    children.append(engine)

    answer = ask(engine.environment["DATABASE_URL"], "SELECT 1")
    shutil.rmtree(sockets.socket_folder(place))

    assert 1 == answer


async def test_nothing_outside_the_directory_is_changed(folder: Path, children: list[Child]) -> None:
    """Its parents keep their modes; the wheel's own wrapper opens them to everybody."""
    folder.chmod(0o751)
    place = directory.opened(folder / "data")

    children.append(await postgres.start(place))

    assert 0o751 == stat.S_IMODE(folder.stat().st_mode)
    assert ["data"] == [entry.name for entry in folder.iterdir()]


async def test_a_cluster_that_cannot_start_says_why(place: Directory) -> None:
    """And leaves no process."""
    await process.stop(await postgres.start(place))
    (place.path / "postgres" / "cluster" / "postgresql.conf").write_text("nonsense = yes\n")

    with pytest.raises(EngineFailed, match="nonsense"):
        await postgres.start(place)

    assert await until(lambda: not working_on(place.path))


async def test_a_copy_of_a_template_has_its_tables_and_privileges(shared_place: Directory, shared: Child) -> None:
    """Each test process gets one; what was granted in the template holds in the copy."""
    access = postgres.accessed(shared_place)
    await postgres.created(access, "template_of_tests")
    with psycopg.connect(access.url(postgres.OWNER, "template_of_tests")) as owner:
        owner.execute("CREATE TABLE takes (name text)")

    await postgres.created(access, "copy", "template_of_tests")

    assert 0 == ask(access.url(postgres.APP, "copy"), "SELECT count(*) FROM takes")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(access.url(postgres.APP, "copy"), "CREATE TEMP TABLE mine (a int)")


async def test_an_engine_that_is_killed_while_it_is_prepared_has_failed(
    place: Directory, children: list[Child], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supervisor starts it again after EngineFailed; any other exception would end its watch."""
    real, answering = postgres.prepared, postgres.answering
    engines: list[Child] = []

    async def remembered(engine: Child, *more: object) -> None:
        engines.append(engine)
        await answering(engine, *more)  # type: ignore[arg-type]

    async def interrupted(access: postgres.Access) -> None:
        process.kill(engines[0])
        await engines[0].process.wait()
        await real(access)

    with monkeypatch.context() as broken:
        broken.setattr(postgres, "answering", remembered)
        broken.setattr(postgres, "prepared", interrupted)
        with pytest.raises(EngineFailed, match="ended while it was prepared"):
            await postgres.start(place)

    children.append(await postgres.start(place))
    assert engines[0].process.returncode is not None

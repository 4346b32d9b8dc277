"""An engine's process: it ends when asked, when we die, and never runs twice on the same data."""

import asyncio
import os
import signal
import sys
import textwrap
import time
from pathlib import Path

import pytest

from storage.embedded import process
from storage.embedded.directory import Directory
from storage.embedded.errors import EngineBusy, EngineFailed
from storage.embedded.process import Child
from tests.processes import alive, until

SHELL = "/bin/sh"


async def start(place: Directory, script: str, lock: int | None = None) -> asyncio.subprocess.Process:
    return await process.started([SHELL, "-c", script], place, "thing", Path("/"), death=signal.SIGKILL, lock=lock)


async def test_a_child_that_does_not_listen_is_killed_after_the_patience(place: Directory) -> None:
    deaf = await start(place, "trap '' TERM; echo ready; while :; do sleep 0.05; done")
    assert await until(lambda: process.output_file(place, "thing").read_text())
    began = time.monotonic()

    await process.stop(Child("deaf", deaf, {}, signal.SIGTERM, 0.3))

    assert -signal.SIGKILL == deaf.returncode
    assert 0.3 < time.monotonic() - began < 20


async def test_what_a_child_forked_goes_with_it(place: Directory) -> None:
    """A worker's sandbox must not outlive the worker."""
    parent = await start(place, "sleep 60 & echo $!; wait")
    assert await until(lambda: process.output_file(place, "thing").read_text())
    forked = int(process.output_file(place, "thing").read_text())

    await process.stop(Child("parent", parent, {}, signal.SIGTERM, 5))

    assert await until(lambda: not Path(f"/proc/{forked}/exe").exists())


async def test_an_engine_gets_no_variable_of_ours(place: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    """PGHOST or WEED_… in a developer's shell must not steer the embedded engines."""
    monkeypatch.setenv("PGHOST", "elsewhere")
    child = await start(place, "env")
    await child.wait()

    assert "PGHOST" not in process.output_file(place, "thing").read_text()


async def test_an_engine_runs_in_a_session_of_its_own(place: Directory) -> None:
    """So the terminal's Ctrl-C does not reach it."""
    child = await start(place, "sleep 60")
    session = os.getsid(child.pid)
    await process.stop(Child("child", child, {}, signal.SIGTERM, 5))

    assert child.pid == session


async def test_the_lock_is_held_as_long_as_any_process_of_the_engine_lives(place: Directory) -> None:
    async with process.alone(place, "thing") as lock:
        child = await start(place, "sleep 60", lock)
    with pytest.raises(EngineBusy, match="earlier thing"):
        async with process.alone(place, "thing", 0.1):
            pass

    await process.stop(Child("child", child, {}, signal.SIGTERM, 5))

    async with process.alone(place, "thing", 1):
        pass


async def test_a_failing_program_is_quoted(place: Directory) -> None:
    async with process.alone(place, "thing") as lock:
        with pytest.raises(EngineFailed, match="no such cluster"):
            await process.finished([SHELL, "-c", "echo no such cluster; exit 3"], place, "thing", Path("/"), lock)


async def test_a_child_dies_with_us_even_when_we_are_killed(place: Directory) -> None:
    """No orphan may go on writing to the data that the next start opens."""
    program = textwrap.dedent(f"""
        import asyncio, signal
        from pathlib import Path
        from storage.embedded import directory, process

        async def main():
            place = directory.opened(Path({str(place.path)!r}))
            command = ["/bin/sleep", "60"]
            child = await process.started(command, place, "thing", Path("/"), death=signal.SIGKILL)
            print(child.pid, flush=True)
            await child.wait()

        asyncio.run(main())
    """)
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout
    orphan = int(await parent.stdout.readline())
    parent.kill()
    await parent.wait()

    assert await until(lambda: not alive(orphan))


async def test_a_tool_that_waits_for_a_dead_engine_is_not_waited_for(place: Directory) -> None:
    """A shell that asks a killed object store waits a minute; a new store is started at once."""
    engine = Child("thing", await start(place, "sleep 60"), {}, signal.SIGTERM, 5)
    work = asyncio.create_task(process.while_alive(engine, asyncio.sleep(60), place))
    await asyncio.sleep(0.05)
    began = time.monotonic()

    process.kill(engine)
    with pytest.raises(EngineFailed, match="ended while it was prepared"):
        await work

    assert time.monotonic() - began < 20


async def test_what_goes_wrong_beside_a_living_engine_is_told_as_it_is(place: Directory) -> None:
    async def refused() -> None:
        raise EngineFailed("no such rule")

    engine = Child("thing", await start(place, "sleep 60"), {}, signal.SIGTERM, 5)
    try:
        with pytest.raises(EngineFailed, match="no such rule"):
            await process.while_alive(engine, refused(), place)
        assert engine.process.returncode is None
    finally:
        await process.stop(engine)

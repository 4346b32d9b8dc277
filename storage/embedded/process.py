"""An engine's process: another user's, in a session of its own, and never alive longer than we are.

Three things keep a recording's database safe here:

- The engine gets a session of its own, so a Ctrl-C in the terminal reaches only us and we stop things in order.
- The kernel signals the engine when we die, however we die (`PR_SET_PDEATHSIG`).
- The engine and every process it forks inherit one locked descriptor. Whoever gets that lock knows that no process
  of an earlier start is still writing, which a pid file cannot say: pids are reused.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage.embedded.directory import Directory, own_folder
from storage.embedded.errors import EngineBusy, EngineFailed

PR_SET_PDEATHSIG = 1
# The linker's name table, looked up here because a forked child must not load libraries.
LIBC = ctypes.CDLL(None, use_errno=True)
# Measured: what an engine of a killed companion needs to go is below 1 s; a long checkpoint may need more.
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Child:
    """A running child of ours: its process, the variables by which it is found, and how it is asked to stop."""

    name: str
    process: asyncio.subprocess.Process
    environment: Mapping[str, str]
    stop_signal: signal.Signals
    # Seconds between the request to stop and the kill.
    patience_s: float
    # Files it leaves outside the data directory.
    litter: tuple[Path, ...] = ()


def dies_with_us(death: signal.Signals) -> Callable[[], None]:
    """Return what a child runs before its program, so that the kernel sends it `death` when its parent dies.

    To be used from the main thread: the kernel watches the thread that forked, not the process.
    """
    parent = os.getpid()

    def arrange() -> None:
        if sys.platform == "linux":
            LIBC.prctl(PR_SET_PDEATHSIG, int(death), 0, 0, 0)
        # The parent may have died before the request was in place.
        if os.getppid() != parent:
            os._exit(1)

    return arrange


@contextlib.asynccontextmanager
async def alone(directory: Directory, name: str, patience_s: float = PATIENCE_S) -> AsyncIterator[int]:
    """Wait until no process of an earlier start of this engine is left, and give the descriptor that proves it.

    The descriptor is for the new engine to inherit. Raises EngineBusy after `patience_s` seconds.
    """
    descriptor = os.open(own_folder(directory, "run") / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            async with asyncio.timeout(patience_s):
                # A lock can only be waited for by a thread, which could not be cancelled.
                while not taken(descriptor):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise EngineBusy(f"Processes of an earlier {name} are still there after {patience_s:.0f} s.") from None
        yield descriptor
    finally:
        os.close(descriptor)


def taken(descriptor: int) -> bool:
    """Try to lock a file; tell whether that worked."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def started(
    command: Sequence[str | Path],
    directory: Directory,
    name: str,
    folder: Path,
    *,
    death: signal.Signals,
    lock: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> asyncio.subprocess.Process:
    """Start a program as the engines' user in `folder`, with its output in run/`name`.log.

    Its environment is only what is given here: a variable of the caller (PGHOST, WEED_…) must not steer an engine.
    """
    with output_file(directory, name).open("wb") as output:
        return await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": str(folder), **(environment or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=[] if lock is None else [lock],
            preexec_fn=dies_with_us(death),
            umask=0o077,
            **demoted(directory),
        )


def demoted(directory: Directory) -> dict[str, Any]:
    """Return the arguments that start a child as the engines' user; none when that is who we are."""
    user = directory.engine_user
    return {"user": user.uid, "group": user.gid, "extra_groups": []} if os.geteuid() == 0 else {}


async def finished(
    command: Sequence[str | Path],
    directory: Directory,
    name: str,
    folder: Path,
    lock: int,
) -> None:
    """Run a short program of an engine to its end. Raises EngineFailed with its last words when it fails."""
    process = await started(command, directory, name, folder, death=signal.SIGKILL, lock=lock)
    if await process.wait() != 0:
        raise EngineFailed(f"{Path(command[0]).name} failed: {last_words(directory, name)}")


async def while_alive(child: Child, work: Coroutine[Any, Any, None], directory: Directory) -> None:
    """Do something that needs the engine, only for as long as it lives. Raises EngineFailed when it ends meanwhile.

    A tool that waits for a dead engine would otherwise keep a new one from being started until the tool gives up.
    """
    task, death = asyncio.ensure_future(work), asyncio.ensure_future(child.process.wait())
    try:
        await asyncio.wait({task, death}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise EngineFailed(f"{child.name} ended while it was prepared: {last_words(directory, child.name)}")
        await task
    finally:
        task.cancel()
        death.cancel()
        await asyncio.gather(task, death, return_exceptions=True)


@contextlib.asynccontextmanager
async def ended_on_failure(child: Child) -> AsyncIterator[None]:
    """End a child when what makes it ready fails or is cancelled: nothing half prepared stays behind."""
    try:
        yield
    except BaseException:
        kill(child)
        await stop(child)
        raise


def output_file(directory: Directory, name: str) -> Path:
    """Return where an engine's output goes until it opens a log of its own."""
    return own_folder(directory, "run") / f"{name}.log"


def last_words(directory: Directory, name: str) -> str:
    """Return the end of an engine's output, for the sentence that says why it does not run."""
    path = output_file(directory, name)
    lines = path.read_text(errors="replace").strip().splitlines() if path.exists() else []
    return f"{' / '.join(lines[-3:]) or 'it said nothing'} (more in {directory.path / name})"


async def stop(child: Child) -> None:
    """Ask a child to stop, wait for as long as it is given, then kill what is left of it and of its session."""
    process = child.process
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(child.stop_signal)
        try:
            async with asyncio.timeout(child.patience_s):
                await process.wait()
        except TimeoutError:
            kill(child)
            await process.wait()
    kill(child)
    for path in child.litter:
        path.unlink(missing_ok=True)


def kill(child: Child) -> None:
    """End a child's process group at once, if there is any; data survive that, as they survive a power cut."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.process.pid, signal.SIGKILL)

"""Questions that tests ask about processes."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path


def alive(pid: int) -> bool:
    """Tell whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def working_on(path: Path) -> list[int]:
    """Return the processes that mention a path in their command line."""
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if str(path).encode() in command(entry)]


def command(entry: Path) -> bytes:
    """Return a process's command line; nothing for one that has just ended."""
    try:
        return (entry / "cmdline").read_bytes()
    except OSError:
        return b""


async def until(question: Callable[[], object], patience_s: float = 10) -> bool:
    """Wait until the answer is yes; return whether it became so."""
    deadline = time.monotonic() + patience_s
    while not (answer := bool(question())) and time.monotonic() < deadline:  # noqa: ASYNC110 - Processes have no event.
        await asyncio.sleep(0.02)
    return answer


def spent_by_children(pid: int) -> float:
    """CPU time of all children a process has had and seen to their end (seconds)."""
    # The name of the process, in brackets, may hold spaces itself.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system = fields[13:15]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

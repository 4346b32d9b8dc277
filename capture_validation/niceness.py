"""Who goes first where processors are scarce: the niceness of a process, and of the session that it leads."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

AUTOGROUP = Path("/proc/self/autogroup")


def set_session(nice: int) -> None:
    """Give the session that this process leads a niceness (0…19); that of others is left alone.

    Linux shares processors among sessions first, and niceness counts only within one (sched(7), "The autogroup
    feature"). Services that have a session each would share alike however nice one of them is. Where control groups or
    another system decide, this changes nothing and does no harm.
    """
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):
            AUTOGROUP.write_text(str(nice))

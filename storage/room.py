"""Whether there is room for new recordings: a full disk stops PostgreSQL, and with it everything.

The embedded store lies on this machine's disk, so its free space is looked at before bytes are taken. Of an external
store only its word is known: once it says that it is full, nothing is sent to it for a while.
"""

from __future__ import annotations

import shutil
import time

from storage.errors import StoreFull

#: What is kept free unless an operator decides otherwise: bytes, and a share of the disk; the larger one counts.
FREE_BYTES, FREE_SHARE = 5_000_000_000, 0.10
#: Seconds after which a store that was full is tried again.
PAUSE_S = 30.0


def kept_free(total: int, decided: int = 0) -> int:
    """Say how many bytes of a disk of `total` bytes are never filled: what an operator decided, unless that is 0."""
    return decided or int(max(FREE_BYTES, FREE_SHARE * total))


class Room:
    """The room of one store; `folder` is where its data lie on this machine, or empty."""

    def __init__(self, folder: str = "", keep_free: int = 0) -> None:
        """Begin with a store that is not known to be full; any other `keep_free` than 0 replaces the usual reserve."""
        self.folder = folder
        self.keep_free = keep_free
        self.closed_until = 0.0

    def check(self) -> None:
        """Let through whoever wants to bring bytes. Raises StoreFull."""
        if time.monotonic() < self.closed_until:
            raise StoreFull
        if self.folder:
            usage = shutil.disk_usage(self.folder)
            if usage.free < kept_free(usage.total, self.keep_free):
                raise StoreFull

    def close(self) -> None:
        """Remember that the store said that it is full."""
        self.closed_until = time.monotonic() + PAUSE_S

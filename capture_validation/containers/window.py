"""A bounded look into a file of a stranger.

Every container parser reads through a `Window`. It never reads more than 64 kB at once nor more than a fixed
total, whatever a length field says, so a lying header can cost neither memory nor time.
"""

import os
import struct
from typing import Any, BinaryIO

from capture_validation.errors import Unreadable

READ_LIMIT = 65_536
TOTAL_LIMIT = 64 << 20


class Window:
    """Positioned reads of a seekable file with a limit per read and in total.

    Small reads are served from the last 64 kB block, because headers lie next to each other and a system call
    per box would cost more than parsing it. Positions and sizes are bytes from the start of the file.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, os.SEEK_END)
        self._left = TOTAL_LIMIT
        self._block = b""
        self._block_at = 0

    def read(self, at: int, count: int) -> bytes:
        """Up to `count` bytes at position `at`; fewer at the end of the file, none beyond it."""
        count = min(count, READ_LIMIT, max(self.size - at, 0))
        if count <= 0 or at < 0:
            return b""
        start = at - self._block_at
        if start < 0 or start + count > len(self._block):
            self._load(at, count)
            start = 0
        return self._block[start : start + count]

    def exactly(self, at: int, count: int) -> bytes:
        """`count` bytes at position `at`. Raises Unreadable "truncated" when the file ends before."""
        data = self.read(at, count)
        if len(data) < count:
            raise Unreadable("truncated", size=self.size, needed=at + count)
        return data

    def unpack(self, pattern: str, at: int) -> tuple[Any, ...]:
        """The fields of a `struct` pattern at position `at`. Raises Unreadable "truncated"."""
        return struct.unpack(pattern, self.exactly(at, struct.calcsize(pattern)))

    def _load(self, at: int, count: int) -> None:
        # A scattered reader (an index at the end, then a table in the middle) gets small blocks: most of a
        # large one would be thrown away and still be counted against the total.
        near = self._block_at <= at <= self._block_at + len(self._block) + READ_LIMIT
        wanted = READ_LIMIT if near else max(count, 4096)
        if self._left < count:
            raise Unreadable("too-expensive", what="headers", limit=TOTAL_LIMIT)
        self._file.seek(at)
        self._block = self._file.read(wanted)
        self._block_at = at
        self._left -= len(self._block)

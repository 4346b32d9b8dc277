"""Bytes that have arrived and are not stored yet, gathered without copying them around."""

from __future__ import annotations

from collections import deque


class Gathered:
    """A queue of bytes: they come in any sizes and leave in the sizes that are asked for, each copied once."""

    def __init__(self) -> None:
        """Begin empty."""
        self.pieces: deque[memoryview] = deque()
        self.size = 0

    def add(self, piece: bytes) -> None:
        """Append bytes, which are kept and not copied."""
        self.pieces.append(memoryview(piece))
        self.size += len(piece)

    def take(self, size: int) -> bytes:
        """Remove and return the first `size` bytes, of which there are enough."""
        taken, missing = [], size
        while missing:
            first = self.pieces.popleft()
            if len(first) > missing:
                self.pieces.appendleft(first[missing:])
                first = first[:missing]
            taken.append(first)
            missing -= len(first)
        self.size -= size
        return b"".join(taken)

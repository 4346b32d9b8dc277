"""Results that are too large for memory leave the sandbox in pieces, on the pipe of the result.

A piece has a head: `M` for bytes of the new file with their place in it, `P` for how far the work is. After the last
piece comes the ordinary result. A muxer goes back to fill in lengths, so pieces have a place; the receiver checks every
place against its limit, because the sender may have been taken over.
"""

import io
import os
import select
import struct
import time
from collections.abc import Callable
from typing import BinaryIO

from capture_validation.errors import SandboxOverflow, SandboxTimeout

MEDIA, PROGRESS = b"M", b"P"
#: Offset and length of what follows, or millionths of the work and nothing.
HEAD = struct.Struct(">QI")
LARGEST_PIECE = 1 << 20
MILLION = 1_000_000
Progress = Callable[[float], None]


class Outlet(io.RawIOBase):
    """The file a sandboxed process writes: it goes out through the descriptor of the result."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._at = self._size = 0
        self._said = 0.0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        view = memoryview(data).cast("B")
        for start in range(0, len(view), LARGEST_PIECE):
            piece = view[start : start + LARGEST_PIECE]
            self._send(MEDIA + HEAD.pack(self._at, len(piece)) + piece)
            self._at += len(piece)
        self._size = max(self._size, self._at)
        return len(view)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = max(0, (0, self._at, self._size)[whence] + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def progress(self, share: float) -> None:
        """Say how far the work is, 0…1; less than a hundredth is not worth a message."""
        if share - self._said >= 0.01 or share < self._said:
            self._said = share
            self._send(PROGRESS + HEAD.pack(round(min(max(share, 0.0), 1.0) * MILLION), 0))

    def _send(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._descriptor, data) :]


class Intake:
    """Takes the pieces from a pipe into a file of at most `largest` bytes, and gives what follows them."""

    def __init__(self, descriptor: int, into: BinaryIO, largest: int, deadline: float, progress: Progress) -> None:
        """`deadline` is a time of the monotonic clock."""
        self._descriptor, self._into, self._largest = descriptor, into, largest
        self._deadline, self._progress = deadline, progress
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)
        self._base = into.tell()

    def take(self, result_limit: int) -> bytes:
        """Everything up to the end of the pipe. Raises SandboxOverflow, SandboxTimeout."""
        while (kind := self._read(1)) in {MEDIA, PROGRESS} and kind:
            place, length = HEAD.unpack(self._exactly(HEAD.size))
            if kind == PROGRESS:
                self._progress(min(place, MILLION) / MILLION)
                continue
            if length > LARGEST_PIECE or place + length > self._largest:
                raise SandboxOverflow
            self._into.seek(self._base + place)
            self._into.write(self._exactly(length))
        return kind + self._rest(result_limit)

    def _rest(self, limit: int) -> bytes:
        parts = [b""]
        size = 0
        while part := self._read(1 << 16):
            parts.append(part)
            size += len(part)
            if size > limit:
                raise SandboxOverflow
        return b"".join(parts)

    def _exactly(self, count: int) -> bytes:
        """The next bytes; fewer at the end of a process that died in the middle of a piece."""
        data = b""
        while len(data) < count and (part := self._read(count - len(data))):
            data += part
        return data.ljust(count, b"\0")

    def _read(self, count: int) -> bytes:
        if not self._poll.poll(max(0.0, self._deadline - time.monotonic()) * 1000):
            raise SandboxTimeout
        return os.read(self._descriptor, count)

"""A ZIP archive that is sent while it is written: nothing of it is ever kept whole, in memory or on disk.

Sizes stand behind each file instead of before it (APPNOTE.TXT 6.3.10, section 4.4.4, bit 3), which every reader of
today understands, and archives and files may be larger than 4 GB.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import AsyncIterator
from typing import Any

from anyio import to_thread
from msgspec import Struct


class Written(Struct, frozen=True):
    """One file of an archive: its path, its size in bytes and its SHA-256 in hexadecimal."""

    path: str
    size_bytes: int
    sha256: str


class Archive:
    """Takes files and gives the bytes of the archive that are ready to be sent."""

    def __init__(self) -> None:
        """Begin an empty archive."""
        self.ready = _Ready()
        self.zip = zipfile.ZipFile(self.ready, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        self.files: list[Written] = []

    async def file(self, path: str, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Add a file piece by piece; gives what can be sent meanwhile."""
        digest, size = hashlib.sha256(), 0
        with self.zip.open(path, "w", force_zip64=True) as entry:
            async for piece in pieces:
                digest.update(piece)
                size += len(piece)
                # Compressing a megabyte takes long enough to make others wait.
                await to_thread.run_sync(entry.write, piece)
                yield self.ready.taken()
        self.files.append(Written(path, size, digest.hexdigest()))
        yield self.ready.taken()

    def end(self) -> bytes:
        """Write the directory of the archive, which comes last."""
        self.zip.close()
        return self.ready.taken()


class _Ready(io.RawIOBase):
    """What a ZIP file writes into: it cannot be sought in, so the writer never looks back."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self.pieces += data
        return len(data)

    def taken(self) -> bytes:
        """Give what has been written since the last call."""
        data = bytes(self.pieces)
        self.pieces.clear()
        return data

"""Custody: from when on a recording is safe with us, so that its owner may delete the original.

A store may acknowledge bytes that are still in memory. So the final object is read back whole first; then, where the
store's data lie on this machine, its disk is synced, which covers the store's own index as well.
"""

from __future__ import annotations

import ctypes
import os
from datetime import datetime
from uuid import UUID

from anyio import to_thread
from msgspec import Struct

from storage import rereading
from storage.database import Connection, one, run
from storage.errors import CustodyMissing

#: The C library of this process; syncfs(2) has no place in Python's os module.
LIBC = ctypes.CDLL(None, use_errno=True)


class Custody(Struct, frozen=True):
    """What we hold: the bytes by SHA-256 and size, and since when."""

    recording_id: UUID
    sha256: bytes
    size_bytes: int
    secured_at: datetime


async def synced(folder: str) -> None:
    """Have everything written to the file system of a folder that was written before; nothing for an empty name.

    Raises OSError, also for a write that failed since the last time: then nothing may be called safe.
    """
    if folder:
        await to_thread.run_sync(_syncfs, folder)


def _syncfs(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if LIBC.syncfs(descriptor):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), folder)
    finally:
        os.close(descriptor)


SECURE = "UPDATE recordings SET secured_at = clock_timestamp() WHERE id = %(recording)s AND object_key IS NOT NULL"


async def secure(connection: Connection, recording: UUID) -> None:
    """Note that the recording's object was read back and synced."""
    if await run(connection, SECURE, recording=recording):
        await rereading.plan(connection, recording)


FIND = """
    SELECT id AS recording_id, sha256, size_bytes, secured_at FROM recordings
    WHERE id = %(recording)s AND secured_at IS NOT NULL AND object_key IS NOT NULL
      AND NOT EXISTS (SELECT FROM rereadings WHERE recording_id = id AND damaged_at IS NOT NULL)
"""


async def of_recording(connection: Connection, recording: UUID) -> Custody:
    """Give the custody of a recording that the caller has found to be its owner's. Raises CustodyMissing."""
    found = await one(connection, Custody, FIND, recording=recording)
    if found is None:
        raise CustodyMissing
    return found

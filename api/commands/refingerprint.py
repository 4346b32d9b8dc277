"""`companion refingerprint`: give everything that is held a fingerprint of the version in use.

Versions lie side by side: the old one is compared until the program is updated, and what the new one lacks is made
here, recording by recording. Interrupted, it goes on where it ended. Public works are registered again from their
files: `companion references add`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from uuid import UUID

from anyio import to_thread

from api.app import bucket_of
from api.commands.database import with_database
from api.matching import VERSIONS, packed
from api.settings import Settings
from api.worker import scratch_of
from capture_validation.duplicates.console import progress
from capture_validation.duplicates.printed import printed
from capture_validation.duplicates.recording import VERSION, Fingerprints
from capture_validation.errors import Unreadable
from storage import encryption, fingerprints, public_works
from storage.database import Pool, transaction
from storage.embedded import directory
from storage.errors import MediaDamaged, MediaMissing
from storage.fingerprints import Outdated, Subject
from storage.media import Media, plaintext
from storage.objects import Store, open_store


def command(words: Sequence[str]) -> int:
    """Move everything over: 0 done, 1 when some recordings could not be read."""
    chosen = parser().parse_args(words)
    settings = Settings.from_environment({**(directory.published() or {}), **os.environ})

    async def work(database: Pool) -> int:
        async with open_store(*bucket_of(settings)) as store:
            missed = await move_over(database, store, settings)
        if chosen.drop_older:
            await drop_older(database)
        return 1 if missed else 0

    return with_database("refingerprint", work)


def parser() -> argparse.ArgumentParser:
    """Describe the words."""
    top = argparse.ArgumentParser(prog="companion refingerprint", description=__doc__)
    top.add_argument("--drop-older", action="store_true", help="delete the older version of what has the new one")
    return top


async def move_over(database: Pool, store: Store, settings: Settings) -> int:
    """Fingerprint what lacks this version; return how many recordings could not be read."""
    async with transaction(database) as connection:
        total = await fingerprints.count_outdated(connection, VERSION)
    done, missed, after = 0, 0, None
    while (one := await following(database, after)) is not None:
        progress(min(done, total), total, str(one.recording_id))
        try:
            prints = await print_of(database, store, settings, one)
        except (Unreadable, MediaMissing, MediaDamaged) as reason:
            # One that was lost is not to keep all behind it from being found again.
            print(f"{one.recording_id}: {reason}", file=sys.stderr)
            missed += 1
        else:
            await keep(database, one.recording_id, prints)
        done, after = done + 1, one.recording_id
    progress(total, total, "")
    print(f"{done - missed} recordings have a fingerprint of version {VERSION} now, {missed} cannot be read.")
    async with transaction(database) as connection:
        works = await public_works.count_without(connection, VERSION)
    if works:
        print(f"{works} public works have none: give their files to `companion references add` again.")
    return missed


async def drop_older(database: Pool) -> None:
    """Delete the older version of what has the one in use, one transaction each: nobody waits for it."""
    async with transaction(database) as connection:
        total = await fingerprints.count_replaced(connection, VERSION)
    done, after = 0, 0
    while (number := await _drop_next(database, after)) is not None:
        done, after = done + 1, number
        progress(min(done, total), total, "")
    print(f"{done} of older versions were dropped.")


async def _drop_next(database: Pool, after: int) -> int | None:
    async with transaction(database) as connection:
        return await fingerprints.drop_replaced(connection, VERSION, after)


async def following(database: Pool, after: UUID | None) -> Outdated | None:
    """Give the next recording to move over."""
    async with transaction(database) as connection:
        return await fingerprints.outdated(connection, VERSION, after)


async def print_of(database: Pool, store: Store, settings: Settings, one: Outdated) -> Fingerprints:
    """Decrypt a recording into a file without a name, and fingerprint it in the sandbox. Raises Unreadable."""
    async with transaction(database) as connection:
        key = await encryption.subject_key(connection, settings.master_key, one.account_id)
    media = Media(one.recording_id, one.object_key, one.size_bytes)
    with tempfile.TemporaryFile(dir=scratch_of(settings)) as file:
        async for piece in plaintext(store, media, key, 0, one.size_bytes):
            file.write(piece)
        file.flush()
        return await to_thread.run_sync(printed, file.fileno())


async def keep(database: Pool, recording: UUID, prints: Fingerprints) -> None:
    """Store the fingerprint, unless the recording was deleted meanwhile: nothing of it may come back."""
    kept = await to_thread.run_sync(packed, prints)
    async with transaction(database) as connection:
        if await fingerprints.still_held(connection, recording):
            await fingerprints.keep(connection, Subject(recording), kept, VERSIONS)

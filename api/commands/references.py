"""`companion references`: public material that an operator registers, so that a copy of it goes to a person."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from anyio import to_thread

from api.commands.database import with_database
from api.matching import VERSIONS, packed
from capture_validation.duplicates.console import files, progress
from capture_validation.duplicates.printed import printed
from capture_validation.duplicates.recording import VERSION
from capture_validation.errors import Unreadable
from storage import fingerprints, public_works
from storage.database import Pool, transaction
from storage.fingerprints import Subject


def command(words: Sequence[str]) -> int:
    """Run one of the references' commands: 0 done, 1 refused, 2 when nothing could be read."""
    chosen = parser().parse_args(words)

    async def work(database: Pool) -> int:
        if chosen.what == "add":
            return await add(database, list(files(chosen.paths)))
        return await (show(database) if chosen.what == "list" else remove(database, chosen.work))

    return with_database("references", work)


def parser() -> argparse.ArgumentParser:
    """Describe the words."""
    top = argparse.ArgumentParser(prog="companion references", description=__doc__)
    commands = top.add_subparsers(dest="what", required=True, metavar="COMMAND")
    add_ = commands.add_parser("add", help="register files and folders; what is registered already is skipped")
    add_.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="its file name is the title contributors read"
    )
    commands.add_parser("list", help="show what is registered")
    remove_ = commands.add_parser("remove", help="forget one")
    remove_.add_argument("work", type=UUID, metavar="ID")
    return top


async def add(database: Pool, paths: Sequence[Path]) -> int:
    """Fingerprint and register files, one transaction each, so that an interrupted run goes on where it ended."""
    added, unreadable = 0, 0
    for number, path in enumerate(paths):
        progress(number, len(paths), path.name)
        try:
            added += await register(database, path)
        except (Unreadable, OSError) as reason:
            print(f"{path}: {reason}", file=sys.stderr)
            unreadable += 1
    progress(len(paths), len(paths), "")
    print(f"{added} registered, {len(paths) - added - unreadable} were there, {unreadable} cannot be read.")
    return 2 if unreadable and unreadable == len(paths) else 0


async def register(database: Pool, path: Path) -> int:
    """Keep one public work and its fingerprint; give 1, or 0 when it is there in this version.

    Raises Unreadable, OSError.
    """
    with path.open("rb") as file:
        sha256 = (await to_thread.run_sync(hashlib.file_digest, file, "sha256")).digest()
        async with transaction(database) as connection:
            if await public_works.known(connection, sha256, VERSION):
                return 0
        kept = packed(await to_thread.run_sync(printed, file.fileno()))
    async with transaction(database) as connection:
        work = await public_works.add(connection, path.stem, sha256)
        await fingerprints.keep(connection, Subject(public_work=work.id), kept, VERSIONS)
    return 1


async def show(database: Pool) -> int:
    """Print what is registered."""
    async with transaction(database) as connection:
        for work in await public_works.listing(connection):
            print(f"{work.id}  {work.added_at:%Y-%m-%d}  {work.title}")
    return 0


async def remove(database: Pool, work: UUID) -> int:
    """Forget one."""
    async with transaction(database) as connection:
        await public_works.remove(connection, work)
    return 0

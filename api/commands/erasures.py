"""`companion erasures`: the log of erased accounts, and erasing again what a restored backup brought back."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from api.app import bucket_of
from api.commands.database import said, with_database
from api.settings import Settings
from storage import erasures, sweeping
from storage.database import Pool, transaction
from storage.embedded import directory
from storage.erasures import Erasure
from storage.objects import Store, open_store
from storage.operator_actions import note


def command(words: Sequence[str]) -> int:
    """Run one of the erasures' commands: 0 done, 1 refused, 2 asked wrongly."""
    chosen = parser().parse_args(words)
    try:
        kept = noted(chosen.list) if chosen.what == "replay" and chosen.list is not None else []
    except (OSError, ValueError) as error:
        return said("erasures", f"{chosen.list} is no list that was printed here: {error}", status=2)

    async def work(database: Pool) -> int:
        async with open_store(*bucket()) as store:
            if chosen.what == "list":
                await show(store)
            else:
                await replay(database, store, kept)
        return 0

    return with_database("erasures", work)


def parser() -> argparse.ArgumentParser:
    """Describe the words."""
    top = argparse.ArgumentParser(prog="companion erasures", description=__doc__)
    commands = top.add_subparsers(dest="what", required=True, metavar="COMMAND")
    commands.add_parser("list", help="show the log, which lies in the bucket")
    again = commands.add_parser("replay", help="after every restore, before anybody is let in: erase what came back")
    again.add_argument("list", nargs="?", type=Path, help="what `list` printed, where the bucket was restored as well")
    return top


def bucket() -> tuple[str, str, str, str, str]:
    """Give the bucket of the environment, or of the companion that runs here. Raises SettingsInvalid."""
    here = directory.published() or {}
    # The key opens nothing here: what is erased is never read.
    return bucket_of(Settings.from_environment({"COMPANION_MASTER_KEY": "A" * 43 + "=", **here, **os.environ}))


def noted(path: Path) -> list[Erasure]:
    """Read what `list` printed. Raises OSError, ValueError."""
    lines = (line.partition("  ") for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    return [Erasure(UUID(account), datetime.strptime(at, TIME).replace(tzinfo=UTC)) for account, _, at in lines]


async def show(store: Store) -> None:
    """Print the log, to be kept elsewhere: a backup of the bucket knows nobody who left since."""
    for erasure in await erasures.logged(store):
        print(f"{erasure.account}  {erasure.erased_at.astimezone(UTC):{TIME}}")


async def replay(database: Pool, store: Store, kept: Sequence[Erasure]) -> None:
    """Erase again; who is in a list that was kept is in the restored bucket's log from now on."""
    known = {erasure.account for erasure in await erasures.logged(store)}
    for erasure in kept:
        if erasure.account not in known:
            await erasures.log(store, erasure.account, erasure.erased_at)
    done = await erasures.replay(database, store)
    async with transaction(database) as connection:
        await note(connection, "erasures.replayed", "log of erasures", done=done)
    print(f"{done} erasures are done, also in what was restored.")
    if unknown := await sweeping.note_unknown(database, store):
        print(f"{unknown} objects were stored after the database was saved. They are removed in 30 days.")


#: How a moment is printed, and read again.
TIME = "%Y-%m-%d %H:%M"

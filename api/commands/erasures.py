"""`companion erasures`: the log of erased accounts, and erasing again what a restored backup brought back."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from api.app import bucket_of
from api.commands.database import with_database
from api.settings import Settings
from storage import erasures
from storage.database import Pool
from storage.embedded import directory
from storage.objects import Store, open_store


def command(words: Sequence[str]) -> int:
    """Run one of the erasures' commands: 0 done, 1 refused, 2 asked wrongly."""
    chosen = parser().parse_args(words)

    async def work(database: Pool) -> int:
        async with open_store(*bucket()) as store:
            await DOES[chosen.what](database, store)
        return 0

    return with_database("erasures", work)


def parser() -> argparse.ArgumentParser:
    """Describe the words."""
    top = argparse.ArgumentParser(prog="companion erasures", description=__doc__)
    commands = top.add_subparsers(dest="what", required=True, metavar="COMMAND")
    commands.add_parser("list", help="show the log, which lies in the bucket")
    commands.add_parser("replay", help="after every restore, before anybody is let in: erase again what came back")
    return top


def bucket() -> tuple[str, str, str, str, str]:
    """Give the bucket of the environment, or of the companion that runs here. Raises SettingsInvalid."""
    here = directory.published() or {}
    # The key opens nothing here: what is erased is never read.
    return bucket_of(Settings.from_environment({"COMPANION_MASTER_KEY": "A" * 43 + "=", **here, **os.environ}))


async def show(_: Pool, store: Store) -> None:
    """Print the log."""
    for erasure in await erasures.logged(store):
        print(f"{erasure.account}  {erasure.erased_at:%Y-%m-%d %H:%M}")


async def replay(database: Pool, store: Store) -> None:
    """Erase again."""
    print(f"{await erasures.replay(database, store)} erasures are done, also in what was restored.")


DOES = {"list": show, "replay": replay}

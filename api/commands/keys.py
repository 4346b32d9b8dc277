"""`companion keys`: replace the master key, and the key that signs, when somebody else may know them."""

from __future__ import annotations

import argparse
import base64
import sys
from collections.abc import Sequence

from api.commands.database import configuration, said, with_database
from api.settings import Settings
from api.signing import draw
from storage import signing_keys
from storage.database import Connection, Pool, transaction
from storage.errors import MediaDamaged
from storage.master_key import MasterKey
from storage.operator_actions import note
from storage.rewrapping import KINDS, rewrap

NOT_REPLACED = "COMPANION_MASTER_KEY_BEFORE is not set: no key is being replaced."


def command(words: Sequence[str]) -> int:
    """Run one of the keys' commands: 0 done, 1 not all of it, 2 asked wrongly."""
    chosen = parser().parse_args(words)
    settings = configuration()
    if chosen.what == "rewrap" and not settings.master_key_before:
        return said("keys", NOT_REPLACED, status=2)
    work = replaced if chosen.what == "rewrap" else renewed
    return with_database("keys", lambda database: work(database, settings))


def parser() -> argparse.ArgumentParser:
    """Describe the words."""
    top = argparse.ArgumentParser(prog="companion keys", description=__doc__)
    commands = top.add_subparsers(dest="what", required=True, metavar="COMMAND")
    commands.add_parser("rewrap", help="close under the master key what still lies under the one before it")
    commands.add_parser("renew", help="make another key that signs; what was signed can be checked all the same")
    return top


async def replaced(database: Pool, settings: Settings) -> int:
    """Close everything anew, and sign with another key: the one that signed lay under a key that others may know."""
    key = MasterKey.replacing(settings.master_key, base64.b64decode(settings.master_key_before))
    lost = []
    for kind in KINDS:
        done = await rewrap(database, key, kind)
        lost += done.lost
        print(f"{kind.name[0].upper()}{kind.name[1:]}: {done.anew} closed anew.")
    async with transaction(database) as connection:
        await note(connection, "master_key.replaced", "master key")
        if not await signs(connection, bytes(key)):
            await sign_anew(connection, bytes(key))
    for owner in lost:
        print(f"companion keys: neither key opens what belongs to {owner}", file=sys.stderr)
    return 1 if lost else 0


async def renewed(database: Pool, settings: Settings) -> int:
    """Make another key that signs."""
    async with transaction(database) as connection:
        await sign_anew(connection, settings.master_key)
    return 0


async def signs(connection: Connection, master_key: bytes) -> bool:
    """Whether the newest signing key lies under this key."""
    try:
        return await signing_keys.newest(connection, master_key) is not None
    except MediaDamaged:
        return False


async def sign_anew(connection: Connection, master_key: bytes) -> None:
    """Draw a signing key."""
    made = await draw(connection, master_key)
    print(f"{made.kid} signs once the API and the workers were started again.")

"""`companion accounts`: let somebody in again who has forgotten their password."""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Sequence

from api.commands.database import in_transaction
from api.passwords import HASHER, prepared
from storage import accounts, attempts, sessions
from storage.database import Connection
from storage.events import tell
from storage.ledger.errors import AccountUnknown


def command(words: Sequence[str]) -> int:
    """Run one of the accounts' commands: 0 done, 1 refused, 2 asked wrongly."""
    chosen = parser().parse_args(words)
    return in_transaction("accounts", lambda connection: reset(connection, chosen.account))


def parser() -> argparse.ArgumentParser:
    """Describe the words."""
    top = argparse.ArgumentParser(prog="companion accounts", description=__doc__)
    commands = top.add_subparsers(dest="what", required=True, metavar="COMMAND")
    password = commands.add_parser("password", help="set a random password, shown once, and sign every device out")
    password.add_argument("account", help="id, pseudonym or e-mail address; be sure who asks")
    return top


async def reset(connection: Connection, name: str) -> None:
    """Set a random password, and print it this once. Raises AccountUnknown."""
    account = await accounts.called(connection, name)
    profile = None if account is None else await accounts.profile_of(connection, account)
    if profile is None:
        raise AccountUnknown("There is no such account.")
    password = secrets.token_urlsafe(15)
    await accounts.rehash(connection, profile.id, HASHER.hash(prepared(password)))
    await sessions.revoke_all(connection, profile.id, "password changed")
    await attempts.forget_networks(connection, profile.id)
    await attempts.forget_all(connection, profile.email)
    await tell(connection, profile.id, "password.changed", by="operator")
    print(f"{profile.email}, password {password} (shown only this once); every device is signed out.")

"""`companion buyers`: who may licence recordings, the list they are held against, their keys and their webhook."""

from __future__ import annotations

import argparse
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import msgspec

from api.buyers import WEBHOOK_SECRET, NewBuyer, Url
from api.commands.database import configuration, in_transaction, sentence
from storage import buyers, screening
from storage.buyers import Buyer, Registration
from storage.database import Connection


def command(words: Sequence[str]) -> int:
    """Run one of the buyers' commands: 0 done, 1 refused, 2 asked wrongly."""
    chosen = parser().parse_args(words)
    return in_transaction("buyers", lambda connection: DOES[chosen.what](connection, chosen))


def parser() -> argparse.ArgumentParser:
    """Describe the words."""
    top = argparse.ArgumentParser(prog="companion buyers", description=__doc__)
    commands = top.add_subparsers(dest="what", required=True, metavar="COMMAND")
    commands.add_parser("list", help="show the register, newest first")
    add = commands.add_parser("add", help="enter a buyer, and hold it against the screening list")
    add.add_argument("name", help="its legal name, which contributors read")
    add.add_argument("--country", required=True, help="ISO 3166-1 alpha-2, such as DE")
    add.add_argument("--sector", required=True, help="such as speech_technology")
    add.add_argument("--purpose", required=True, help="a sentence that contributors read")
    screen = commands.add_parser("screen", help="make a file the screening list, and judge every buyer anew")
    screen.add_argument("file", type=Path, help="CSV: kind (name, country or sector), value, because")
    clear = commands.add_parser("clear", help="say that a buyer is not the listed company of a name like its own")
    clear.add_argument("buyer", type=UUID, metavar="ID")
    clear.add_argument("--because", type=sentence, required=True, help="why it is another one")
    key = commands.add_parser("key", help="make an API key, and print it this once")
    key.add_argument("buyer", type=UUID, metavar="ID")
    revoke = commands.add_parser("revoke", help="take a key back")
    revoke.add_argument("buyer", type=UUID, metavar="ID")
    revoke.add_argument("key", type=UUID, metavar="KEY")
    webhook = commands.add_parser("webhook", help="say where it is told of withdrawals, and print a new secret once")
    webhook.add_argument("buyer", type=UUID, metavar="ID")
    webhook.add_argument("url", metavar="URL")
    return top


async def show(connection: Connection, _: argparse.Namespace) -> None:
    """Print the register."""
    for buyer in await buyers.listing(connection, limit=1000):
        say(buyer)


def say(buyer: Buyer) -> None:
    """Print one buyer and how it stands."""
    standing = f"{buyer.screening} ({buyer.screening_because})"
    print(f"{buyer.id}  {buyer.country}  {buyer.sector:<24}  {standing:<40}  {buyer.legal_name}")


async def add(connection: Connection, chosen: argparse.Namespace) -> None:
    """Enter a buyer."""
    words = {"legal_name": chosen.name, "country": chosen.country.upper()}
    new = msgspec.convert({**words, "sector": chosen.sector, "purpose": chosen.purpose}, NewBuyer)
    say(await buyers.register(connection, Registration(new.legal_name, new.country, new.sector, new.purpose)))


async def screen(connection: Connection, chosen: argparse.Namespace) -> None:
    """Load a list and print whom it stops."""
    entries = await screening.load(connection, chosen.file.read_bytes())
    stopped = [buyer for buyer in await buyers.listing(connection, limit=100_000) if buyer.screening != "cleared"]
    print(f"Entries: {entries}. Buyers that are not cleared: {len(stopped)}{':' if stopped else '.'}")
    for buyer in stopped:
        say(buyer)


async def clear(connection: Connection, chosen: argparse.Namespace) -> None:
    """Clear a name that is only alike."""
    await screening.clear(connection, chosen.buyer, chosen.because)
    say(await buyers.find(connection, chosen.buyer))


async def key(connection: Connection, chosen: argparse.Namespace) -> None:
    """Make a key."""
    made, secret = await buyers.new_key(connection, chosen.buyer)
    print(f"{made.id}  {secret}")


async def revoke(connection: Connection, chosen: argparse.Namespace) -> None:
    """Take a key back."""
    await buyers.revoke_key(connection, chosen.buyer, chosen.key)
    print("It opens nothing any more.")


async def webhook(connection: Connection, chosen: argparse.Namespace) -> None:
    """Set where a buyer is told of withdrawals, and print the new secret that signs it this once."""
    url = msgspec.convert(chosen.url, Url)
    await buyers.find(connection, chosen.buyer)
    secret = await buyers.post_to(connection, configuration().master_key, chosen.buyer, url)
    print(WEBHOOK_SECRET + b64encode(secret).decode())


DOES = {
    "list": show,
    "add": add,
    "screen": screen,
    "clear": clear,
    "key": key,
    "revoke": revoke,
    "webhook": webhook,
}

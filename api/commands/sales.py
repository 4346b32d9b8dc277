"""`companion sales`: licence a version of a dataset to a buyer, and look at what was sold."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime, time
from uuid import UUID

from api.commands.database import in_transaction, price, sentence
from api.money import display
from storage import sales
from storage.database import Connection
from storage.sales import Offer, Sale


def command(words: Sequence[str]) -> int:
    """Run one of the sales' commands: 0 done, 1 refused, 2 asked wrongly."""
    chosen = parser().parse_args(words)
    return in_transaction("sales", lambda connection: DOES[chosen.what](connection, chosen))


def parser() -> argparse.ArgumentParser:
    """Describe the words."""
    top = argparse.ArgumentParser(prog="companion sales", description=__doc__)
    commands = top.add_subparsers(dest="what", required=True, metavar="COMMAND")
    commands.add_parser("list", help="show the sales, newest first")
    sell = commands.add_parser("sell", help="licence a version of a dataset; every contributor hears of it and is paid")
    sell.add_argument("--buyer", type=UUID, required=True)
    sell.add_argument("--dataset", type=UUID, required=True)
    sell.add_argument("--version", type=int, required=True)
    sell.add_argument("--use", action="append", required=True, help="such as asr_training; may be given several times")
    sell.add_argument("--purpose", type=sentence, required=True, help="a sentence that contributors read")
    sell.add_argument("--until", type=day, required=True, metavar="YYYY-MM-DD", help="the licence's last day (UTC)")
    sell.add_argument("--price", type=price, required=True, metavar="AMOUNT", help="for the whole version")
    sell.add_argument("--currency", required=True)
    sell.add_argument("--without-refused", action="store_true", help="leave out what may not be sold")
    sell.add_argument(
        "--key", help="such as the order's number; the same key is one sale, however often it is asked for"
    )
    return top


def day(text: str) -> datetime:
    """Read a day as its end; raises ValueError, which argparse turns into a sentence."""
    return datetime.combine(datetime.fromisoformat(text).date(), time.max, UTC)


async def show(connection: Connection, _: argparse.Namespace) -> None:
    """Print the sales."""
    for sale in await sales.listing(connection, limit=1000):
        say(sale)


async def sell(connection: Connection, chosen: argparse.Namespace) -> None:
    """Write a sale."""
    offer = Offer(
        buyer_id=chosen.buyer,
        dataset_id=chosen.dataset,
        version=chosen.version,
        uses=sorted(set(chosen.use)),
        purpose=chosen.purpose,
        ends_at=chosen.until,
        currency=chosen.currency,
        price_micros=chosen.price,
        without_refused=chosen.without_refused,
    )
    say(await (sales.sell_once(connection, offer, chosen.key) if chosen.key else sales.sell(connection, offer)))


def say(sale: Sale) -> None:
    """Print one sale."""
    price, uses = display(sale.currency, sale.price_micros), ", ".join(sale.uses)
    print(f"{sale.id}  {price:>14}  {sale.recordings} recordings ({sale.ended} ended)  {uses}  until {sale.ends_at:%F}")


DOES = {"list": show, "sell": sell}

"""`companion campaigns`: list campaigns and change what one pays from now on."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from uuid import UUID

from api.campaigns import HOUR_MS, rate_of
from api.commands.database import amount, with_database
from storage import campaigns, rates
from storage.database import Pool, transaction


def command(words: Sequence[str]) -> int:
    """Run one of the campaign commands: 0 done, 1 refused, 2 asked wrongly."""
    chosen = parser().parse_args(words)

    async def work(database: Pool) -> int:
        if chosen.what == "list":
            return await show(database)
        return await change(database, chosen)

    return with_database("campaigns", work)


def parser() -> argparse.ArgumentParser:
    """Describe the words."""
    top = argparse.ArgumentParser(prog="companion campaigns", description=__doc__)
    commands = top.add_subparsers(dest="what", required=True, metavar="COMMAND")
    commands.add_parser("list", help="show the newest campaigns and what they pay")
    rate = commands.add_parser(
        "rate", help="pay another rate for what is quoted or announced from now on; what was before keeps its own"
    )
    rate.add_argument("campaign", type=UUID, metavar="ID")
    rate.add_argument("--per-hour", type=amount, required=True, metavar="AMOUNT", help="such as 12.50")
    rate.add_argument("--currency", required=True)
    rate.add_argument("--because", required=True, help="what everybody reads at /v1/rates")
    return top


async def show(database: Pool) -> int:
    """Print the newest campaigns."""
    async with transaction(database) as connection:
        for campaign in await campaigns.listing(connection, media=None, language=None, after=None, limit=100):
            print(f"{campaign.id}  {rate_of(campaign).display:>24}  {campaign.title}")
    return 0


async def change(database: Pool, chosen: argparse.Namespace) -> int:
    """Change a rate."""
    async with transaction(database) as connection:
        await rates.change(connection, chosen.campaign, chosen.currency, chosen.per_hour, HOUR_MS, chosen.because)
    print("What is quoted or announced from now on is paid by the new rate.")
    return 0

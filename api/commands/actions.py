"""`companion actions`: read which operator did what."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from api.commands.database import with_database
from storage import operator_actions
from storage.database import Pool, reading
from storage.operator_actions import OperatorAction

PAGE = 200


def command(words: Sequence[str]) -> int:
    """Print what was done: 0 done, 2 asked wrongly."""
    chosen = parser().parse_args(words)
    return with_database("actions", lambda database: show(database, chosen))


def parser() -> argparse.ArgumentParser:
    """Describe the words."""
    top = argparse.ArgumentParser(prog="companion actions", description=__doc__)
    top.add_argument(
        "--about", metavar="ID", help="only what was decided about this: a recording, a payout, a campaign"
    )
    top.add_argument("--by", metavar="NAME", help="only what this login, or this account's id, did")
    top.add_argument("--newest", type=int, default=PAGE, metavar="N", help="how many, the newest first (%(default)s)")
    return top


async def show(database: Pool, chosen: argparse.Namespace) -> int:
    """Print the newest lines, page by page."""
    before, left = None, chosen.newest
    while left > 0:
        async with reading(database) as connection:
            rows = await operator_actions.listing(
                connection, subject=chosen.about, operator=chosen.by, before=before, limit=min(PAGE, left)
            )
        for row in rows:
            print(say(row))
        if len(rows) < PAGE:
            break
        before, left = rows[-1].id, left - len(rows)
    return 0


def say(row: OperatorAction) -> str:
    """Write one action in a line."""
    facts = f"  {json.dumps(row.facts)}" if row.facts else ""
    return f"{row.at:%Y-%m-%d %H:%M:%S}  {row.operator}  {row.action}  {row.subject}{facts}"

"""`companion tax`: add rules of withholding to the table; a rule is never changed, a later one takes its place."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from api.commands.database import in_transaction
from storage import tax
from storage.database import Connection
from storage.tax import Rule


def command(words: Sequence[str]) -> int:
    """Read rules from a JSON file: code, residence (`*` is everybody else), needs_tax_id, bps, since, because."""
    parser = argparse.ArgumentParser(prog="companion tax", description=__doc__)
    parser.add_argument("rules", type=Path, metavar="FILE", help="a JSON list of rules")
    chosen = parser.parse_args(words)
    try:
        rules = msgspec.json.decode(chosen.rules.read_bytes(), type=list[Rule])
    except (OSError, msgspec.DecodeError) as error:
        print(f"companion tax: {error}", file=sys.stderr)
        return 2

    async def work(connection: Connection) -> None:
        added = await tax.add_rules(connection, rules)
        print(f"{added} of {len(rules)} added; the others were there.")

    return in_transaction("tax", work)

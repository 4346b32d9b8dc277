"""`companion review`: look at the recordings that wait for a person, and decide, with a reason their owners read."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from uuid import UUID

from api.commands.database import sentence, whoever, with_database
from api.reasons import reason
from storage import reviews
from storage.database import Pool, transaction
from storage.operator_actions import acting
from storage.reviews import Verdict
from storage.steps import Removed

VERDICTS: dict[str, Verdict] = {"accept": "accepted", "reject": "rejected", "return": "needs_fix"}
SPAN = re.compile(r"(\d+(?:\.\d{1,3})?)-(\d+(?:\.\d{1,3})?)(?::([a-z][a-z_-]*))?")


def command(words: Sequence[str]) -> int:
    """Run one of the review commands: 0 done, 1 refused, 2 asked wrongly."""
    chosen = parser().parse_args(words)

    async def work(database: Pool) -> int:
        if chosen.what == "list":
            return await show(database)
        verdict = VERDICTS[chosen.what]
        removed = getattr(chosen, "remove", [])
        return await decide(database, chosen.recording, verdict, chosen.because, removed, chosen.reviewer)

    return with_database("review", work)


def parser() -> argparse.ArgumentParser:
    """Describe the words."""
    top = argparse.ArgumentParser(prog="companion review", description=__doc__)
    commands = top.add_subparsers(dest="what", required=True, metavar="COMMAND")
    commands.add_parser("list", help="show what waits, the longest first")
    for name, meaning in (
        ("accept", "take it; it earns its pay at once"),
        ("reject", "do not take it"),
        ("return", "ask for another take"),
    ):
        one = commands.add_parser(name, help=meaning)
        one.add_argument("recording", type=UUID, metavar="ID")
        one.add_argument("--because", type=sentence, required=True, help="what the contributor reads")
        one.add_argument(
            "--as",
            dest="reviewer",
            type=sentence,
            default=whoever(),
            metavar="NAME",
            help="who decides (%(default)s); whoever rejected it does not confirm that against an objection",
        )
        if name == "accept":
            one.add_argument(
                "--remove",
                type=span,
                action="append",
                default=[],
                metavar="FROM-TO[:REASON]",
                help="seconds that are taken out and not paid, such as 3.2-5:bystander; may be given again",
            )
    return top


def span(text: str) -> Removed:
    """Read a span in seconds; raises ValueError, which argparse turns into a sentence."""
    found = SPAN.fullmatch(text)
    if found is None:
        raise ValueError(text)
    start, end = (round(float(found[place]) * 1000) for place in (1, 2))
    if end <= start:
        raise ValueError(text)
    return Removed(start, end, found[3] or "removed")


async def show(database: Pool) -> int:
    """Print what waits: who, for what, since when and why."""
    async with transaction(database) as connection:
        waiting = await reviews.queue(connection)
    for one in waiting:
        length = "?" if one.duration_ms is None else f"{one.duration_ms / 1000:.1f} s"
        missing = "" if one.consented else "  (no consent yet: cannot be accepted)"
        promised = "answer to its objection promised" if one.disputed else "promised"
        missing += "" if one.due is None else f"  ({promised} until {one.due:%Y-%m-%d %H:%M})"
        print(f"{one.id}  {one.since:%Y-%m-%d %H:%M}  {length:>8}  {one.campaign}, {one.pseudonym}{missing}")
        print(f"    {reason(one.because, 'en') or ''}")
    print(f"{len(waiting)} wait.")
    return 0


async def decide(
    database: Pool, recording: UUID, verdict: Verdict, because: str, removed: Sequence[Removed], reviewer: str
) -> int:
    """Decide about one recording."""
    async with acting(database, reviewer) as connection:
        await reviews.decide(connection, recording, verdict, because, removed, reviewer=reviewer)
    print(f"{recording} is {verdict.replace('_', ' ')}.")
    return 0

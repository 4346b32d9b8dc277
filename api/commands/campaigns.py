"""`companion campaigns`: open a campaign, look at one, and change what it pays, offers or takes from now on."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec

from api.campaigns import check_rules, rate_of
from api.commands.database import in_transaction, price, sentence
from api.money import HOUR_MS
from capture_validation.errors import InvalidRule, UnknownProfile
from storage import campaign_changes, campaigns, progress, rates
from storage.campaign_changes import Wish
from storage.campaigns import Draft
from storage.database import Connection


def command(words: Sequence[str]) -> int:
    """Run one of the campaign commands: 0 done, 1 refused, 2 asked wrongly."""
    chosen = parser().parse_args(words)
    draft = read(chosen.file) if chosen.what == "open" else None
    if chosen.what == "open" and draft is None:
        return 2

    async def work(connection: Connection) -> None:
        if draft is not None:
            await open_one(connection, draft)
        else:
            await WORK[chosen.what](connection, chosen)

    return in_transaction("campaigns", work)


def parser() -> argparse.ArgumentParser:
    """Describe the words."""
    top = argparse.ArgumentParser(prog="companion campaigns", description=__doc__)
    commands = top.add_subparsers(dest="what", required=True, metavar="COMMAND")
    commands.add_parser("list", help="show the newest campaigns and what they pay")
    look = commands.add_parser("show", help="show how far a campaign is, and what was changed of it")
    look.add_argument("campaign", type=UUID, metavar="ID")
    new = commands.add_parser("open", help="open a campaign that is described in a JSON file")
    new.add_argument("file", type=Path, metavar="FILE", help="as the files of api/demo_data are")
    terms = commands.add_parser(
        "terms", help="offer another term sheet for what is announced from now on, once its notice is over"
    )
    terms.add_argument("campaign", type=UUID, metavar="ID")
    terms.add_argument("--sheet", required=True, metavar="ID")
    terms.add_argument("--version", required=True, type=int)
    rate = commands.add_parser(
        "rate", help="pay another rate for what is quoted or announced from now on; what was before keeps its own"
    )
    rate.add_argument("campaign", type=UUID, metavar="ID")
    rate.add_argument("--per-hour", type=price, required=True, metavar="AMOUNT", help="such as 12.50")
    rate.add_argument("--currency", required=True)
    rate.add_argument("--because", type=sentence, required=True, help="what everybody reads at /v1/rates")
    add_changes(commands)
    return top


def add_changes(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the words that change an open campaign; what was quoted or announced before goes on as it was."""
    pause = commands.add_parser("pause", help="take nothing new for now")
    resume = commands.add_parser("resume", help="take recordings again")
    close = commands.add_parser("close", help="end a campaign early, for good")
    quota = commands.add_parser("quota", help="take more recordings, or fewer than now: not fewer than are given away")
    deadline = commands.add_parser("deadline", help="end a campaign sooner or later")
    for one in (pause, resume, close, quota, deadline):
        one.add_argument("campaign", type=UUID, metavar="ID")
        one.add_argument(
            "--because",
            type=sentence,
            required=True,
            help="what everybody who takes part is told, and reads on its page",
        )
    pause.set_defaults(wish=lambda _: Wish(standing="paused"))
    resume.set_defaults(wish=lambda _: Wish(standing="open"))
    close.set_defaults(wish=lambda _: Wish(standing="closed"))
    quota.add_argument("recordings", type=int, metavar="RECORDINGS", help="in all, with those that are accepted")
    quota.set_defaults(wish=lambda chosen: Wish(quota_recordings=chosen.recordings))
    deadline.add_argument("deadline", type=moment, metavar="WHEN", help="such as 2027-03-31, its end in UTC; or never")
    deadline.set_defaults(wish=lambda chosen: Wish(deadline=chosen.deadline))


def moment(words: str) -> datetime | None:
    """Read when a campaign ends: a day, which counts to its end in UTC, a time with its zone, or `never`."""
    if words == "never":
        return None
    if len(words) == len("2027-03-31"):
        return datetime.fromisoformat(words).replace(tzinfo=UTC) + timedelta(days=1)
    read = datetime.fromisoformat(words)
    if read.tzinfo is None:
        raise argparse.ArgumentTypeError("a time needs its zone, such as 2027-03-31T18:00+01:00")
    return read


def read(file: Path) -> Draft | None:
    """Read a campaign and try its rules; None, and a sentence, when it cannot be used."""
    try:
        draft = msgspec.json.decode(file.read_bytes(), type=Draft)
        check_rules(draft)
    except (OSError, msgspec.DecodeError, UnknownProfile, InvalidRule) as error:
        print(f"companion campaigns: {file}: {error}", file=sys.stderr)
        return None
    return draft


async def open_one(connection: Connection, draft: Draft) -> None:
    """Open a campaign, unless there is one of its name."""
    made = await campaigns.open_campaign(connection, draft)
    print(f"Opened: /v1/campaigns/{made}" if made else f"There is a campaign “{draft.slug}” already; nothing changed.")


async def show(connection: Connection, _: argparse.Namespace) -> None:
    """Print the newest campaigns."""
    for row in await campaigns.listing(connection, media=None, language=None, after=None, limit=100):
        terms = f"{row.term_sheet_id} {row.term_sheet_version}"
        places = f"{row.status}, {row.remaining} of {row.quota_recordings} left"
        print(f"{row.id}  {rate_of(row).display:>24}  {terms:<20}  {places:<30}  {row.title}")


async def look(connection: Connection, chosen: argparse.Namespace) -> None:
    """Print how far a campaign is, and what was changed of it, the newest first."""
    made, standings = await progress.of_campaign(connection, chosen.campaign)
    row = await campaigns.find(connection, chosen.campaign)
    print(say(row))
    hours = made.accepted_ms / HOUR_MS
    print(f"Taken: {made.places_taken}, of these quotes: {made.unused_quotes}. Accepted: {hours:.2f} h.")
    for standing in standings:
        print(f"{standing.recordings:>8}  {standing.state}")
    for one in await campaign_changes.listing(connection, chosen.campaign):
        until = "never" if one.deadline is None else f"{one.deadline:%Y-%m-%d %H:%M} UTC"
        print(f"{one.at:%Y-%m-%d %H:%M}  {one.standing}, quota {one.quota}, ends {until}: {one.because}")


def say(row: campaigns.Campaign) -> str:
    """Write how a campaign stands."""
    until = "" if row.deadline is None else f", until {row.deadline:%Y-%m-%d %H:%M} UTC"
    return f"{row.title}: {row.status}, {row.remaining} of {row.quota_recordings} places left{until}."


async def change_rate(connection: Connection, chosen: argparse.Namespace) -> None:
    """Change a rate."""
    await rates.change(connection, chosen.campaign, chosen.currency, chosen.per_hour, HOUR_MS, chosen.because)
    print("What is quoted or announced from now on is paid by the new rate.")


async def change_terms(connection: Connection, chosen: argparse.Namespace) -> None:
    """Change the term sheet."""
    await campaigns.change_terms(connection, chosen.campaign, chosen.sheet, chosen.version)
    print("What is quoted or announced from now on is offered under these terms; what was before keeps its own.")


async def change(connection: Connection, chosen: argparse.Namespace) -> None:
    """Change what a campaign takes, and say how it stands."""
    changed = await campaign_changes.change(connection, chosen.campaign, chosen.wish(chosen), chosen.because)
    print(say(await campaigns.find(connection, chosen.campaign)))
    print(
        "Everybody who takes part is told; what they were quoted or have announced goes on."
        if changed
        else "It stood like that already; nobody is told anything."
    )


WORK = {"list": show, "show": look, "rate": change_rate, "terms": change_terms} | dict.fromkeys(
    ("pause", "resume", "close", "quota", "deadline"), change
)

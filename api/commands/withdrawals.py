"""`companion withdrawals`: see which buyers still owe an answer, and note what they said by letter or telephone."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from uuid import UUID

from api.commands.database import in_transaction, sentence
from storage import notices
from storage.database import Connection
from storage.notices import Notice

#: What an operator may note; overdue and escalated are the clock's alone.
NOTED = ("notified", "acknowledged", "deletion_attested", "kept_in_trained_model")


def command(words: Sequence[str]) -> int:
    """Run one of the withdrawals' commands: 0 done, 1 refused, 2 asked wrongly."""
    chosen = parser().parse_args(words)
    return in_transaction("withdrawals", lambda connection: DOES[chosen.what](connection, chosen))


def parser() -> argparse.ArgumentParser:
    """Describe the words."""
    top = argparse.ArgumentParser(prog="companion withdrawals", description=__doc__)
    commands = top.add_subparsers(dest="what", required=True, metavar="COMMAND")
    commands.add_parser("list", help="show the notices that are not settled, the most urgent first")
    note = commands.add_parser("note", help="note that a buyer was told, or what it answered")
    note.add_argument("notice", type=UUID, metavar="ID")
    note.add_argument("state", choices=NOTED)
    note.add_argument("--because", type=sentence, required=True, help="how you know; the contributor reads it")
    return top


async def show(connection: Connection, _: argparse.Namespace) -> None:
    """Print the notices that are open."""
    waiting = await notices.open_ones(connection)
    for notice in waiting:
        say(notice)
    if not waiting:
        print("No notice is open.")


def say(notice: Notice) -> None:
    """Print one notice."""
    told = f"told {notice.notified_at:%Y-%m-%d}" if notice.notified_at else f"to be told by {notice.notify_by:%Y-%m-%d}"
    print(f"{notice.id}  {notice.state:<12}  {told}, to delete by {notice.delete_by:%Y-%m-%d}")
    print(f"    {notice.buyer} ({notice.country}): {notice.dataset} {notice.version}, {', '.join(notice.uses)}")


async def note(connection: Connection, chosen: argparse.Namespace) -> None:
    """Move a notice as a person knows it."""
    await notices.move(connection, chosen.notice, chosen.state, chosen.because)
    print(f"Noted: {chosen.state}.")


DOES = {"list": show, "note": note}

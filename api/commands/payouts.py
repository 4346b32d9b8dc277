"""`companion payouts`: look at payouts, let them go, hand them to the bank as files, and say what the bank did."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from api.commands.database import configuration, in_transaction
from api.money import display
from api.payout_providers import Instruction, manual
from api.settings import Settings
from storage import payouts
from storage.database import Connection
from storage.payout_destinations import bank_account
from storage.payouts import State

#: What an operator may say that the bank did.
REPORTS: dict[str, State] = {"paid": "paid", "failed": "failed", "returned": "returned", "cancel": "cancelled"}


def command(words: Sequence[str]) -> int:
    """Run one of the payout commands: 0 done, 1 refused, 2 asked wrongly."""
    chosen = parser().parse_args(words)

    async def work(connection: Connection) -> None:
        if chosen.what == "export":
            await export(connection, configuration(), chosen.folder)
        elif chosen.what == "list":
            await show(connection, chosen.state)
        elif chosen.what == "approve":
            await approve(connection, chosen.payouts, everything=chosen.all)
        else:
            await report(connection, chosen.payouts, REPORTS[chosen.what], chosen.because)

    return in_transaction("payouts", work)


def parser() -> argparse.ArgumentParser:
    """Describe the words."""
    top = argparse.ArgumentParser(prog="companion payouts", description=__doc__)
    commands = top.add_subparsers(dest="what", required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="show payouts, oldest first")
    listing.add_argument("--state", default="requested", help="requested (default), approved, submitted, in_transit, …")
    approve = commands.add_parser("approve", help="let requested payouts go")
    approve.add_argument("payouts", nargs="*", type=UUID, metavar="ID")
    approve.add_argument("--all", action="store_true", help="every one that is requested")
    export = commands.add_parser("export", help="write approved payouts for the bank, and mark them submitted")
    export.add_argument("folder", type=Path)
    for name, meaning in (
        ("paid", "the bank has executed it"),
        ("failed", "the bank has refused it; the money is available again"),
        ("returned", "it came back from the other bank; the money is available again"),
        ("cancel", "call it back before it is handed over"),
    ):
        report = commands.add_parser(name, help=meaning)
        report.add_argument("payouts", nargs="+", type=UUID, metavar="ID")
        report.add_argument("--because", help="what the contributor reads", required=name != "paid")
    return top


async def show(connection: Connection, state: State) -> None:
    """Print the payouts in one state."""
    for payout in await payouts.in_state(connection, state):
        amount = display(payout.currency, payout.micros)
        print(f"{payout.id}  {payout.created_at:%Y-%m-%d %H:%M}  {amount:>14}  {payout.state}")


async def approve(connection: Connection, chosen: Sequence[UUID], *, everything: bool) -> None:
    """Let payouts go; all of them or none."""
    wanted = [payout.id for payout in await payouts.in_state(connection, "requested")] if everything else chosen
    for payout in wanted:
        await payouts.move(connection, payout, "approved", by="operator")
    print(f"{len(wanted)} approved.")


async def report(connection: Connection, chosen: Sequence[UUID], to: State, because: str | None) -> None:
    """Note what became of payouts; all of them or none."""
    for payout in chosen:
        await payouts.move(connection, payout, to, by="operator", because=because)
    print(f"{len(chosen)} {to}.")


async def export(connection: Connection, settings: Settings, folder: Path) -> None:
    """Write the files and mark their payouts submitted, both or neither."""
    payer = manual.debtor(settings.payout_debtor)
    approved = [row for row in await payouts.in_state(connection, "approved") if row.currency == "EUR"]
    if not approved:
        print("Nothing is approved.")
        return
    instructions = []
    for payout in approved:
        bank = await bank_account(connection, settings.master_key, payout.destination_id)
        instructions.append(Instruction(payout.id, payout.currency, payout.micros, bank))
        reference = instructions[-1].reference
        await payouts.move(connection, payout.id, "submitted", by="operator", provider=manual.NAME, reference=reference)
    for path in manual.write(folder, payer, instructions, datetime.now(UTC).date()):
        print(path)

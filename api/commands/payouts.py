"""`companion payouts`: look at payouts, let them go, hand them to the bank as files, and say what the bank did."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import get_args
from uuid import UUID

from schwifty import IBAN

from api.commands.database import configuration, in_transaction, sentence, with_database
from api.erasure import TYP as RECEIPT
from api.money import display
from api.payout_providers import Instruction, manual
from api.settings import Settings
from api.signing import Jwks, SignatureWrong, public_jwk, verified
from storage import payouts, signing_keys
from storage.database import Connection, Pool, transaction
from storage.errors import MediaDamaged
from storage.payout_destinations import BankAccount, bank_account
from storage.payout_errors import DestinationMissing
from storage.payouts import State

#: What an operator may say that the bank did.
REPORTS: dict[str, State] = {"paid": "paid", "failed": "failed", "returned": "returned", "cancel": "cancelled"}


def command(words: Sequence[str]) -> int:
    """Run one of the payout commands: 0 done, 1 refused, 2 asked wrongly."""
    chosen = parser().parse_args(words)
    if chosen.what == "approve" and chosen.all == bool(chosen.payouts):
        parser().error("Name the payouts that may go, or say --all.")

    async def work(connection: Connection) -> None:
        if chosen.what == "list":
            await show(connection, chosen.state)
        elif chosen.what == "approve":
            await approve(connection, chosen.payouts, everything=chosen.all)
        else:
            await report(connection, chosen)

    try:
        if chosen.what == "export":
            return with_database("payouts", lambda database: export(database, configuration(), chosen.folder))
        if chosen.what == "closed":
            return with_database("payouts", lambda database: pay_closed(database, configuration(), chosen))
        return in_transaction("payouts", work)
    except (SignatureWrong, OSError) as error:
        print(f"companion payouts: {str(error) or SignatureWrong.__doc__}", file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    """Describe the words."""
    top = argparse.ArgumentParser(prog="companion payouts", description=__doc__)
    commands = top.add_subparsers(dest="what", required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="show payouts, oldest first")
    listing.add_argument("--state", choices=get_args(State), default="requested", help="requested where it is not said")
    approve = commands.add_parser("approve", help="let requested payouts go")
    approve.add_argument("payouts", nargs="*", type=UUID, metavar="ID")
    approve.add_argument("--all", action="store_true", help="every one that is requested")
    export = commands.add_parser("export", help="write approved payouts for the bank, and mark them submitted")
    export.add_argument("folder", type=Path)
    closed = commands.add_parser("closed", help="pay what a closed account left, to whoever has its signed receipt")
    closed.add_argument("receipt", type=Path, metavar="RECEIPT", help="what its owner was given when it was erased")
    closed.add_argument("folder", type=Path)
    closed.add_argument("--holder", required=True, help="as the bank knows them; kept by us nowhere")
    closed.add_argument("--iban", type=iban, required=True, help="within SEPA; kept by us nowhere")
    for name, meaning in (
        ("paid", "the bank has executed it"),
        ("failed", "the bank has refused it; the money is available again"),
        ("returned", "it came back from the other bank; the money is available again"),
        ("cancel", "call it back before it is handed over"),
    ):
        report = commands.add_parser(name, help=meaning)
        report.add_argument("payouts", nargs="+", type=UUID, metavar="ID")
        report.add_argument("--because", type=sentence, help="what the contributor reads", required=name == "cancel")
        if name in {"failed", "returned"}:
            report.add_argument("--code", type=reason_code, help="as the bank reports it (ISO 20022), such as AC04")
    return top


def iban(text: str) -> IBAN:
    """Read an account number; raises ValueError, which argparse turns into a sentence."""
    number = IBAN(text, validate_bban=True)
    if not number.in_sepa_zone:
        raise ValueError(text)
    return number


def reason_code(text: str) -> str:
    """Read a bank's code; raises ValueError, which argparse turns into a sentence."""
    if re.fullmatch("[A-Z0-9]{4}", text.upper()) is None:
        raise ValueError(text)
    return text.upper()


async def show(connection: Connection, state: State) -> None:
    """Print the payouts in one state."""
    found = await payouts.in_state(connection, state)
    if not found:
        print(f"No payout is {state}.")
    for payout in found:
        amount = display(payout.currency, payout.micros)
        print(f"{payout.id}  {payout.created_at:%Y-%m-%d %H:%M}  {amount:>14}  {payout.state}")


async def approve(connection: Connection, chosen: Sequence[UUID], *, everything: bool) -> None:
    """Let payouts go; all of them or none."""
    wanted = [payout.id for payout in await payouts.in_state(connection, "requested")] if everything else chosen
    for payout in wanted:
        await payouts.move(connection, payout, "approved", by="operator")
    print(f"{len(wanted)} approved.")


async def report(connection: Connection, chosen: argparse.Namespace) -> None:
    """Note what became of payouts; all of them or none."""
    to, code = REPORTS[chosen.what], getattr(chosen, "code", None)
    for payout in chosen.payouts:
        await payouts.move(connection, payout, to, by="operator", because=chosen.because, code=code)
    print(f"{len(chosen.payouts)} {to}.")


async def export(database: Pool, settings: Settings, folder: Path) -> int:
    """Write the files and mark their payouts submitted, both or neither: the files get their names afterwards."""
    payer, day = manual.debtor(settings.payout_debtor), datetime.now(UTC).date()
    async with transaction(database) as connection:
        given = await writable(connection, settings, payer, day)
        for one in given:
            await payouts.move(
                connection, one.payout, "submitted", by="operator", provider=manual.NAME, reference=one.reference
            )
        written = manual.write(folder, payer, given, day) if given else []
    for path in manual.finish(written):
        print(path)
    if not given:
        print("Nothing is approved that can be written.")
    return 0


async def writable(connection: Connection, settings: Settings, payer: manual.Debtor, day: date) -> list[Instruction]:
    """Gather what is approved and can be paid by a file, and say what cannot: it stays approved."""
    instructions = []
    for payout in await payouts.in_state(connection, "approved", currency="EUR"):
        try:
            bank = await bank_account(connection, settings.master_key, payout.destination_id)
        except (DestinationMissing, MediaDamaged) as error:
            print(f"{payout.id} is left out: {error}", file=sys.stderr)
        else:
            instructions.append(Instruction(payout.id, payout.currency, payout.micros, bank))
    left_out = manual.unwritable(payer, instructions, day) if instructions else []
    for one in left_out:
        print(f"{one.payout} is left out: no bank takes its holder's name or its BIC.", file=sys.stderr)
    return [one for one in instructions if one not in left_out]


async def pay_closed(database: Pool, settings: Settings, chosen: argparse.Namespace) -> int:
    """Write the files that pay what a closed account has available, and mark it submitted, both or neither.

    Raises SignatureWrong, AccountOpen, NothingToPay.
    """
    payer = manual.debtor(settings.payout_debtor)
    bank = BankAccount(chosen.holder, chosen.iban.compact, str(chosen.iban.bic) if chosen.iban.bic else None)
    async with transaction(database) as connection:
        account = await erased_account(connection, chosen.receipt)
        payout = await payouts.request_for_closed(connection, account, chosen.iban.country_code)
        given = Instruction(payout.id, payout.currency, payout.micros, bank)
        await payouts.move(connection, payout.id, "approved", by="operator")
        await payouts.move(
            connection, payout.id, "submitted", by="operator", provider=manual.NAME, reference=given.reference
        )
        written = manual.write(chosen.folder, payer, [given], datetime.now(UTC).date())
    print(f"{payout.id}  {display(payout.currency, payout.micros)}")
    for path in manual.finish(written):
        print(path)
    return 0


async def erased_account(connection: Connection, receipt: Path) -> UUID:
    """Read which account an erasure's receipt belongs to. Raises SignatureWrong."""
    keys = Jwks([public_jwk(key) for key in await signing_keys.published(connection)])
    try:
        stated = verified(receipt.read_text(encoding="ascii").strip(), keys)
    except (OSError, ValueError) as error:
        raise SignatureWrong(f"{receipt} cannot be read as a receipt.") from error
    if stated.typ != RECEIPT:
        raise SignatureWrong(f"{receipt} is no receipt of an erasure.")
    return UUID(json.loads(stated.payload)["account"])

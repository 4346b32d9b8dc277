"""`companion ledger`: prove the books, settle what is due, correct with a reason, compare with a provider's report."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

from api.commands.database import amount, said, sentence, with_database
from api.money import MICROS, display
from api.statement_forms import decimal
from storage import accounts, balance_transactions, corrections, reconciling, royalties
from storage.balance_transactions import Wanted
from storage.database import Pool, run, transaction
from storage.ledger import accounts as ledger_accounts
from storage.ledger import checkpoints
from storage.ledger.audit import audit, drift, totals
from storage.ledger.errors import AccountUnknown
from storage.reconciling import Payment
from storage.settling import settle

#: Where money can be, as `storage.ledger.accounts.Balance` names it.
PLACES = ("pending", "available", "reserved", "in_transit", "paid", "receivable")
Work = Callable[[Pool, argparse.Namespace], Awaitable[int]]


def command(words: Sequence[str]) -> int:
    """Run one of the ledger commands: 0 done, 1 refused or something is wrong, 2 asked wrongly."""
    chosen = parser().parse_args(words)
    return with_database("ledger", lambda database: COMMANDS[chosen.what](database, chosen))


def parser() -> argparse.ArgumentParser:
    """Describe the words."""
    top = argparse.ArgumentParser(prog="companion ledger", description=__doc__)
    commands = top.add_subparsers(dest="what", required=True, metavar="COMMAND")
    commands.add_parser("audit", help="prove from the transfers that nothing drifted")
    commands.add_parser("settle", help="pay what is unpaid, and make available what is due")
    shown = commands.add_parser("show", help="show what somebody has, and the newest lines with their numbers")
    shown.add_argument("account", help="id, pseudonym or e-mail address")
    for name, meaning in (
        ("hold", "set an available amount aside; it stays its owner's"),
        ("free", "give back an amount that was set aside"),
        ("adjust", "add an amount to what somebody has available, or take it with a minus"),
    ):
        one = commands.add_parser(name, help=meaning)
        one.add_argument("account", help="id, pseudonym or e-mail address")
        one.add_argument("amount", type=amount, help="such as 12.50")
        one.add_argument("--currency", required=True)
        one.add_argument("--because", type=sentence, required=True, help="what the contributor reads")
        one.add_argument("--key", default=None, help="the same key is done once, however often it is asked for")
    clawback = commands.add_parser("clawback", help="take an earning back; what was paid out already is owed")
    clawback.add_argument("earning", type=UUID, metavar="ID")
    clawback.add_argument("--because", type=sentence, required=True, help="what the contributor reads")
    _sold(commands)
    reconcile = commands.add_parser("reconcile", help="compare a report: CSV with reference, currency and amount")
    reconcile.add_argument("file", type=Path)
    reconcile.add_argument("--since", type=date.fromisoformat, help="the first day: also name what it leaves out")
    reconcile.add_argument("--until", type=date.fromisoformat, help="the last day, included")
    return top


def _sold(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    received = commands.add_parser("received", help="note that a buyer paid")
    received.add_argument("buyer", type=UUID, metavar="BUYER")
    received.add_argument("amount", type=amount)
    received.add_argument("--currency", required=True)
    received.add_argument("--reference", required=True, help="of the payment; the same one is noted once")
    derivative = commands.add_parser(
        "derivative", help="pay contributors for what a buyer earned with something made out of a sale"
    )
    derivative.add_argument("sale", type=UUID, metavar="SALE")
    derivative.add_argument("amount", type=amount)
    derivative.add_argument("--currency", required=True)
    derivative.add_argument("--kind", required=True, help="such as annotation")
    derivative.add_argument("--reference", required=True, help="of the buyer's report; the same one is paid once")


async def _audit(database: Pool, _: argparse.Namespace) -> int:
    await checkpoints.take(database)
    async with transaction(database) as connection:
        # One picture of everything, while others go on posting.
        await run(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        findings, sums, drifted = await audit(connection), await totals(connection), await drift(connection)
    for finding in findings:
        mark = "WRONG" if finding.wrong else "ok   "
        print(f"{mark}  {finding.question}: {finding.looked_at} looked at, {finding.wrong} wrong")
    for total in sums:
        print(f"       {total.kind:<24} {total.currency} {decimal(total.balance):>24}")
    unbalanced = 0
    for currency in sorted({total.currency for total in sums}):
        rest = sum(total.balance for total in sums if total.currency == currency)
        unbalanced += rest != 0
        print(f"{'WRONG' if rest else 'ok   '}  {currency} over all accounts: {rest} micros")
    print(f"{'WRONG' if drifted else 'ok   '}  Drift of all balances from their transfers: {drifted} micros")
    return 1 if unbalanced or drifted or any(finding.wrong for finding in findings) else 0


async def _settle(database: Pool, _: argparse.Namespace) -> int:
    settled = await settle(database)
    print(f"{settled.recordings} recordings and {settled.sales} sales paid, {settled.released} amounts made available.")
    return 0


async def _show(database: Pool, chosen: argparse.Namespace) -> int:
    account = await _account(database, chosen.account)
    async with transaction(database) as connection:
        balances = await ledger_accounts.balances(connection, account)
        lines = await balance_transactions.listing(connection, account, Wanted(), before=None, limit=20)
    for balance in balances:
        for place in PLACES:
            print(f"{place:<12} {balance.currency} {decimal(getattr(balance, place)):>18}")
    for line in lines:
        status = "reversed" if line.reversed_by else "pending" if line.released_at is None else ""
        amount = f"{line.currency} {decimal(line.net_micros):>18}"
        print(
            f"{line.id}  {line.created_at:%Y-%m-%d %H:%M}  {line.type:<18} {amount}  {status:<8} {line.because or ''}"
        )
    return 0


async def _account(database: Pool, name: str) -> UUID:
    """Find an account by whatever an operator has at hand. Raises AccountUnknown."""
    async with transaction(database) as connection:
        found = await accounts.called(connection, name)
    if found is None:
        raise AccountUnknown("There is no such account.")
    return found


async def _correct(database: Pool, chosen: argparse.Namespace) -> int:
    account, key = await _account(database, chosen.account), chosen.key or str(uuid4())
    work = corrections.adjust if chosen.what == "adjust" else corrections.hold
    micros = -chosen.amount if chosen.what == "free" else chosen.amount
    async with transaction(database) as connection:
        number = await work(connection, key, account, chosen.currency, micros, chosen.because)
    print(f"Posted as {number}.")
    return 0


async def _claw_back(database: Pool, chosen: argparse.Namespace) -> int:
    async with transaction(database) as connection:
        owed = await corrections.claw_back(connection, chosen.earning, chosen.because)
    print(f"Taken back; {Decimal(owed) / MICROS} of it was paid out already and is owed." if owed else "Taken back.")
    return 0


async def _receive(database: Pool, chosen: argparse.Namespace) -> int:
    async with transaction(database) as connection:
        number = await reconciling.receive(connection, chosen.buyer, chosen.reference, chosen.currency, chosen.amount)
    print(f"Posted as {number}.")
    return 0


async def _derive(database: Pool, chosen: argparse.Namespace) -> int:
    async with transaction(database) as connection:
        paid = await royalties.settle_derivative(
            connection,
            chosen.sale,
            kind=chosen.kind,
            reference=chosen.reference,
            currency=chosen.currency,
            revenue=chosen.amount,
        )
    print(f"{paid} recordings paid.")
    return 0


def read_report(path: Path) -> list[Payment]:
    """Read a report. Raises ValueError with the line that cannot be used."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = {"reference", "currency", "amount"} - set(reader.fieldnames or ())
        if missing:
            raise ValueError(f"the column {', '.join(sorted(missing))} is missing")
        report = []
        for row in reader:
            try:
                reference, currency = row["reference"].strip(), row["currency"].strip()
                report.append(Payment(reference, currency, amount(row["amount"].strip())))
            except (ValueError, AttributeError):
                raise ValueError(f"line {reader.line_num} has no amount such as 12.50") from None
    return report


async def _reconcile(database: Pool, chosen: argparse.Namespace) -> int:
    try:
        report = read_report(chosen.file)
    except (OSError, ValueError, csv.Error) as error:
        return said("ledger", f"{chosen.file}: {error}", status=2)
    if (chosen.since is None) != (chosen.until is None):
        return said("ledger", "--since and --until belong together.", status=2)
    period = None
    if chosen.since and chosen.until:
        first, last = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (chosen.since, chosen.until))
        period = (first, last + timedelta(days=1))
    async with transaction(database) as connection:
        differences = await reconciling.reconcile(connection, report, period)
    for one in differences:
        print(f"{one.what:<14} {one.reference}  ours: {_shown(one.ours)}  reported: {_shown(one.reported)}")
    print(f"{len(report)} lines, {len(differences)} differences.")
    return 1 if differences else 0


def _shown(payment: Payment | None) -> str:
    return "–" if payment is None else display(payment.currency, payment.micros)


COMMANDS: dict[str, Work] = {
    "audit": _audit,
    "show": _show,
    "settle": _settle,
    "hold": _correct,
    "free": _correct,
    "adjust": _correct,
    "clawback": _claw_back,
    "received": _receive,
    "derivative": _derive,
    "reconcile": _reconcile,
}

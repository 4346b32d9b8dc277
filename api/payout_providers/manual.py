"""Payouts by hand: a SEPA credit transfer for the bank's web page, and a table for whoever uploads it.

The file is pain.001.001.09 (ISO 20022; EPC132-08, the customer-to-bank guidelines), written by sepaxml and held to the
standard's own schema before anybody sees it.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from xml.etree.ElementTree import ParseError

from msgspec import Struct
from schwifty import IBAN
from schwifty.exceptions import SchwiftyException
from sepaxml import SepaTransfer
from sepaxml.validation import ValidationError

from api.payout_providers import Instruction
from api.settings import SettingsInvalid
from capture_validation.spreadsheets import inert

NAME = "manual"
SCHEMA = "pain.001.001.09"
#: What a file's name ends in until its payouts are marked submitted.
UNFINISHED = ".part"
COLUMNS = ("payout", "holder", "iban", "bic", "currency", "amount")


class Debtor(Struct, frozen=True):
    """Who pays."""

    name: str
    iban: str
    bic: str


def debtor(setting: str) -> Debtor:
    """Read COMPANION_PAYOUT_DEBTOR. Raises SettingsInvalid."""
    parts = [part.strip() for part in setting.split("/")]
    if len(parts) != 3 or not all(parts):
        raise SettingsInvalid("COMPANION_PAYOUT_DEBTOR names who pays: name/IBAN/BIC.")
    try:
        return Debtor(parts[0], IBAN(parts[1]).compact, parts[2])
    except SchwiftyException as error:
        raise SettingsInvalid("COMPANION_PAYOUT_DEBTOR has an IBAN that cannot be right.") from error


def unwritable(payer: Debtor, instructions: Sequence[Instruction], day: date) -> list[Instruction]:
    """Find the ones that the standard's schema refuses, such as a name without a letter that a bank can read.

    One of them would keep everybody else's money in the file that is not written. They are found by halving.
    """
    try:
        transfers(payer, instructions, day)
    except (ValidationError, ParseError):
        if len(instructions) == 1:
            return list(instructions)
        half = len(instructions) // 2
        return unwritable(payer, instructions[:half], day) + unwritable(payer, instructions[half:], day)
    return []


def transfers(payer: Debtor, instructions: Sequence[Instruction], day: date) -> bytes:
    """Write one SEPA file for payouts in EUR; the amounts go in as whole cents."""
    config = {"name": payer.name, "IBAN": payer.iban, "BIC": payer.bic, "batch": True, "currency": "EUR"}
    sepa = SepaTransfer(config, schema=SCHEMA, clean=True)
    for instruction in instructions:
        payment = {
            "name": instruction.bank.holder,
            "IBAN": instruction.bank.iban,
            "amount": instruction.micros // 10_000,
            "execution_date": day,
            "description": f"Recordings, payout {instruction.reference}",
            "endtoend_id": instruction.reference,
        }
        sepa.add_payment(payment | ({"BIC": instruction.bank.bic} if instruction.bank.bic else {}))
    return bytes(sepa.export(validate=True))


def listed(instructions: Sequence[Instruction]) -> str:
    """Write the same payouts as a table."""
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(COLUMNS)
    for instruction in instructions:
        amount = Decimal(instruction.micros) / 1_000_000
        bank = instruction.bank
        rows.writerow(
            [instruction.payout, inert(bank.holder), bank.iban, bank.bic or "", instruction.currency, f"{amount:.2f}"]
        )
    return written.getvalue()


def write(folder: Path, payer: Debtor, instructions: Sequence[Instruction], day: date) -> list[Path]:
    """Write both files, readable by their owner only, because they hold names and account numbers.

    They are called unfinished until `finish` says that their payouts are marked: a file whose payouts are not could be
    given to the bank, and the payouts be written again.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"payouts-{day.isoformat()}-{instructions[0].reference[:12]}"
    written = []
    for path, content in (
        (folder / f"{name}.xml{UNFINISHED}", transfers(payer, instructions, day)),
        (folder / f"{name}.csv{UNFINISHED}", listed(instructions).encode()),
    ):
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        written.append(path)
    return written


def finish(written: Sequence[Path]) -> list[Path]:
    """Give files their names."""
    return [path.rename(path.with_suffix("")) for path in written]

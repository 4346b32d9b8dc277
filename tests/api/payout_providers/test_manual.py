"""Files for the bank: the standard's schema accepts them, and they say what is to be paid."""

import csv
import io
import stat
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.payout_providers import Instruction
from api.payout_providers.manual import debtor, finish, listed, transfers, unwritable, write
from api.settings import SettingsInvalid
from storage.payout_destinations import BankAccount

PAYER = debtor("Ours Ltd/DE89 3704 0044 0532 0130 00/COBADEFFXXX")
DAY = date(2026, 12, 1)
SPACE = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"}


def instruction(number: int, micros: int, holder: str = "Amina Okello", bic: str | None = None) -> Instruction:
    return Instruction(UUID(int=number), "EUR", micros, BankAccount(holder, "FR1420041010050500013M02606", bic))


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=5), st.text(min_size=1, max_size=70))
@settings(max_examples=25, deadline=None)
def test_every_file_passes_the_schema_and_sums_up(cents: list[int], holder: str):
    """Whatever a name is made of; sepaxml validates against the XSD and raises otherwise."""
    name = "".join(character for character in holder if character.isprintable()).strip() or "A"
    made = [instruction(number + 1, amount * 10_000, name) for number, amount in enumerate(cents)]

    tree = ET.fromstring(transfers(PAYER, made, DAY))  # noqa: S314 - our own.

    amounts = [Decimal(found.text or "") for found in tree.findall(".//p:InstdAmt", SPACE)]
    assert [Decimal(amount) / 100 for amount in cents] == amounts
    assert [entry.reference for entry in made] == [found.text for found in tree.findall(".//p:EndToEndId", SPACE)]
    assert {"EUR"} == {found.attrib["Ccy"] for found in tree.findall(".//p:InstdAmt", SPACE)}
    assert sum(amounts) == Decimal(tree.findtext(".//p:GrpHdr/p:CtrlSum", namespaces=SPACE) or "")


def test_the_table_says_the_same_and_runs_nothing():
    """A name that begins like a formula is only text in a spreadsheet."""
    rows = list(csv.DictReader(io.StringIO(listed([instruction(1, 12_340_000), instruction(2, 50_000, "=1+1")]))))

    assert ["12.34", "0.05"] == [row["amount"] for row in rows]
    assert "'=1+1" == rows[1]["holder"]


def test_files_are_for_their_owner_only(tmp_path: Path):
    """They hold names and account numbers."""
    paths = finish(write(tmp_path / "out", PAYER, [instruction(1, 10_000, bic="PSSTFRPPXXX")], DAY))

    assert [".xml", ".csv"] == [path.suffix for path in paths]
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in paths}


@pytest.mark.parametrize("setting", ["", "Ours Ltd", "Ours/DE00370400440532013000/X", "/DE89370400440532013000/X"])
def test_a_payer_that_cannot_be_right_is_said(setting: str):
    """In one sentence, before a file is written."""
    with pytest.raises(SettingsInvalid):
        debtor(setting)


def test_who_cannot_be_paid_by_a_file_is_found_among_those_who_can():
    """A name without a letter that a bank reads, and one that no file can hold; everybody else is paid."""
    names = ["Amina Okello", "\N{GRINNING FACE}", "Łukasz Żółć", "a\x01", "日本"]
    made = [instruction(number + 1, 10_000, name) for number, name in enumerate(names)]

    assert [made[1], made[3]] == unwritable(PAYER, made, DAY)

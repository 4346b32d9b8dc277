"""What strangers wrote is text in a spreadsheet, whatever it begins with."""

import csv
import io
from pathlib import Path

import pytest

from capture_validation.profile import profile
from capture_validation.report import Rejection
from capture_validation.spreadsheets import inert
from capture_validation.summary import Examined, as_csv


@pytest.mark.parametrize("beginning", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_a_formula_is_text(beginning: str):
    assert "'" + beginning + "1+1" == inert(beginning + "1+1")


def test_other_text_stays_as_it_is():
    assert ["", "", "a = b", "1-2"] == [inert(text) for text in (None, "", "a = b", "1-2")]


def test_a_file_that_is_called_like_a_formula_is_only_called_so():
    """`companion check --csv` writes the names that strangers gave."""
    report = profile("speech").rejected(Rejection("too-expensive"))
    rows = list(csv.reader(io.StringIO(as_csv([Examined(Path("=HYPERLINK(1).wav"), report)]))))

    assert ["'=HYPERLINK(1).wav"] == [row[0] for row in rows[1:]]

"""Screening: names that are the same however they are written, and lists that are read whole or not at all."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import ScreeningListInvalid
from storage.screening import Entry, Subject, fold, judge, parse

WORDS = st.lists(st.text("abcdefgh", min_size=3, max_size=8), min_size=2, max_size=5, unique=True)
LISTED = [Entry("name", fold("Nord Aggression Holding"), "test"), Entry("country", "XX", "test")]


def company(name: str, country: str = "DE", sector: str = "speech_technology") -> Subject:
    return Subject(uuid4(), name, country, sector)


@pytest.mark.parametrize(
    "name",
    [
        "NORD AGGRESSION HOLDING",
        "Nord  Aggression-Holding Ltd.",
        "Holding Nord Aggressión",
        "Nord Aggression Holding, S.A.",
    ],
)
def test_a_listed_name_is_found_however_it_is_written(name: str):
    """Case, accents, legal forms, dashes and the order of words make no difference."""
    assert "refused" == judge(company(name), LISTED).screening


@pytest.mark.parametrize("name", ["Nord", "Holding", "Nordic Holding", "Harbour Speech"])
def test_one_shared_word_stops_nobody(name: str):
    """Half of the world's companies share one."""
    assert "cleared" == judge(company(name), LISTED).screening


def test_a_name_that_says_more_waits_for_a_person_once():
    """Another company's name may contain a listed one; a person's word about that is remembered."""
    alike = company("Nord Aggression Holding Fruit Imports")

    assert "pending" == judge(alike, LISTED).screening
    assert "cleared" == judge(alike, LISTED, [fold("Nord Aggression Holding")]).screening


def test_no_person_can_clear_a_country():
    """That needs another list."""
    assert "refused" == judge(company("Harbour Speech", country="XX"), LISTED, ["XX"]).screening


@given(WORDS, st.randoms())
def test_the_order_of_words_makes_no_difference(words: list[str], random):
    """Registers write names in many orders."""
    mixed = random.sample(words, len(words))

    assert fold(" ".join(words)) == fold(" ".join(mixed).upper())


@given(st.text())
def test_folding_twice_is_folding_once(name: str):
    """A list may be written from folded names."""
    assert fold(name) == fold(fold(name))


@given(st.binary())
def test_any_bytes_are_a_list_or_are_refused(data: bytes):
    """An operator's wrong file never ends in an error of ours."""
    try:
        entries = parse(data)
    except ScreeningListInvalid:
        return
    assert all(entry.value for entry in entries)


def test_a_list_as_a_spreadsheet_writes_it_is_read():
    """With a byte order mark, quoted fields and the line ends of Windows; the same line twice is one entry."""
    data = b'\xef\xbb\xbfkind,value,because\r\nname,"Nord, Ltd.",EU\r\nname,NORD,EU\r\ncountry,xx,UN\r\n'

    assert [("name", "nord"), ("country", "XX")] == [(entry.kind, entry.value) for entry in parse(data)]

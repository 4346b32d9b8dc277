"""Money: exact in micros, readable in every language, and never zero where something was earned."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.money import LOCALES, at_most, chosen, display, exact, money


@pytest.mark.parametrize(
    ("currency", "micros", "locale", "expected"),
    [
        ("EUR", 12_345_678, "de", "12,35\u00a0€"),
        ("EUR", 12_345_678, "en", "€12.35"),
        ("JPY", 1_500_000_000, "en", "¥1,500"),
        ("EUR", 3_700, "en", "€0.0037"),
        ("EUR", -3_700, "en", "-€0.0037"),
        ("EUR", 0, "fr", "0,00\u00a0€"),
        ("INR", 123_456_000_000, "hi", "₹1,23,456.00"),
    ],
)
def test_an_amount_is_written_as_its_reader_writes_it(currency: str, micros: int, locale: str, expected: str):
    """Digits, separators and the sign's place are the language's."""
    assert expected == display(currency, micros, locale)


@pytest.mark.parametrize(
    ("currency", "micros", "expected"),
    [("EUR", 4_996_000, "€4.99"), ("EUR", 5_000_000, "€5.00"), ("EUR", 3_700, "€0.0037"), ("JPY", 1_900_000, "¥1")],
)
def test_what_can_be_paid_out_is_never_shown_as_more(currency: str, micros: int, expected: str):
    """Five euros were shown of 4.996, and their payout was refused as less than the smallest of five."""
    assert (micros, expected) == (at_most(currency, micros).micros, at_most(currency, micros).display)


def test_an_exact_amount_has_every_digit():
    assert ["€0.0057", "€0.005678", "€5.00"] == [display("EUR", 5_678), exact("EUR", 5_678), exact("EUR", 5_000_000)]


@given(st.integers(-(10**15), 10**15), st.sampled_from(LOCALES))
def test_every_amount_can_be_shown_in_every_locale_and_stays_exact(micros: int, locale: str):
    """The text may be rounded; the number beside it never is."""
    shown = money("EUR", micros, locale)

    assert micros == shown.micros
    assert shown.display


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "en"),
        ("", "en"),
        ("de-DE,de;q=0.9,en;q=0.8", "de"),
        ("xx, fr-CH;q=0.7, de;q=0.9", "de"),
        ("de;q=0, fr", "fr"),
        ("*;q=0.1", "en"),
        ("de;q=much", "en"),
        ("pt-BR", "pt"),
    ],
)
def test_the_reader_s_language_is_chosen_from_the_header(header: str | None, expected: str):
    """Whatever a phone sends, a locale comes out."""
    assert expected == chosen(header)

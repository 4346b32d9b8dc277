"""The words of every language: none is missing, none has another hole, and all can be set on paper."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from api.terms import words as w
from api.terms.card import QUESTIONS, Icon
from api.terms.diff import FIXED, RULES
from api.terms.flags import TRAITS
from api.terms.words import LOCALES, words
from tests.api.terms.sheets import document


def texts(locale: str) -> dict[str, str]:
    """Every text of a language under its path."""
    body = (w.files("api.terms") / "texts" / f"{locale}.json").read_text(encoding="utf-8")
    return dict(flat(json.loads(body), ""))


def flat(value: Any, at: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict | list):
        for name, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from flat(part, f"{at}/{name}")
    elif isinstance(value, str):
        yield at, value


@pytest.mark.parametrize("locale", LOCALES)
def test_every_language_has_every_text_with_the_same_holes(locale: str):
    """A hole that is missing would leave a number out of a contract."""
    english, other = texts("en"), texts(locale)

    assert english.keys() == other.keys()
    holes = {at: set(re.findall(r"\{\w+\}", text)) for at, text in english.items()}
    assert [] == [at for at, text in other.items() if holes[at] != set(re.findall(r"\{\w+\}", text))]
    assert [] == [at for at, text in other.items() if not text.strip()]


def test_only_the_authoritative_language_is_reviewed():
    """Whoever reviews another sets it in its file; until then its card says that it does not bind."""
    assert ["en"] == [locale for locale in LOCALES if words(locale).reviewed]


@pytest.mark.parametrize("locale", LOCALES)
def test_sentences_end(locale: str):
    """The reading grade counts sentences, and a screen reader pauses at their end."""
    spoken = words(locale)

    for sentence in (*spoken.sentences.values(), *spoken.flags.values()):
        assert sentence.endswith((".", "।")), sentence


@pytest.mark.parametrize("locale", LOCALES)
def test_every_rule_of_a_comparison_has_its_label(locale: str):
    needed = {kind for kind, rule in RULES.items() if rule.shown != "sentence" and rule is not FIXED}

    assert needed == words(locale).diff.labels.keys()


@pytest.mark.parametrize(
    ("locale", "told"),
    [
        ("en", ("30 days", "5 years", "50%", "11.1%", "€12.00", "Germany", "a, b, or c")),
        ("de", ("30 Tage", "5 Jahre", "50\xa0%", "11,1\xa0%", "12,00\xa0€", "Deutschland", "a, b oder c")),
        ("hi", ("30 दिन", "5 साल", "50%", "11.1%", "€12.00", "जर्मनी", "a, b या c")),
    ],
)
def test_numbers_are_written_as_their_reader_writes_them(locale: str, told: tuple[str, ...]):
    written = (
        w.time("P30D", locale),
        w.time("P5Y", locale),
        w.percent(5000, locale),
        w.percent(1110, locale),
        w.amount("EUR", 12_000_000, locale),
        w.place("DE", locale),
        w.listed(["a", "b", "c"], locale, "or"),
    )

    assert told == written


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("unit", ["P{}Y", "P{}M", "P{}D", "PT{}H", "PT{}M"])
def test_every_unit_has_a_word(locale: str, unit: str):
    """Babel writes "30 duration-day" where it has none, which was on cards in Portuguese and Swahili."""
    for number in (0, 1, 30):
        written = w.time(unit.format(number), locale)
        assert str(number) in written
        assert written.replace(str(number), "").strip()
        assert "duration" not in written


@pytest.mark.parametrize("wrong", ["P1Y6M", "30 days", "P", "P-1D"])
def test_a_duration_of_another_form_is_refused(wrong: str):
    with pytest.raises(ValueError, match=re.escape(wrong)):
        w.parsed(wrong)


def test_a_place_in_a_country_keeps_its_code():
    assert "Vereinigte Staaten (US-IL)" == w.place("US-IL", "de")


def test_a_hole_without_its_fact_is_an_error():
    """Silence about a number is not an option in a contract."""
    with pytest.raises(KeyError):
        w.filled("You get {money}.", {})


def test_sheets_name_uses_that_have_words():
    for use in document("voice-standard", 2)["uses"]:
        assert use["code"] in words("hi").names["uses"]


def test_the_documentation_names_every_question_icon_and_flag():
    """What an app builds on is written down."""
    page = (Path(__file__).parents[3] / "docs" / "terms.md").read_text(encoding="utf-8")

    named = [question for question, _, _ in QUESTIONS] + list(get_args(Icon)) + [trait.code for trait in TRAITS]
    assert [] == [code for code in named if f"`{code}`" not in page]

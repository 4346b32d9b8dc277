"""The words of cards, comparisons, flags and receipts, in the reader's language.

One file per language in `texts/`; a test keeps each as complete as the English one. `reviewed` in a file says whether a
person has compared it with the English wording: what nobody has compared helps to read and does not bind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec
from babel import Locale, UnknownLocaleError
from babel.lists import format_list
from babel.numbers import format_decimal, format_percent
from msgspec import Struct

from api import money

#: The languages of a card; the first is the authoritative one.
LOCALES = ("en", "de", "es", "fr", "pt", "hi", "sw", "id")
UNITS = {"Y": "year", "M": "month", "D": "day", "TH": "hour", "TM": "minute"}
#: Mean lengths, to compare durations in different units and for nothing else.
SECONDS = {"Y": 31_556_952, "M": 2_629_746, "D": 86_400, "TH": 3600, "TM": 60}


class Plural(Struct, frozen=True):
    """A counted thing, once and more than once."""

    one: str
    other: str


class DiffWords(Struct, frozen=True):
    """What a comparison says: `labels` name a place in the sheet, `values` what can stand there."""

    before: str
    now: str
    better: str
    worse: str
    neutral: str
    yes: str
    no: str
    none: str
    labels: dict[str, str]
    values: dict[str, str]


class Understanding(Struct, frozen=True):
    """A question about a card, its right answer, and wrong ones that people believe."""

    question: str
    right: str
    wrong: tuple[str, str]


class Words(Struct, frozen=True):
    """Everything that is said in one language."""

    reviewed: bool
    notices: dict[str, str]
    questions: dict[str, str]
    sentences: dict[str, str]
    names: dict[str, dict[str, str]]
    units: dict[str, Plural]
    diff: DiffWords
    flags: dict[str, str]
    understanding: dict[str, Understanding]
    receipt: dict[str, str]


@cache
def words(locale: str) -> Words:
    """Read the words of a language of LOCALES."""
    body = files(__package__).joinpath("texts", f"{locale}.json").read_bytes()
    return msgspec.json.decode(body, type=Words)


def filled(template: str, facts: Mapping[str, str]) -> str:
    """Put facts into a template. Raises KeyError for one that is not known: a hole in a contract must not pass."""
    return re.sub(r"\{(\w+)\}", lambda place: facts[place[1]], template)


def parsed(duration: str) -> tuple[int, str]:
    """Read a duration of one unit (ISO 8601): `PT90M` is (90, "TM")."""
    match = re.fullmatch(r"P(T?)(\d+)([YMDH])", duration)
    if match is None:
        raise ValueError(duration)
    return int(match[2]), match[1] + match[3]


def seconds(duration: str) -> int:
    """Give a duration's mean length in seconds, for comparing."""
    count, unit = parsed(duration)
    return count * SECONDS[unit]


def time(duration: str, locale: str) -> str:
    """Write a duration as its reader would: `P30D` is "30 days".

    The words are ours, because Babel has none for days in Portuguese or anything in Swahili, and says so only by
    writing "30 duration-day".
    """
    number, unit = parsed(duration)
    counted = words(locale).units[UNITS[unit]]
    return filled(counted.one if number == 1 else counted.other, {"count": count(number, locale)})


def percent(bps: int, locale: str) -> str:
    """Write basis points (1/10,000) as a percentage."""
    pattern = Locale.parse(locale).percent_formats[None].pattern.replace("0", "0.##", 1)
    return str(format_percent(bps / 10_000, format=pattern, locale=locale))


def count(number: int, locale: str) -> str:
    """Write a whole number."""
    return str(format_decimal(number, locale=locale))


def amount(currency: str, micros: int, locale: str) -> str:
    """Write an amount of money with every digit it has: what is agreed to is never rounded."""
    return money.exact(currency, micros, locale)


def place(code: str, locale: str) -> str:
    """Name a country; a part of one keeps its code (ISO 3166-2), because its name is not known in every language."""
    country, _, part = code.partition("-")
    name = str(Locale.parse(locale).territories.get(country, country))
    return f"{name} ({code})" if part else name


def language(code: str, locale: str) -> str:
    """Name a language (BCP 47) in another; its code where that has no name for it."""
    try:
        return Locale.parse(code, sep="-").get_display_name(locale) or code
    except (ValueError, UnknownLocaleError):
        return code


def listed(items: Iterable[str], locale: str, style: Literal["standard", "or"] = "standard") -> str:
    """Join items as a list in a sentence; with semicolons where an item has a comma of its own."""
    texts = list(items)
    if any("," in text for text in texts):
        return "; ".join(texts)
    return str(format_list(texts, style=style, locale=locale))

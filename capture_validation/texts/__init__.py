"""The words of a report, in the reader's language.

A report stores codes and facts. Here they become sentences: plain words, second person, something a person holding a
phone can do. English stands beside the check that needs it; the other languages stand in one file each, and a test
keeps them complete.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from babel.numbers import format_decimal
from msgspec import Struct

from capture_validation import checks
from capture_validation.errors import UnknownProfile
from capture_validation.report import CheckResult, Limit, Outcome, Rejection, Status

#: Languages that are complete; the first is the one everybody gets who asks for none of them.
LOCALES = ("en", "de", "es", "fr", "hi", "pt")


class Words(Struct, frozen=True):
    """What one check says in one language: its title, what to do, and a sentence per code."""

    title: str
    fix: str
    sentences: dict[str, str]


class RejectionWords(Struct, frozen=True):
    """Why a file is refused and what to do instead."""

    sentence: str
    fix: str


class Language(Struct, frozen=True):
    """Everything that is said in one language."""

    general: dict[str, str]
    outcomes: dict[Outcome, str]
    statuses: dict[Status, str]
    picture: dict[str, str]
    units: dict[str, str]
    rejections: dict[str, RejectionWords]
    checks: dict[str, Words] = {}


class Told(Struct, frozen=True):
    """One finding as a person reads it."""

    title: str
    sentence: str
    fix: str


@cache
def language(locale: str) -> Language:
    """All words of a language of `LOCALES`; any other gives English."""
    name = locale if locale in LOCALES else LOCALES[0]
    return msgspec.json.decode(files(__package__).joinpath(f"{name}.json").read_bytes(), type=Language)


def words(name: str, locale: str = "en") -> Words:
    """A check's words; in English where a language does not have them yet. Raises UnknownProfile."""
    translated = language(locale).checks.get(name)
    if translated is not None:
        return translated
    check = checks.published().get(name)
    if check is None:
        raise UnknownProfile(f"There is no check “{name}”.")
    return Words(check.title, check.fix, dict(check.sentences))


def told(result: CheckResult, locale: str = "en") -> Told:
    """A check's result in words; `fix` is empty where nothing needs to be done.

    A result whose check this library no longer has keeps its name for a title, so that old reports stay readable.
    """
    try:
        spoken = words(result.name, locale)
    except UnknownProfile:
        spoken = Words(result.name, "", {})
    text = sentence(result.name, result.code, result.parameters, result.value, result.limit, result.unit, locale)
    return Told(spoken.title, text, "" if result.status in {"passed", "not_applicable"} else spoken.fix)


def told_rejection(rejection: Rejection, locale: str = "en") -> Told:
    """Why a file was refused, in words; `over-limit` has a sentence for each thing that can be too much."""
    spoken = language(locale).rejections
    kind = rejection.parameters.get("what") or rejection.parameters.get("looks_like", "")
    detailed = f"{rejection.code}.{kind}"
    found = spoken.get(detailed) or spoken.get(rejection.code) or spoken["malformed"]
    facts = {key: shown(value, locale) for key, value in rejection.parameters.items()}
    return Told(language(locale).outcomes["rejected"], filled(found.sentence, facts), found.fix)


def sentence(
    name: str,
    code: str,
    parameters: Mapping[str, str | float],
    value: float | None,
    limit: Limit,
    unit: str,
    locale: str = "en",
) -> str:
    """The sentence for one code of one check, with its numbers written as the reader writes them."""
    try:
        spoken = words(name, locale)
    except UnknownProfile:
        spoken = Words(name, "", {})
    general = language(locale).general
    template = spoken.sentences.get(code) or general.get(code) or general["passed"]
    facts = {key: shown(fact, locale) for key, fact in parameters.items()}
    bounds = {bound: getattr(limit, bound) for bound in limit.__struct_fields__}
    facts |= {bound: quantity(number, locale) for bound, number in bounds.items() if number is not None}
    if value is not None:
        facts["value"] = apart(value, limit, locale)
    facts |= {"title": spoken.title, "unit": language(locale).units.get(unit, unit)}
    return filled(template, facts)


def filled(template: str, facts: Mapping[str, str]) -> str:
    """The template with its facts; one that is not known is left out, because a sentence must never fail."""
    # A fact that is left out takes the space before it along. French puts one before a semicolon, which stays.
    text = re.sub(r"( ?)\{(\w+)\}", lambda place: place[1] + facts[place[2]] if facts.get(place[2]) else "", template)
    return re.sub(r" +([.,])", r"\1", re.sub(r" {2,}", " ", text)).strip()


def shown(fact: Any, locale: str) -> str:
    """A fact in a sentence: numbers in the reader's notation, words as they are."""
    return fact if isinstance(fact, str) else quantity(float(fact), locale)


def quantity(number: float, locale: str, decimals: int | None = None) -> str:
    """A number as the reader writes it, with as many decimals as its size deserves."""
    places = _decimals(number) if decimals is None else decimals
    return format_decimal(number, format="#,##0" + ("." + "#" * places if places else ""), locale=locale)


def good(limit: Limit, locale: str) -> str:
    """The good range in a few characters: ≥ 1, ≤ 5, -40…-9."""
    low, high = limit.minimum, limit.maximum
    if low is not None and high is not None:
        return f"{quantity(low, locale)}…{quantity(high, locale)}"
    if low is not None:
        return f"≥ {quantity(low, locale)}"
    return "" if high is None else f"≤ {quantity(high, locale)}"


def _decimals(number: float) -> int:
    size = abs(number)
    return 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 or not size else 4


def apart(value: float, limit: Limit, locale: str) -> str:
    """The value with enough decimals not to read like the limit that it misses."""
    bounds = (limit.minimum, limit.maximum, limit.reject_minimum, limit.reject_maximum)
    others = {quantity(bound, locale) for bound in bounds if bound is not None and bound != value}
    texts = (quantity(value, locale, decimals) for decimals in range(_decimals(value), 6))
    return next((text for text in texts if text not in others), quantity(value, locale))


def negotiate(accept_language: str | None, locales: Sequence[str] = LOCALES) -> str:
    """The one of `locales` an Accept-Language header prefers (RFC 9110, section 12.5.4); the first by default."""
    wishes = []
    for position, wish in enumerate((accept_language or "")[:1000].split(",")):
        tag, _, rest = wish.strip().partition(";")
        quality = re.fullmatch(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", rest)
        if rest.strip() and quality is None:
            continue
        wishes.append((-(float(quality[1]) if quality else 1.0), position, tag.strip().lower().split("-")[0]))
    for weight, _, tag in sorted(wishes):
        if weight < 0 and (tag in locales or tag == "*"):
            return tag if tag in locales else locales[0]
    return locales[0]

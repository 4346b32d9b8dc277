"""Money on the wire: an exact amount to compute with, and a text to show.

An amount is a whole number of micros, 1e-6 of the currency's major unit, because a clip of two seconds earns less than
a cent and rounding each one loses a fifth of somebody's pay. Only a payout is rounded, down to what a bank can move.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Annotated

from babel import Locale, UnknownLocaleError
from babel.core import negotiate_locale
from babel.numbers import format_currency, get_currency_precision
from msgspec import Meta, Struct

from api.explanation_texts import language_of, texts
from storage.ledger.amounts import half_even

MICROS = 1_000_000
#: Rates are said for an hour.
HOUR_MS = 3_600_000
#: The locales that an amount can be written in: those the product speaks, and their common regions.
LOCALES = (
    "en",
    "en-GB",
    "de",
    "de-AT",
    "de-CH",
    "es",
    "es-MX",
    "fr",
    "fr-CA",
    "fr-CH",
    "pt",
    "pt-PT",
    "hi",
    "sw",
    "id",
)


class Money(Struct, frozen=True):
    """An amount of one currency; `micros` is exact, `display` is for people and may be rounded to a ten-thousandth."""

    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z", description="ISO 4217.", examples=["EUR"])]
    micros: Annotated[int, Meta(description="Millionths of the currency's unit.", examples=[12_345_678])]
    display: Annotated[str, Meta(examples=["12,35 €"])]


def money(currency: str, micros: int, locale: str = "en") -> Money:
    """Write an amount for a reader of `locale`, a name out of LOCALES."""
    return Money(currency, micros, display(currency, micros, locale))


def at_most(currency: str, micros: int, locale: str = "en") -> Money:
    """Write what somebody can have paid out: shown is never a coin more than there is, which would then be refused."""
    smallest = int(MICROS * Decimal(1).scaleb(-get_currency_precision(currency)))
    shown = micros - micros % smallest if micros >= smallest else micros
    return Money(currency, micros, display(currency, shown, locale))


def display(currency: str, micros: int, locale: str = "en") -> str:
    """Show an amount; below a cent it shows as many as four digits, so that a small clip does not look unpaid."""
    amount = Decimal(micros) / MICROS
    smallest = Decimal(1).scaleb(-get_currency_precision(currency))
    if amount == amount.quantize(smallest) or abs(amount) >= smallest:
        return format_currency(amount, currency, locale=_locale(locale))
    shown = amount.quantize(Decimal("0.0001")).normalize()
    return format_currency(shown, currency, locale=_locale(locale), decimal_quantization=False)


def hourly(currency: str, micros: int, per_ms: int, locale: str = "en") -> str:
    """Say what an hour earns, in the reader's words, because nobody pictures micros per millisecond."""
    amount = display(currency, half_even(micros * HOUR_MS, per_ms), locale)
    return texts(language_of(locale))["unit.hour"].format(amount=amount)


def exact(currency: str, micros: int, locale: str = "en") -> str:
    """Show an amount with every digit it has, for whoever adds it up by hand."""
    amount = Decimal(micros) / MICROS
    return format_currency(amount, currency, locale=_locale(locale), decimal_quantization=False)


def chosen(accept_language: str | None) -> str:
    """Choose the locale to write numbers in, from Accept-Language (RFC 9110, section 12.5.4); English by default."""
    ranges: list[tuple[float, str]] = []
    for part in (accept_language or "").split(","):
        name, _, weight = part.partition(";")
        try:
            ranges.append((float(weight.partition("=")[2] or 1), name.strip()))
        except ValueError:
            continue
    wanted = [name for weight, name in sorted(ranges, key=lambda known: -known[0]) if weight > 0 and name]
    return negotiate_locale(wanted, LOCALES, sep="-") or "en"


@lru_cache(maxsize=64)
def _locale(name: str) -> Locale:
    try:
        return Locale.parse(name, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale.parse("en")

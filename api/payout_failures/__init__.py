"""Why a payout did not arrive and what its owner can do, in the reader's language; a file per language.

Banks report codes (ISO 20022, external code sets: status reasons and return reasons). Those that a contributor can do
something about have sentences of their own; of any other it is said that the bank gave no reason that we know.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from api.explanation_texts import language_of

#: What is said of a code that has no sentences.
OTHER = "other"
#: Codes that mean the same to whoever is to be paid: number, country or bank in it cannot be found.
SAME = {"AC02": "AC01", "AC03": "AC01", "RC03": "RC01", "RC04": "RC01", "RR01": "RR04", "RR02": "RR04", "RR03": "RR04"}


class Words(Struct, frozen=True):
    """What one code means, and what helps."""

    sentence: Annotated[str, Meta(examples=["The bank account is closed."])]
    fix: Annotated[str, Meta(examples=["Name another bank account, then ask for the payout again."])]


class Failure(Words, frozen=True):
    """Why a payout did not arrive, and what you can do; the money is available again in any case.

    `code` is what the bank reported (ISO 20022), or null.
    """

    code: Annotated[str | None, Meta(examples=["AC04"])] = None


@cache
def texts(language: str) -> dict[str, Words]:
    """Give every code's words in a language."""
    return msgspec.json.decode(files(__package__).joinpath(f"{language}.json").read_bytes(), type=dict[str, Words])


def failure(code: str | None, because: str | None, locale: str) -> Failure:
    """Say why a payout did not arrive to a reader of `locale`; `because` is what somebody wrote about it.

    Without a code that we know, those words are all there is.
    """
    known = texts(language_of(locale))
    words = known.get(SAME.get(code or OTHER, code or OTHER))
    if words is None or code is None:
        other = known[OTHER]
        return Failure(because or other.sentence, other.fix, code)
    return Failure(words.sentence, words.fix, code)

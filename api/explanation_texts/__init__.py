"""The words that explain an amount, a file per language; a test keeps them complete."""

from functools import cache
from importlib.resources import files

import msgspec

from capture_validation.texts import LOCALES


def language_of(locale: str) -> str:
    """Give the language of `LOCALES` that a locale such as `de-AT` is read in; English when we do not speak it."""
    language = locale.split("-", maxsplit=1)[0]
    return language if language in LOCALES else LOCALES[0]


@cache
def texts(language: str) -> dict[str, str]:
    """Give every text of a language."""
    return msgspec.json.decode(files(__package__).joinpath(f"{language}.json").read_bytes(), type=dict[str, str])

"""Why a recording stands where it stands, as a sentence in the reader's language.

The database keeps a code for every move. A contributor who asks why reads one of these sentences; the languages are
those of the reports, one file each, and a test keeps them complete.
"""

from functools import cache
from importlib.resources import files

import msgspec

from capture_validation.texts import LOCALES


@cache
def reasons(locale: str) -> dict[str, str]:
    """Give every code's sentence in a language of `LOCALES`; any other gives English."""
    name = locale if locale in LOCALES else LOCALES[0]
    return msgspec.json.decode(files(__package__).joinpath(f"{name}.json").read_bytes(), type=dict[str, str])


def reason(because: str | None, locale: str) -> str | None:
    """Say why a recording was moved; None when nobody gave a reason.

    An operator writes the reason of a review, and a contributor that of a dispute, in their own words: what is no code
    is a sentence already.
    """
    return None if because is None else reasons(locale).get(because, because)

"""Renderings on demand: a form of a term sheet is made when somebody first asks, and is shown like that ever after.

What is made depends on nothing but the sheet and the words of this release. A later release may word a card better; who
consented to the older wording finds it unchanged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import rfc8785

from api import typesetting
from api.terms import legal, odrl, rsl
from api.terms.card import card
from api.terms.sheet import TermSheet
from api.terms.words import LOCALES, words
from capture_validation.texts import negotiate
from storage import renderings, term_sheets
from storage.database import Connection
from storage.errors import RenderingMissing
from storage.renderings import Kind, Rendering

#: The text is dated by its version; a date of its own would make the same sheet differ from itself.
NO_DATE = datetime(2000, 1, 1, tzinfo=UTC)
#: How each form is made of a sheet, its hash (hex) and a language; those without a choice of language ignore it.
MAKERS: dict[Kind, Callable[[TermSheet, str, str], bytes]] = {
    "card": lambda sheet, sha256, locale: msgspec.json.encode(card(sheet, sha256, locale)),
    "legal-text": lambda sheet, sha256, _: legal.legal_text(sheet, sha256).encode(),
    "legal-pdf": lambda sheet, sha256, _: typesetting.pdf("legal_text", legal.facts(sheet, sha256), NO_DATE),
    "odrl": lambda sheet, sha256, _: rfc8785.dumps(odrl.policy(sheet, sha256)),
    "rsl": lambda sheet, _, __: rsl.rsl(sheet),
}
#: The one locale of each form but the card.
LOCALE_OF: dict[Kind, str] = {
    "legal-text": legal.LOCALE,
    "legal-pdf": legal.LOCALE,
    "odrl": renderings.NO_LANGUAGE,
    "rsl": renderings.NO_LANGUAGE,
}


async def card_of(connection: Connection, sheet: str, version: int, language: str) -> Rendering:
    """Give the card that somebody reads who prefers `language` ("de-CH", or an Accept-Language); its hash is pinned.

    Raises TermSheetMissing, and RenderingMissing for a sheet that is older than cards.
    """
    return await shown(connection, sheet, version, "card", negotiate(language, LOCALES))


async def shown(connection: Connection, sheet: str, version: int, kind: Kind, locale: str) -> Rendering:
    """Give a rendering as it was first shown, making it if this is the first time."""
    try:
        return await renderings.find(connection, sheet, version, kind, locale)
    except RenderingMissing:
        body, sha256 = await term_sheets.find(connection, sheet, version)
        made = await asyncio.to_thread(MAKERS[kind], read_published(body), sha256.hex(), locale)
        reviewed = locale not in LOCALES or words(locale).reviewed
        return await renderings.pin(
            connection, sheet, version, renderings.rendering(kind, locale, made, reviewed=reviewed)
        )


def read_published(body: bytes) -> TermSheet:
    """Read a published sheet. Raises RenderingMissing for one that was published before sheets had a schema."""
    try:
        return msgspec.json.decode(body, type=TermSheet)
    except msgspec.ValidationError as error:
        raise RenderingMissing("This term sheet is older than cards; only its JSON can be read.") from error


async def pin_all(connection: Connection, sheet: str, version: int) -> None:
    """Make every rendering of a version at its publication, so that all of them are of one release."""
    for locale in LOCALES:
        await shown(connection, sheet, version, "card", locale)
    for kind, locale in LOCALE_OF.items():
        await shown(connection, sheet, version, kind, locale)

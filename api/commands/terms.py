"""`companion terms`: check a term sheet, see what a contributor would see, and publish it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from api import publishing, renderings
from api.commands.database import with_database
from api.terms import check, diff, flags
from api.terms.card import Card, card
from api.terms.sheet import TermSheet
from api.terms.words import LOCALES
from storage import term_sheets
from storage.database import Connection, Pool, transaction
from storage.errors import TermSheetMissing


def command(words: Sequence[str]) -> int:
    """Run one of the terms commands: 0 done, 1 refused, 2 asked wrongly."""
    chosen = parser().parse_args(words)
    if chosen.what == "check":
        document = read(chosen.file)
        return 2 if document is None else checked(document)
    if chosen.what == "grades":
        print("\n".join(table(newest_shipped())))
        return 0

    async def work(database: Pool) -> int:
        if chosen.what == "show":
            return await show(database, chosen)
        if chosen.what == "list":
            return await listed(database)
        return await publish(database, chosen)

    return with_database("terms", work)


def parser() -> argparse.ArgumentParser:
    """Describe the words."""
    top = argparse.ArgumentParser(prog="companion terms", description=__doc__)
    commands = top.add_subparsers(dest="what", required=True, metavar="COMMAND")
    commands.add_parser("list", help="show the newest version of every published sheet")
    commands.add_parser("grades", help="show how hard the cards of the sheets that ship are to read, as Markdown")
    one = commands.add_parser("check", help="say everything that is wrong in a file, its flags and reading grades")
    one.add_argument("file", type=Path, metavar="FILE")
    shown = commands.add_parser("show", help="show a published sheet as a contributor reads it")
    shown.add_argument("sheet", metavar="ID")
    shown.add_argument("--version", type=int, help="another than the newest")
    shown.add_argument("--form", choices=("card", "legal-text", "odrl", "rsl", "json"), default="card")
    shown.add_argument("--language", choices=LOCALES, default=LOCALES[0])
    new = commands.add_parser("publish", help="publish a sheet for ever, after showing what it means")
    new.add_argument("file", type=Path, metavar="FILE")
    new.add_argument("--yes", action="store_true", help="do not ask")
    return top


def read(file: Path) -> Any:
    """Read a JSON file; None, and a sentence, when that cannot be done."""
    try:
        return msgspec.json.decode(file.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        print(f"companion terms: {file}: {error}", file=sys.stderr)
        return None


def checked(document: Any) -> int:
    """Print what a document means, or every fault of it; its flags are told in both cases."""
    faults = check.faults(document)
    for fault in faults:
        print(f"fault    {fault.pointer} {fault.detail}")
    for line in [*flagged(document), *([] if faults else grades(msgspec.convert(document, TermSheet)))]:
        print(line)
    print("This is not a term sheet." if faults else "This is a term sheet.")
    return 1 if faults else 0


def flagged(document: Any) -> Iterator[str]:
    """Say the practice flags of a document, one a line."""
    found = flags.flags(document)
    for flag in found:
        yield f"flag {flag.severity}   {flag.code}: {flag.sentence} ({flag.at})"
    if not found:
        yield "flags    none"


def grades(sheet: TermSheet) -> Iterator[str]:
    """Say how hard the card is to read in every language."""
    for locale in LOCALES:
        told = card(sheet, "0" * 64, locale)
        yield f"card {locale}  {measured(told)}{'' if told.binding else '; not reviewed, does not bind'}"


def measured(told: Card) -> str:
    """Say the grade of one card, or its lengths where its language has no formula."""
    found = told.reading
    lengths = f"{found.words_per_sentence:.1f} words a sentence, {found.long_words:.0%} long"
    if found.formula is None:
        return f"{lengths}; no formula is fitted to this language"
    bound = "at most" if found.scale == "grade" else "at least"
    verdict = "plain" if found.plain else "TOO HARD"
    return f"{found.scale} {found.score:.1f} ({bound} {found.limit:g}: {verdict}), {lengths}; {found.formula}"


def newest_shipped() -> list[TermSheet]:
    """Give the newest version of every sheet that ships."""
    newest = {document["id"]: document for document in publishing.shipped()}
    return [msgspec.convert(document, TermSheet) for document in newest.values()]


def table(sheets: Sequence[TermSheet]) -> Iterator[str]:
    """Say how hard every card of these sheets is to read, a row for each language."""
    names = [f"{sheet.id}, version {sheet.version}" for sheet in sheets]
    yield "| " + " | ".join(["Card", *names]) + " |"
    yield "|" + "---|" * (len(names) + 1)
    for locale in LOCALES:
        cells = [short(card(sheet, "0" * 64, locale)) for sheet in sheets]
        yield "| " + " | ".join([locale, *cells]) + " |"


def short(told: Card) -> str:
    """Say the grade and the lengths of one card in a few words."""
    found = told.reading
    lengths = f"{found.words_per_sentence:.1f} words a sentence, {found.long_words:.0%} long"
    return lengths if found.formula is None else f"{found.scale} {found.score:.1f}, {lengths}"


def changes(older: TermSheet, newer: TermSheet) -> Iterator[str]:
    """Say what a new version changes for the contributor."""
    for change in diff.diff(older, newer):
        yield f"{change.for_you:8} {change.at}: {change.sentence}"


async def publish(database: Pool, chosen: argparse.Namespace) -> int:
    """Show flags, grades and differences, ask, and publish."""
    document = read(chosen.file)
    if document is None:
        return 2
    if checked(document):
        return 1
    sheet = check.read(document)
    async with transaction(database) as connection:
        older = await newest(connection, sheet.id)
    if older is not None:
        print(f"Compared with version {older.version}:")
        for line in changes(older, sheet):
            print(line)
    # Outside of any transaction: PostgreSQL ends one in which somebody thinks for half a minute.
    if not (chosen.yes or agreed(sheet)):
        print("Nothing was published.")
        return 1
    async with transaction(database) as connection:
        new = await publishing.publish(connection, document)
    told = await publishing.announce(database, sheet.id, sheet.version)
    print(f"Published {sheet.id}, version {sheet.version}." if new else "These words are published already.")
    print(f"{told} contributors who agreed to an older version were told.")
    return 0


async def newest(connection: Connection, sheet: str) -> TermSheet | None:
    """Give the newest version of a sheet, if there is one."""
    try:
        found = await term_sheets.newest(connection, sheet)
    except TermSheetMissing:
        return None
    return msgspec.convert(found.document, TermSheet)


def agreed(sheet: TermSheet) -> bool:
    """Ask whether to publish; no answer, as in a script, is no."""
    try:
        return input(f"Publish {sheet.id}, version {sheet.version}, for ever? [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        return False


async def listed(database: Pool) -> int:
    """Print the newest version of every sheet."""
    async with transaction(database) as connection:
        for row in await term_sheets.current(connection):
            found = flags.flags(row.document)
            print(f"{row.id:24} version {row.version:3}  {len(found):2} flags  {row.title}")
    return 0


async def show(database: Pool, chosen: argparse.Namespace) -> int:
    """Print one form of a published sheet."""
    async with transaction(database) as connection:
        version = chosen.version or (await term_sheets.newest(connection, chosen.sheet)).version
        if chosen.form == "json":
            body, _ = await term_sheets.find(connection, chosen.sheet, version)
        else:
            locale = renderings.LOCALE_OF.get(chosen.form, chosen.language)
            body = (await renderings.shown(connection, chosen.sheet, version, chosen.form, locale)).body
    if chosen.form != "card":
        print(body.decode())
        return 0
    for line in spoken(msgspec.json.decode(body, type=Card)):
        print(line)
    return 0


def spoken(told: Card) -> Iterator[str]:
    """Say a card as plain text."""
    yield f"{told.title}: {told.term_sheet}, version {told.version}"
    yield told.notice
    for answer in told.answers:
        yield f"\n{answer.title} [{answer.icon}]"
        yield from (f"  {sentence.text}" for sentence in answer.sentences)
    yield ""
    for question in told.understanding:
        yield question.question
        yield from (f"  {letter}. {choice}" for letter, choice in zip("abc", question.choices, strict=True))
    yield f"\n{measured(told)}"

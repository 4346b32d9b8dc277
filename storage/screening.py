"""Screening: whether a buyer may be sold to, held against a list that operators load and replace.

A list names companies, countries and sectors. What is listed word for word is refused; a name that contains a listed
one, or is contained in one, waits for a person, because half of the world's companies share words. Contributors were
promised that their recordings go to nobody on that list, so a buyer is judged when it registers, again with every new
list, and a sale asks for the newest judgement.

Known false alarms: common names of two words. Known misses: other spellings of a name in another script; a list should
carry the spellings that its publisher gives.
"""

from __future__ import annotations

import csv
import hashlib
import io
import unicodedata
from collections.abc import Iterable
from typing import Literal, get_args
from uuid import UUID

from msgspec import Struct

from storage.database import Connection, every, one, run
from storage.errors import BuyerMissing, ScreeningListInvalid

Kind = Literal["name", "country", "sector"]
Judgement = Literal["pending", "cleared", "refused"]
#: Words that say what a company is and not which one.
LEGAL_FORMS = frozenset({
    "ab", "ag", "aps", "as", "bv", "co", "company", "corp", "corporation", "doo", "eg", "gmbh", "inc", "incorporated",
    "jsc", "kft", "kg", "limited", "llc", "llp", "ltd", "nv", "oao", "ooo", "oy", "pao", "pjsc", "plc", "pte", "pty",
    "sa", "sarl", "sas", "se", "spa", "srl", "sro", "ug", "zao",
})  # fmt: skip
HEADER = ["kind", "value", "because"]


class Entry(Struct, frozen=True):
    """One line of a list: a folded name, a country (ISO 3166-1 alpha-2) or a sector, and why it is listed."""

    kind: Kind
    value: str
    because: str


class Standing(Struct, frozen=True):
    """How a buyer stands against a list, and why: a code, with the listed value where there is one."""

    screening: Judgement
    because: str


class Subject(Struct, frozen=True):
    """What of a buyer is held against a list."""

    id: UUID
    legal_name: str
    country: str
    sector: str


class _List(Struct, frozen=True):
    id: UUID


class _Value(Struct, frozen=True):
    value: str


def fold(name: str) -> str:
    """Write a name so that case, accents, legal forms and the order of words make no difference.

    >>> fold("S.A. Édition  Générale")
    'edition generale'
    """
    # Some letters only show their case once they are taken apart.
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    plain = "".join(sign for sign in plain if not "\u0300" <= sign <= "\u036f" and sign not in ".'’")
    words = "".join(sign if sign.isalnum() or unicodedata.combining(sign) else " " for sign in plain).split()
    telling = [word for word in words if word not in LEGAL_FORMS]
    return " ".join(sorted(telling or words))


def parse(data: bytes) -> list[Entry]:
    """Read a list: CSV in UTF-8 with the columns kind, value, because. Raises ScreeningListInvalid with the line."""
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig")), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ScreeningListInvalid(because=str(error)) from error
    if not rows or rows[0] != HEADER:
        raise ScreeningListInvalid(line=1, because=f"the first line must be {','.join(HEADER)}")
    entries = {(kind, value): because for kind, value, because in map(_fields, range(2, len(rows) + 2), rows[1:])}
    return [Entry(kind, value, because) for (kind, value), because in entries.items()]


def _fields(line: int, row: list[str]) -> tuple[Kind, str, str]:
    """Check one line and fold what it names."""
    wrong = ScreeningListInvalid(line=line, because="kind (name, country or sector), value and because are needed")
    if len(row) != len(HEADER) or row[0] not in get_args(Kind):
        raise wrong
    kind: Kind = row[0]  # type: ignore[assignment]
    value = row[1].strip()
    folded = {"name": fold(value), "country": value.upper(), "sector": value.lower()}[kind]
    if not folded:
        raise wrong
    return kind, folded, row[2].strip()


def judge(subject: Subject, entries: Iterable[Entry], cleared: Iterable[str] = ()) -> Standing:
    """Hold a buyer against a list; names in `cleared` were looked at by a person and are another company's."""
    name, looked_at = fold(subject.legal_name), frozenset(cleared)
    words, alike = frozenset(name.split()), None
    for entry in entries:
        if entry.kind == "country" and entry.value == subject.country:
            return Standing("refused", f"country-listed: {entry.value}")
        if entry.kind == "sector" and entry.value == subject.sector:
            return Standing("refused", f"sector-listed: {entry.value}")
        if entry.kind == "name" and entry.value == name:
            return Standing("refused", f"name-listed: {entry.value}")
        if entry.kind == "name" and entry.value not in looked_at and _alike(words, frozenset(entry.value.split())):
            alike = alike or entry.value
    return Standing("cleared", "not-listed") if alike is None else Standing("pending", f"name-alike: {alike}")


def _alike(one_name: frozenset[str], other: frozenset[str]) -> bool:
    """Whether one name says all that the other says; a single word says too little."""
    fewer = min(len(one_name), len(other))
    return fewer >= 2 and len(one_name & other) == fewer


NEWEST = "SELECT id FROM screening_lists ORDER BY id DESC LIMIT 1"
ENTRIES = "SELECT kind, value, because FROM screening_entries WHERE list_id = %(list)s"
JUDGED = """
    UPDATE buyers SET screening = %(screening)s, screening_because = %(because)s, screening_list_id = %(list)s
    WHERE id = %(buyer)s
"""
SUBJECTS = "SELECT id, legal_name, country, sector FROM buyers"


async def load(connection: Connection, data: bytes) -> int:
    """Make a file the list that counts and judge every buyer anew; return how many entries it has.

    Raises ScreeningListInvalid. Buyers that were cleared before and are listed now are sold nothing from here on.
    """
    entries = parse(data)
    made = await one(
        connection,
        _List,
        "INSERT INTO screening_lists (sha256) VALUES (%(sha256)s) RETURNING id",
        sha256=hashlib.sha256(data).digest(),
    )
    assert made is not None  # noqa: S101 - INSERT … RETURNING gives a row or raises.
    async with connection.cursor() as cursor:
        copying = cursor.copy("COPY screening_entries (list_id, kind, value, because) FROM STDIN")
        async with copying as copy:
            for entry in entries:
                await copy.write_row((made.id, entry.kind, entry.value, entry.because))
    for subject in await every(connection, Subject, SUBJECTS + " ORDER BY id FOR UPDATE"):
        await _judge(connection, subject, made.id, entries)
    return len(entries)


async def screen(connection: Connection, buyer: UUID) -> None:
    """Hold one buyer against the newest list; without any list nobody is cleared. Raises BuyerMissing."""
    subject = await one(connection, Subject, SUBJECTS + " WHERE id = %(buyer)s FOR UPDATE", buyer=buyer)
    if subject is None:
        raise BuyerMissing
    newest = await one(connection, _List, NEWEST)
    if newest is not None:
        await _judge(connection, subject, newest.id, await every(connection, Entry, ENTRIES, list=newest.id))


async def _judge(connection: Connection, subject: Subject, held_against: UUID, entries: list[Entry]) -> None:
    looked_at = await every(
        connection, _Value, "SELECT value FROM screening_clearances WHERE buyer_id = %(buyer)s", buyer=subject.id
    )
    found = judge(subject, entries, [row.value for row in looked_at])
    await run(
        connection,
        JUDGED,
        buyer=subject.id,
        screening=found.screening,
        because=found.because,
        list=held_against,
    )


CLEAR = """
    INSERT INTO screening_clearances (buyer_id, value, because)
    SELECT id, substr(screening_because, length('name-alike: ') + 1), %(because)s FROM buyers
    WHERE id = %(buyer)s AND screening = 'pending' AND starts_with(screening_because, 'name-alike: ')
    ON CONFLICT DO NOTHING
"""


async def clear(connection: Connection, buyer: UUID, because: str) -> None:
    """Note that a buyer is not the listed company whose name is like its own, and judge it again.

    A listed name, country or sector cannot be cleared here: that needs another list. Raises BuyerMissing.
    """
    await run(connection, CLEAR, buyer=buyer, because=because)
    await screen(connection, buyer)

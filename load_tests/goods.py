"""What is for sale in a run, as `stocking.py` has made it; phones read it from a file that both agree on."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec import Struct

from load_tests.truth import Keys

#: The variable that names the file.
PLACE = "COMPANION_LOAD_GOODS"
#: What a buyer pays for each recording, in micros: ten euros.
PRICE = 10_000_000


class Person(Struct, frozen=True):
    """Somebody's tokens; `recording` is one of theirs."""

    access: str
    refresh: str
    recording: UUID | None = None

    def keys(self) -> Keys:
        """Give what a phone asks with."""
        return Keys(self.access, self.refresh)


class Goods(Struct, frozen=True):
    """Who sells, who buys with which key, what, and what each of some contributors has to get for it, in micros.

    `fetched` are the hashes (SHA-256, hexadecimal) of the files that can be fetched, by their codes.
    """

    operator: Person
    buyer: UUID
    key: str
    dataset: UUID
    recordings: int
    fetched: dict[str, str]
    people: list[Person]
    owed_micros: int


@cache
def goods() -> Goods:
    """Read what is for sale. Raises KeyError in a run that has put nothing there."""
    return msgspec.json.decode(Path(os.environ[PLACE]).read_bytes(), type=Goods)

"""Publishing a term sheet: checked against its schema, written once, made into every form, and announced."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from api import renderings
from api.terms import check
from storage import term_sheets
from storage.database import Connection, Pool, transaction


async def publish(connection: Connection, document: dict[str, Any]) -> bool:
    """Publish a sheet and everything that is generated from it; False, and no change, when it is published already.

    Raises TermSheetInvalid with every fault, and TermSheetPublished when this version has other words already.
    """
    sheet = check.read(document)
    if not await term_sheets.publish(connection, document):
        return False
    await renderings.pin_all(connection, sheet.id, sheet.version)
    return True


async def announce(database: Pool, sheet: str, version: int) -> int:
    """Tell everybody who gave a recording under an older version, a few in each transaction; gives how many.

    Their recordings keep the version that they agreed to.
    """
    told = 0
    while True:
        async with transaction(database) as connection:
            some = await term_sheets.announce(connection, sheet, version)
        told += some
        if not some:
            return told


@cache
def shipped() -> list[dict[str, Any]]:
    """Give the term sheets that come along, every version, older ones first."""
    folder = files("api.terms") / "sheets"
    documents = [msgspec.json.decode(path.read_bytes()) for path in folder.iterdir()]
    return sorted(documents, key=lambda document: (document["id"], document["version"]))

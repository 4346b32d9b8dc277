"""Publishing a term sheet: checked against its schema, written once, made into every form, told to whom it concerns."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from api import renderings
from api.terms import check
from storage import term_sheets
from storage.database import Connection


async def publish(connection: Connection, document: dict[str, Any]) -> bool:
    """Publish a sheet and everything that is generated from it; False, and no change, when it is published already.

    Contributors who gave a recording under an older version hear of it; their recordings keep that version. Raises
    TermSheetInvalid with every fault, and TermSheetPublished when this version has other words already.
    """
    sheet = check.read(document)
    if not await term_sheets.publish(connection, document):
        return False
    await renderings.pin_all(connection, sheet.id, sheet.version)
    await term_sheets.announce(connection, sheet.id, sheet.version)
    return True


@cache
def shipped() -> list[dict[str, Any]]:
    """Give the term sheets that come along, every version, older ones first."""
    folder = files("api.terms") / "sheets"
    documents = [msgspec.json.decode(path.read_bytes()) for path in folder.iterdir()]
    return sorted(documents, key=lambda document: (document["id"], document["version"]))

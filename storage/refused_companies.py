"""Refused companies: whom a contributor sells nothing to, whatever the terms allow.

A company is meant by its name as screening compares it: case, accents, legal forms and the order of words make no
difference, and other words do. A list counts for later sales; a withdrawal ends what a company has already.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from storage.database import Connection, every, run
from storage.screening import fold

#: So many names one contributor may refuse.
MOST = 200


class RefusedCompany(Struct, frozen=True):
    """A company that gets nothing, by the name that its contributor gave."""

    name: Annotated[str, Meta(examples=["Harbour Speech GmbH"])]
    since: datetime


LISTING = "SELECT name, since FROM refused_companies WHERE account_id = %(account)s ORDER BY since, folded"
# Two devices that replace it at once would otherwise wait for each other for ever, or leave a list that neither gave.
ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('refused companies ' || %(account)s::text, 0))"
DROP = "DELETE FROM refused_companies WHERE account_id = %(account)s AND folded <> ALL(%(folded)s)"
ADD = """
    INSERT INTO refused_companies (account_id, folded, name)
    SELECT %(account)s, folded, name FROM unnest(%(folded)s::text[], %(names)s::text[]) AS asked (folded, name)
    ON CONFLICT (account_id, folded) DO UPDATE SET name = EXCLUDED.name
"""


async def listing(connection: Connection, account: UUID) -> list[RefusedCompany]:
    """List whom a contributor refuses, the longest refused first."""
    return await every(connection, RefusedCompany, LISTING, account=account)


async def replace(connection: Connection, account: UUID, names: Sequence[str]) -> list[RefusedCompany]:
    """Make these the companies that are refused; who stays on the list keeps the day."""
    asked = {folded: name.strip() for name in names if (folded := fold(name))}
    await run(connection, ALONE, account=account)
    await run(connection, DROP, account=account, folded=list(asked))
    await run(connection, ADD, account=account, folded=list(asked), names=list(asked.values()))
    return await listing(connection, account)

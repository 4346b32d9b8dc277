"""What operators did: who decided what, when, and about what.

The tables that a decision changes note it themselves (migration 0045), so no code can decide without a line; here it is
said who acts, and the lines are read. They name ids and no words, and are never changed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct
from psycopg.types.json import Jsonb

from storage.database import Connection, Pool, every, run, transaction

#: The setting of a session or transaction that says who acts in it.
OPERATOR = "companion.operator"
ACT = f"SELECT set_config('{OPERATOR}', %(operator)s, true)"


class OperatorAction(Struct, frozen=True):
    """One decision: who made it, when, and about what; `facts` are the columns that say what was decided."""

    id: UUID
    at: datetime
    operator: Annotated[
        str,
        Meta(
            description="The account's id where it was asked over HTTP, else the name under which a command ran.",
            examples=["0198c2f4-6a51-7c3e-9d1b-5f3f0a1c2b3d"],
        ),
    ]
    action: Annotated[str, Meta(examples=["recording.accepted"])]
    subject: Annotated[str, Meta(description="The id of what was decided about.", examples=["voice-standard"])]
    facts: Annotated[dict[str, Any], Meta(examples=[{"standing": "paused"}])]


@asynccontextmanager
async def acting(database: Pool, operator: UUID | str) -> AsyncIterator[Connection]:
    """Lend a connection inside one transaction, as `transaction` does, in which an operator acts."""
    async with transaction(database) as connection:
        await run(connection, ACT, operator=str(operator))
        yield connection


NOTE = "SELECT note_action(%(action)s, %(subject)s, %(facts)s)"


async def note(connection: Connection, action: str, subject: str, **facts: object) -> None:
    """Note what changes no table that notes it by itself."""
    await run(connection, NOTE, action=action, subject=subject, facts=Jsonb(facts))


LISTING = """
    SELECT id, at, operator, action, subject, facts FROM operator_actions
    WHERE (%(before)s::uuid IS NULL OR id < %(before)s)
        AND (%(subject)s::text IS NULL OR subject = %(subject)s)
        AND (%(operator)s::text IS NULL OR operator = %(operator)s)
    ORDER BY id DESC LIMIT %(limit)s
"""


async def listing(
    connection: Connection,
    *,
    subject: str | None = None,
    operator: str | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[OperatorAction]:
    """List what was done, newest first, from the one before `before` on: all of it, about something, by somebody."""
    return await every(
        connection, OperatorAction, LISTING, subject=subject, operator=operator, before=before, limit=limit
    )

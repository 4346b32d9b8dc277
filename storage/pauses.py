"""Pauses: nothing of an account is sold, and nothing is agreed to in its name, until its owner says so again.

A phone that is lost may still be signed in, and whoever finds it could give what its owner never would. What was sold
before stays sold: a withdrawal ends that.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from storage.database import Connection, one, run
from storage.errors import ConsentPaused
from storage.events import tell


class Pause(Struct, frozen=True):
    """Since when consent is paused; None when it is not."""

    since: datetime | None


FIND = "SELECT consent_paused_at AS since FROM accounts WHERE id = %(account)s"
PAUSE = """
    UPDATE accounts SET consent_paused_at = clock_timestamp() WHERE id = %(account)s AND consent_paused_at IS NULL
"""
RESUME = "UPDATE accounts SET consent_paused_at = NULL WHERE id = %(account)s AND consent_paused_at IS NOT NULL"


async def find(connection: Connection, account: UUID) -> Pause:
    """Read whether consent is paused."""
    return await one(connection, Pause, FIND, account=account) or Pause(None)


async def change(connection: Connection, account: UUID, *, paused: bool) -> Pause:
    """Pause consent or let it go on; every device hears of it. Said twice, it is done and told once."""
    if await run(connection, PAUSE if paused else RESUME, account=account):
        await tell(connection, account, "consent.paused" if paused else "consent.resumed", by="contributor")
    return await find(connection, account)


async def refuse_agreement(connection: Connection, account: UUID) -> None:
    """Let through whose consent is not paused. Raises ConsentPaused."""
    if (await find(connection, account)).since is not None:
        raise ConsentPaused

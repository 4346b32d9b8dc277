"""Rewrapping: whatever lies under the master key is closed anew, after another key has taken its place.

Some rows at a time, and each as it was read or not at all, while the service goes on: killed at any moment, it is begun
again and passes over what is done.
"""

from __future__ import annotations

from typing import LiteralString
from uuid import UUID

from msgspec import Struct

from storage.database import Pool, every, run, transaction
from storage.errors import MediaDamaged
from storage.master_key import MasterKey, closed_anew
from storage.push_keys import SERVICE

#: Rows in one transaction.
BATCH = 500


class Closed(Struct, frozen=True):
    """One secret: whose it is, which one of theirs, and its bytes as they are stored."""

    owner: UUID
    key: str
    closed: bytes


class Kind(Struct, frozen=True):
    """Where secrets of one kind lie. Among answers most are no secrets, and are left as they are."""

    name: str
    select: LiteralString
    update: LiteralString
    mixed: bool = False


KINDS = (
    Kind(
        "contributors' keys",
        """
        SELECT account_id AS owner, '' AS key, wrapped AS closed FROM subject_keys
        WHERE account_id > %(owner)s ORDER BY account_id LIMIT %(limit)s
        """,
        "UPDATE subject_keys SET wrapped = %(anew)s WHERE account_id = %(owner)s AND wrapped = %(closed)s",
    ),
    Kind(
        "webhooks' secrets",
        """
        SELECT id AS owner, '' AS key, webhook_secret AS closed FROM buyers
        WHERE id > %(owner)s AND webhook_secret IS NOT NULL ORDER BY id LIMIT %(limit)s
        """,
        "UPDATE buyers SET webhook_secret = %(anew)s WHERE id = %(owner)s AND webhook_secret = %(closed)s",
    ),
    Kind(
        "phones' addresses",
        """
        SELECT session_id AS owner, '' AS key, sealed AS closed FROM push_subscriptions
        WHERE session_id > %(owner)s ORDER BY session_id LIMIT %(limit)s
        """,
        "UPDATE push_subscriptions SET sealed = %(anew)s WHERE session_id = %(owner)s AND sealed = %(closed)s",
    ),
    Kind(
        "the key for push services",
        f"""
        SELECT '{SERVICE}'::uuid AS owner, '' AS key, wrapped AS closed FROM push_keys
        WHERE '{SERVICE}'::uuid > %(owner)s LIMIT %(limit)s
        """,
        "UPDATE push_keys SET wrapped = %(anew)s WHERE wrapped = %(closed)s",
    ),
    Kind(
        "kept answers",
        """
        SELECT account_id AS owner, key, body AS closed FROM idempotency_keys
        WHERE (account_id, key) > (%(owner)s, %(key)s) AND status IS NOT NULL
        ORDER BY account_id, key LIMIT %(limit)s
        """,
        """
        UPDATE idempotency_keys SET body = %(anew)s
        WHERE account_id = %(owner)s AND key = %(key)s AND body = %(closed)s
        """,
        mixed=True,
    ),
)


class Rewrapped(Struct, frozen=True):
    """How many secrets of a kind were closed anew, and whose could not be opened with either key."""

    anew: int
    lost: list[UUID]


async def rewrap(database: Pool, master_key: MasterKey, kind: Kind) -> Rewrapped:
    """Close all secrets of a kind under the key in use."""
    anew, lost = 0, []
    owner, key = UUID(int=0), ""
    while True:
        async with transaction(database) as connection:
            found = await every(connection, Closed, kind.select, owner=owner, key=key, limit=BATCH)
            for one in found:
                try:
                    again = closed_anew(master_key, one.closed, one.owner.bytes)
                except MediaDamaged:
                    lost += [] if kind.mixed else [one.owner]
                    continue
                if again is not None:
                    anew += await run(
                        connection, kind.update, owner=one.owner, key=one.key, closed=one.closed, anew=again
                    )
        if len(found) < BATCH:
            return Rewrapped(anew, lost)
        owner, key = found[-1].owner, found[-1].key

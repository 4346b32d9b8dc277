"""Buyers: companies that licence recordings, by legal name, because contributors are told who uses what is theirs.

A buyer speaks through API keys of its own. A key opens the releases that were sold to it and nothing else; only its
hash is kept.
"""

from __future__ import annotations

import os
import secrets
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from storage import screening
from storage.database import Connection, every, one, run
from storage.encryption import KEY_SIZE, unwrap, wrap
from storage.errors import BuyerMissing
from storage.screening import Judgement
from storage.sessions import hashed

PREFIX = "ccb_"


class Buyer(Struct, frozen=True):
    """A buyer as operators see it; `screening` says whether it may be sold to, and `screening_because` why."""

    id: UUID
    legal_name: Annotated[str, Meta(examples=["Harbour Speech GmbH"])]
    country: Annotated[str, Meta(examples=["DE"])]
    sector: Annotated[str, Meta(examples=["speech_technology"])]
    purpose: Annotated[str, Meta(examples=["Speech recognition for hospital documentation."])]
    screening: Judgement
    screening_because: Annotated[str, Meta(examples=["not-listed"])]
    webhook_url: Annotated[str, Meta(examples=["https://buyer.example/hooks"])] | None
    created_at: datetime


class Registration(Struct, frozen=True):
    """What a buyer says about itself."""

    legal_name: str
    country: str
    sector: str
    purpose: str


class BuyerKey(Struct, frozen=True):
    """One API key: its end, so that it can be told from others, and whether it still opens anything."""

    id: UUID
    hint: Annotated[str, Meta(examples=["k9Qd"])]
    created_at: datetime
    revoked_at: datetime | None


class _Id(Struct, frozen=True):
    id: UUID


class _Secret(Struct, frozen=True):
    webhook_secret: bytes | None


COLUMNS = "id, legal_name, country, sector, purpose, screening, screening_because, webhook_url, created_at"
REGISTER = """
    INSERT INTO buyers (legal_name, country, sector, purpose)
    VALUES (%(legal_name)s, %(country)s, %(sector)s, %(purpose)s) RETURNING id
"""


async def register(connection: Connection, wish: Registration) -> Buyer:
    """Enter a buyer and screen it at once."""
    made = await one(
        connection,
        _Id,
        REGISTER,
        legal_name=wish.legal_name,
        country=wish.country,
        sector=wish.sector,
        purpose=wish.purpose,
    )
    assert made is not None  # noqa: S101 - INSERT … RETURNING gives a row or raises.
    await screening.screen(connection, made.id)
    return await find(connection, made.id)


WEBHOOK = "UPDATE buyers SET webhook_url = %(url)s, webhook_secret = %(secret)s WHERE id = %(buyer)s"


async def post_to(connection: Connection, master_key: bytes, buyer: UUID, url: str) -> bytes:
    """Set where a buyer is told of withdrawals, with a new secret that signs what is posted; gives the secret."""
    secret = os.urandom(KEY_SIZE)
    await run(connection, WEBHOOK, buyer=buyer, url=url, secret=wrap(master_key, buyer, secret))
    return secret


async def find(connection: Connection, buyer: UUID) -> Buyer:
    """Give a buyer. Raises BuyerMissing."""
    found = await one(connection, Buyer, f"SELECT {COLUMNS} FROM buyers WHERE id = %(buyer)s", buyer=buyer)
    if found is None:
        raise BuyerMissing
    return found


LISTING = f"""
    SELECT {COLUMNS} FROM buyers WHERE %(before)s::uuid IS NULL OR id < %(before)s ORDER BY id DESC LIMIT %(limit)s
"""


async def listing(connection: Connection, *, before: UUID | None = None, limit: int = 50) -> list[Buyer]:
    """List the register, newest first, from the one before `before` on."""
    return await every(connection, Buyer, LISTING, before=before, limit=limit)


async def webhook_secret(connection: Connection, master_key: bytes, buyer: UUID) -> bytes | None:
    """Give the 32 bytes that sign what is posted to a buyer's webhook; None when it has none."""
    found = await one(connection, _Secret, "SELECT webhook_secret FROM buyers WHERE id = %(buyer)s", buyer=buyer)
    if found is None or found.webhook_secret is None:
        return None
    return unwrap(master_key, buyer, found.webhook_secret)


KEY_COLUMNS = "id, hint, created_at, revoked_at"
NEW_KEY = f"""
    INSERT INTO buyer_keys (buyer_id, hash, hint) VALUES (%(buyer)s, %(hash)s, %(hint)s) RETURNING {KEY_COLUMNS}
"""


async def new_key(connection: Connection, buyer: UUID) -> tuple[BuyerKey, str]:
    """Make an API key and give it this once. Raises BuyerMissing."""
    await find(connection, buyer)
    key = PREFIX + secrets.token_urlsafe(32)
    made = await one(connection, BuyerKey, NEW_KEY, buyer=buyer, hash=hashed(key), hint=key[-4:])
    assert made is not None  # noqa: S101 - INSERT … RETURNING gives a row or raises.
    return made, key


async def keys(connection: Connection, buyer: UUID) -> list[BuyerKey]:
    """List a buyer's keys, newest first, at most 200. Raises BuyerMissing."""
    await find(connection, buyer)
    query = f"SELECT {KEY_COLUMNS} FROM buyer_keys WHERE buyer_id = %(buyer)s ORDER BY id DESC LIMIT 200"
    return await every(connection, BuyerKey, query, buyer=buyer)


REVOKE = """
    UPDATE buyer_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = %(key)s AND buyer_id = %(buyer)s
"""


async def revoke_key(connection: Connection, buyer: UUID, key: UUID) -> None:
    """Take a key back: it opens nothing from now on. Raises BuyerMissing for another buyer's key too."""
    if not await run(connection, REVOKE, buyer=buyer, key=key):
        raise BuyerMissing("This buyer has no key by that id.")


KEYHOLDER = f"""
    SELECT {COLUMNS} FROM buyers
    WHERE id = (SELECT buyer_id FROM buyer_keys WHERE hash = %(hash)s AND revoked_at IS NULL)
"""


async def keyholder(connection: Connection, key: str) -> Buyer | None:
    """Find whom a key speaks for: None when it is unknown or was taken back."""
    return await holder(connection, hashed(key))


async def holder(connection: Connection, key_hash: bytes) -> Buyer | None:
    """Find whom the key of a hash speaks for; None as for `keyholder`."""
    return await one(connection, Buyer, KEYHOLDER, hash=key_hash)

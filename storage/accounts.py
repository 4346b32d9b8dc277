"""Accounts: who somebody is here.

An e-mail address is compared in lower case and in one spelling of its characters, and never shown to anybody but its
owner; other people see the pseudonym.
"""

from __future__ import annotations

import base64
import secrets
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from storage.database import Connection, every, one, run
from storage.errors import EmailTaken


class Profile(Struct, frozen=True):
    """An account as its owner sees it; `pseudonym` is all that anybody else ever sees."""

    id: UUID
    pseudonym: Annotated[str, Meta(examples=["contributor-7k3m9qxa"])]
    email: Annotated[str, Meta(examples=["amina@example.org"])]
    role: Literal["contributor", "operator"]
    created_at: datetime


class Credentials(Struct, frozen=True):
    """What a password is checked against."""

    id: UUID
    password_hash: str


def spelt(email: str) -> str:
    """Spell an address as it is kept: phones write ö as one character or as two (RFC 6532, section 3.1)."""
    return unicodedata.normalize("NFC", email)


async def create(
    connection: Connection, email: str, password_hash: str, role: Literal["contributor", "operator"] = "contributor"
) -> Profile:
    """Open an account under a fresh random pseudonym. Raises EmailTaken."""
    profile = await one(
        connection,
        Profile,
        """
        INSERT INTO accounts (email, password_hash, role, pseudonym)
        VALUES (lower(%(email)s), %(password_hash)s, %(role)s, %(pseudonym)s)
        ON CONFLICT (email) DO NOTHING RETURNING id, pseudonym, email, role, created_at
        """,
        email=spelt(email),
        password_hash=password_hash,
        role=role,
        # 40 random bits: derived from nothing, so it leads back to nobody.
        pseudonym="contributor-" + base64.b32encode(secrets.token_bytes(5)).decode().lower(),
    )
    if profile is None:
        raise EmailTaken
    return profile


async def profile_of(connection: Connection, account: UUID) -> Profile | None:
    """Read an account for its owner."""
    return await one(
        connection,
        Profile,
        "SELECT id, pseudonym, email, role, created_at FROM accounts WHERE id = %(account)s AND erased_at IS NULL",
        account=account,
    )


async def credentials(connection: Connection, email: str) -> Credentials | None:
    """Read what a password is checked against; None when nobody has that address."""
    return await one(connection, Credentials, CREDENTIALS, email=email, spelt=spelt(email))


#: Two who spelt one address differently both had an account before: the spelling that was typed goes first.
CREDENTIALS = """
    SELECT id, password_hash FROM accounts WHERE email IN (lower(%(email)s), lower(%(spelt)s))
    ORDER BY email <> lower(%(email)s) LIMIT 1
"""


async def standing(connection: Connection, known: Credentials) -> bool:
    """Whether the password that was checked is the account's still; it stays so until the transaction ends.

    Checking takes a while, in which it may have been changed, or the account closed.
    """
    same = "SELECT id FROM accounts WHERE id = %(id)s AND password_hash = %(hash)s FOR NO KEY UPDATE"
    return await one(connection, _Id, same, id=known.id, hash=known.password_hash) is not None


async def rehash(connection: Connection, account: UUID, password_hash: str) -> None:
    """Keep the hash that was made with the parameters of today."""
    await run(
        connection,
        "UPDATE accounts SET password_hash = %(password_hash)s WHERE id = %(account)s",
        account=account,
        password_hash=password_hash,
    )


class _Id(Struct, frozen=True):
    id: UUID


CALLED = """
    SELECT id FROM accounts
    WHERE id::text = %(name)s OR pseudonym = %(name)s OR email IN (lower(%(name)s), lower(%(spelt)s))
    ORDER BY email = lower(%(name)s) DESC NULLS LAST LIMIT 1
"""


async def called(connection: Connection, name: str) -> UUID | None:
    """Find an account by what an operator has at hand: its id, its pseudonym or its e-mail address."""
    found = await one(connection, _Id, CALLED, name=name, spelt=spelt(name))
    return None if found is None else found.id


LOCK = "SELECT id FROM accounts WHERE id = ANY (%(accounts)s) ORDER BY id FOR NO KEY UPDATE"


async def lock(connection: Connection, accounts: Iterable[UUID]) -> None:
    """Keep accounts to this transaction, in the order of their ids, before their money is touched.

    Telling an event locks an account and a posting locks its balances; whoever does both takes the account first, so
    that nobody waits in a circle.
    """
    await every(connection, _Id, LOCK, accounts=list(set(accounts)))

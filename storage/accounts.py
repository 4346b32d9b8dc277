"""Accounts: who somebody is here, and how often a password may be guessed.

An e-mail address is compared in lower case and never shown to anybody but its owner; other people see the pseudonym.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from storage.database import Connection, every, one, run
from storage.errors import EmailTaken

#: Failed sign-ins of one address (network) to one account within 15 minutes, and of one address to all within an hour.
PER_ACCOUNT = 5
PER_ADDRESS = 50


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


class _Wait(Struct, frozen=True):
    seconds: int | None


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
        email=email,
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
    return await one(
        connection,
        Credentials,
        "SELECT id, password_hash FROM accounts WHERE email = lower(%(email)s)",
        email=email,
    )


async def rehash(connection: Connection, account: UUID, password_hash: str) -> None:
    """Keep the hash that was made with the parameters of today."""
    await run(
        connection,
        "UPDATE accounts SET password_hash = %(password_hash)s WHERE id = %(account)s",
        account=account,
        password_hash=password_hash,
    )


async def admit(connection: Connection, email: str, address: str) -> int | None:
    """Count one attempt as failed until `forgive` says otherwise; give the seconds to wait when there were too many.

    It is counted before the password is looked at, under a lock on the address: a hundred guesses sent at once are
    counted like a hundred guesses in a row.
    """
    names = {"email_hash": hashlib.sha256(email.lower().encode()).digest(), "address": address}
    await run(connection, "SELECT pg_advisory_xact_lock(hashtextextended(%(address)s, 0))", address=address)
    await run(
        connection,
        "DELETE FROM sign_in_failures WHERE address = %(address)s AND at < now() - interval '1 hour'",
        address=address,
    )
    wait = await one(connection, _Wait, WAIT, per_account=PER_ACCOUNT, per_address=PER_ADDRESS, **names)
    if wait is not None and wait.seconds is not None:
        return wait.seconds
    await run(
        connection,
        "INSERT INTO sign_in_failures (email_hash, address) VALUES (%(email_hash)s, %(address)s)",
        **names,
    )
    return None


#: The attempt that must leave its window before another is allowed is the limit-th newest one.
WAIT = """
    SELECT ceil(extract(epoch FROM greatest(
        (SELECT at + interval '15 minutes' - now() FROM sign_in_failures
         WHERE email_hash = %(email_hash)s AND address = %(address)s AND at > now() - interval '15 minutes'
         ORDER BY at DESC OFFSET %(per_account)s - 1 LIMIT 1),
        (SELECT at + interval '1 hour' - now() FROM sign_in_failures
         WHERE address = %(address)s ORDER BY at DESC OFFSET %(per_address)s - 1 LIMIT 1)
    )))::int AS seconds
"""


async def forgive(connection: Connection, email: str, address: str) -> None:
    """Forget the attempts that a successful one has explained."""
    await run(
        connection,
        "DELETE FROM sign_in_failures WHERE email_hash = %(email_hash)s AND address = %(address)s",
        email_hash=hashlib.sha256(email.lower().encode()).digest(),
        address=address,
    )


async def prune(connection: Connection) -> int:
    """Drop failures that no longer count; the clock calls this now and then."""
    return await run(connection, "DELETE FROM sign_in_failures WHERE at < now() - interval '1 hour'")


class _Id(Struct, frozen=True):
    id: UUID


CALLED = """
    SELECT id FROM accounts WHERE id::text = %(name)s OR pseudonym = %(name)s OR email = lower(%(name)s) LIMIT 1
"""


async def called(connection: Connection, name: str) -> UUID | None:
    """Find an account by what an operator has at hand: its id, its pseudonym or its e-mail address."""
    found = await one(connection, _Id, CALLED, name=name)
    return None if found is None else found.id


LOCK = "SELECT id FROM accounts WHERE id = ANY (%(accounts)s) ORDER BY id FOR NO KEY UPDATE"


async def lock(connection: Connection, accounts: Iterable[UUID]) -> None:
    """Keep accounts to this transaction, in the order of their ids, before their money is touched.

    Telling an event locks an account and a posting locks its balances; whoever does both takes the account first, so
    that nobody waits in a circle.
    """
    await every(connection, _Id, LOCK, accounts=list(set(accounts)))

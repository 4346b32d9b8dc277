"""How an operator's commands reach the database: by DATABASE_URL, or the one that `companion run` runs here."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from decimal import Decimal, InvalidOperation
from getpass import getuser

import msgspec
import psycopg

from api.money import MICROS
from api.settings import Settings, SettingsInvalid
from storage.database import Connection, Pool, pool, transaction
from storage.embedded import directory
from storage.errors import StorageError


def database_url() -> str:
    """Give the database's URL. Raises SettingsInvalid."""
    url = os.environ.get("DATABASE_URL") or (directory.published() or {}).get("DATABASE_URL")
    if not url:
        raise SettingsInvalid("DATABASE_URL is not set, and no companion runs here.")
    return url


def configuration() -> Settings:
    """Read every setting, of the companion that runs here where the shell names none. Raises SettingsInvalid."""
    return Settings.from_environment({**(directory.published() or {}), **os.environ})


def whoever() -> str:
    """Name who types: as COMPANION_OPERATOR says, else whoever signed in; a container's number may have no name."""
    named = os.environ.get("COMPANION_OPERATOR") or os.environ.get("SUDO_USER")
    try:
        return named or getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def with_database(name: str, work: Callable[[Pool], Awaitable[int]]) -> int:
    """Run a command's work; what is refused is a sentence and the exit status 1, what was asked wrongly 2."""

    async def opened() -> int:
        async with pool(database_url(), largest=2, operator=whoever()) as database:
            return await work(database)

    try:
        return asyncio.run(opened())
    except StorageError as error:
        facts = ", ".join(f"{key} {value}" for key, value in error.facts.items())
        return said(name, f"{error}" + (f" ({facts})" if facts else ""))
    except msgspec.ValidationError as error:
        return said(name, str(error), status=2)
    except psycopg.Error as error:
        return said(name, refusal(error))
    except OSError as error:
        return said(name, str(error))


def said(name: str, why: str, *, status: int = 1) -> int:
    """Say why a command was not done; return the exit status."""
    print(f"companion {name}: {why}", file=sys.stderr)
    return status


def refusal(error: psycopg.Error) -> str:
    """What PostgreSQL says in one line: without the row, which may be somebody's."""
    return error.diag.message_primary or str(error).splitlines()[0]


def in_transaction(name: str, work: Callable[[Connection], Awaitable[None]]) -> int:
    """Run a command that is done in one transaction, or not at all."""

    async def worked(database: Pool) -> int:
        async with transaction(database) as connection:
            await work(connection)
        return 0

    return with_database(name, worked)


def sentence(text: str) -> str:
    """Read what somebody will read, which is not nothing; raises ValueError, which argparse turns into a sentence."""
    if not text.strip():
        raise ValueError(text)
    return text


def price(text: str) -> int:
    """Read an amount that is not below nothing; raises ValueError as `amount` does."""
    if (micros := amount(text)) < 0:
        raise ValueError(text)
    return micros


def amount(text: str) -> int:
    """Read an amount such as 12.50 as micros; raises ValueError, which argparse turns into a sentence.

    No more than canonical JSON can hold (RFC 8785, section 3.2.2.3): statements are signed in it.
    """
    try:
        micros = Decimal(text) * MICROS
    except InvalidOperation:
        raise ValueError(text) from None
    if not micros.is_finite() or micros != int(micros) or abs(micros) >= 2**53:
        raise ValueError(text)
    return int(micros)

"""Payout destinations: the bank accounts that contributors name, readable only with their key.

What is shown is the country and the last four characters. A new destination can be used after a pause, in which its
owner can read the event and remove it: whoever takes over a phone must not be able to send money away at once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from msgspec import Struct

from storage.accounts import lock
from storage.database import Connection, every, one, run
from storage.encryption import seal, subject_key, unseal
from storage.events import tell
from storage.payout_errors import DestinationMissing


class BankAccount(Struct, frozen=True):
    """Where money goes: whose account it is, its IBAN (ISO 13616) and the bank's BIC (ISO 9362), where it is known."""

    holder: str
    iban: str
    bic: str | None


class Destination(Struct, frozen=True):
    """What may be shown of a destination."""

    id: UUID
    method: str
    currency: str
    country: str
    hint: str
    created_at: datetime
    usable_from: datetime
    usable: bool


class _Sealed(Struct, frozen=True):
    account_id: UUID
    sealed: bytes | None


COLUMNS = "id, method, currency, country, hint, created_at, usable_from, usable_from <= now() AS usable"
INSERT = f"""
    INSERT INTO payout_destinations (id, account_id, method, currency, sealed, country, hint, usable_from)
    VALUES (%(id)s, %(account)s, 'sepa', 'EUR', %(sealed)s, %(country)s, %(hint)s, now() + %(pause)s)
    RETURNING {COLUMNS}
"""


async def add(
    connection: Connection, master_key: bytes, account: UUID, destination: UUID, bank: BankAccount, pause: timedelta
) -> Destination:
    """Keep a bank account whose IBAN was checked, and tell its owner; one that is kept already is the one of then."""
    await lock(connection, [account])
    key = await subject_key(connection, master_key, account)
    for kept in await listing(connection, account):
        if kept.hint == bank.iban[-4:] and await bank_account(connection, master_key, kept.id) == bank:
            return kept
    added = await one(
        connection,
        Destination,
        INSERT,
        id=destination,
        account=account,
        sealed=seal(key, destination, msgspec.json.encode(bank)),
        country=bank.iban[:2],
        hint=bank.iban[-4:],
        pause=pause,
    )
    assert added is not None  # noqa: S101 - INSERT … RETURNING gives a row or raises.
    facts = {"destination": str(added.id), "country": added.country, "hint": added.hint}
    await tell(connection, account, "payout_destination.added", by="contributor", data=facts)
    return added


UNKEPT = f"""
    INSERT INTO payout_destinations (id, account_id, method, currency, country, hint, usable_from, removed_at)
    VALUES (uuidv7(), %(account)s, 'sepa', 'EUR', %(country)s, '', now(), now()) RETURNING {COLUMNS}
"""


async def unkept(connection: Connection, account: UUID, country: str) -> Destination:
    """Note that money goes to a bank account in a country, and keep nothing else of it.

    An erased account has no key under which its number could be sealed.
    """
    noted = await one(connection, Destination, UNKEPT, account=account, country=country)
    assert noted is not None  # noqa: S101 - INSERT … RETURNING gives a row or raises.
    return noted


# All of them: what is not shown cannot be removed, and money could still be sent there.
LISTED = f"""
    SELECT {COLUMNS} FROM payout_destinations
    WHERE account_id = %(account)s AND removed_at IS NULL ORDER BY id DESC LIMIT 1000
"""
FIND = f"""
    SELECT {COLUMNS} FROM payout_destinations
    WHERE account_id = %(account)s AND id = %(destination)s AND removed_at IS NULL
"""
REMOVE = """
    UPDATE payout_destinations SET sealed = NULL, removed_at = now()
    WHERE account_id = %(account)s AND id = %(destination)s AND removed_at IS NULL
      AND NOT EXISTS (SELECT FROM payouts WHERE destination_id = payout_destinations.id
                      AND state IN ('requested', 'approved', 'submitted', 'in_transit'))
"""


async def listing(connection: Connection, account: UUID) -> list[Destination]:
    """List what a contributor has not removed, newest first."""
    return await every(connection, Destination, LISTED, account=account)


async def find(connection: Connection, account: UUID, destination: UUID) -> Destination:
    """Read one. Raises DestinationMissing."""
    found = await one(connection, Destination, FIND, account=account, destination=destination)
    if found is None:
        raise DestinationMissing
    return found


REMOVED = f"""
    SELECT {COLUMNS} FROM payout_destinations
    WHERE account_id = %(account)s AND id = %(destination)s AND removed_at IS NOT NULL
"""


async def remove(connection: Connection, account: UUID, destination: UUID) -> bool:
    """Forget a bank account for good; False while a payout is on its way there. Raises DestinationMissing.

    One that was forgotten before is forgotten.
    """
    # A payout that is being asked for holds the account, and is there afterwards for whoever looks.
    await lock(connection, [account])
    if await one(connection, Destination, REMOVED, account=account, destination=destination) is not None:
        return True
    await find(connection, account, destination)
    removed = await run(connection, REMOVE, account=account, destination=destination)
    if removed:
        facts = {"destination": str(destination)}
        await tell(connection, account, "payout_destination.removed", by="contributor", data=facts)
    return bool(removed)


async def bank_account(connection: Connection, master_key: bytes, destination: UUID) -> BankAccount:
    """Read where money is to go, for whoever sends it. Raises DestinationMissing, MediaDamaged."""
    query = "SELECT account_id, sealed FROM payout_destinations WHERE id = %(destination)s"
    found = await one(connection, _Sealed, query, destination=destination)
    if found is None or found.sealed is None:
        raise DestinationMissing
    key = await subject_key(connection, master_key, found.account_id)
    return msgspec.json.decode(unseal(key, destination, found.sealed), type=BankAccount)

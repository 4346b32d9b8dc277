"""Attempts: how often a password may be guessed, and how many accounts one network may open.

Guesses are counted for each account from each network, for each network over all accounts, and for each account over
all networks. The last stops whoever guesses from everywhere, and would lock the owner out with them: so it holds only
where nobody has signed in to that account before, and a device that is signed in never meets it (OWASP, "Slow Down
Online Guessing Attacks with Device Cookies").
"""

from __future__ import annotations

import hashlib
from uuid import UUID

from msgspec import Struct

from storage.accounts import spelt
from storage.database import Connection, one, run

#: Failed attempts of one network at one account within 15 minutes, and of one network at all within an hour.
PER_ACCOUNT = 5
PER_NETWORK = 50
#: Failed attempts of all networks at one account within an hour (OWASP ASVS 4.0.3, 2.2.1; NIST SP 800-63B, 5.2.2).
FROM_EVERYWHERE = 100
#: A network counts as familiar for so long after the last time.
FAMILIAR_DAYS = 90


class _Wait(Struct, frozen=True):
    seconds: int | None


class _Found(Struct, frozen=True):
    found: bool


def email_hash(email: str) -> bytes:
    """Name an address by its hash, whatever its spelling; also one that has no account."""
    return hashlib.sha256(spelt(email).lower().encode()).digest()


async def admit(connection: Connection, email: str, network: str, *, familiar: bool = False) -> int | None:
    """Count one attempt as failed until `forgive` says otherwise; give the seconds to wait when there were too many.

    It is counted before the password is looked at, under locks on the network and the address: a hundred guesses sent
    at once are counted like a hundred guesses in a row. `familiar` is who has signed in from here before.
    """
    names = {"email_hash": email_hash(email), "network": network}
    # Always in this order, so that nobody waits in a circle.
    await run(connection, "SELECT pg_advisory_xact_lock(hashtextextended(%(network)s, 0))", network=network)
    await run(connection, LOCK_EMAIL, email_hash=names["email_hash"])
    await run(
        connection,
        "DELETE FROM sign_in_failures WHERE address = %(network)s AND at < now() - interval '1 hour'",
        network=network,
    )
    limits = {"per_account": PER_ACCOUNT, "per_network": PER_NETWORK, "from_everywhere": FROM_EVERYWHERE}
    wait = await one(connection, _Wait, WAIT, familiar=familiar, **limits, **names)
    if wait is not None and wait.seconds is not None:
        return wait.seconds
    await run(
        connection, "INSERT INTO sign_in_failures (email_hash, address) VALUES (%(email_hash)s, %(network)s)", **names
    )
    return None


LOCK_EMAIL = "SELECT pg_advisory_xact_lock(hashtextextended('email ' || encode(%(email_hash)s, 'hex'), 0))"
#: The attempt that must leave its window before another is allowed is the limit-th newest one.
WAIT = """
    SELECT ceil(extract(epoch FROM greatest(
        (SELECT at + interval '15 minutes' - now() FROM sign_in_failures
         WHERE email_hash = %(email_hash)s AND address = %(network)s AND at > now() - interval '15 minutes'
         ORDER BY at DESC OFFSET %(per_account)s - 1 LIMIT 1),
        (SELECT at + interval '1 hour' - now() FROM sign_in_failures
         WHERE address = %(network)s ORDER BY at DESC OFFSET %(per_network)s - 1 LIMIT 1),
        (SELECT at + interval '1 hour' - now() FROM sign_in_failures
         WHERE email_hash = %(email_hash)s AND at > now() - interval '1 hour' AND NOT %(familiar)s
         ORDER BY at DESC OFFSET %(from_everywhere)s - 1 LIMIT 1)
    )))::int AS seconds
"""


async def forgive(connection: Connection, email: str, network: str) -> None:
    """Forget the attempts that a successful one has explained."""
    await run(
        connection,
        "DELETE FROM sign_in_failures WHERE email_hash = %(email_hash)s AND address = %(network)s",
        email_hash=email_hash(email),
        network=network,
    )


async def forget_all(connection: Connection, email: str) -> None:
    """Forget every attempt at an address."""
    await run(connection, "DELETE FROM sign_in_failures WHERE email_hash = %(hash)s", hash=email_hash(email))


async def familiar(connection: Connection, account: UUID | None, network_hash: bytes) -> bool:
    """Whether somebody has signed in to the account from that network before; never for an address without one."""
    found = await one(connection, _Found, FAMILIAR, account=account, network=network_hash, days=FAMILIAR_DAYS)
    return found is not None and found.found


FAMILIAR = """
    SELECT EXISTS (SELECT FROM familiar_networks WHERE account_id = %(account)s AND network_hash = %(network)s
        AND seen_at > now() - make_interval(days => %(days)s)) AS found
"""


async def remember(connection: Connection, account: UUID, network_hash: bytes) -> None:
    """Note that somebody has signed in to the account from a network, or is signed in there."""
    await run(connection, REMEMBER, account=account, network=network_hash)


REMEMBER = """
    INSERT INTO familiar_networks (account_id, network_hash) VALUES (%(account)s, %(network)s)
    ON CONFLICT (account_id, network_hash) DO UPDATE SET seen_at = now()
    WHERE familiar_networks.seen_at < now() - interval '1 day'
"""


async def forget_networks(connection: Connection, account: UUID) -> None:
    """Let every network be a stranger's again: whoever knew the old password may have signed in from some."""
    await run(connection, "DELETE FROM familiar_networks WHERE account_id = %(account)s", account=account)


async def admit_sign_up(connection: Connection, network_hash: bytes, most: int) -> int | None:
    """Give the seconds to wait when a network has opened as many accounts within a day as it may.

    The lock lasts as long as the transaction: what is counted in it is counted once.
    """
    lock = "SELECT pg_advisory_xact_lock(hashtextextended('sign-up ' || encode(%(network)s, 'hex'), 0))"
    await run(connection, lock, network=network_hash)
    wait = await one(connection, _Wait, WAIT_FOR_SIGN_UP, network=network_hash, most=most)
    return None if wait is None else wait.seconds


WAIT_FOR_SIGN_UP = """
    SELECT ceil(extract(epoch FROM at + interval '1 day' - now()))::int AS seconds FROM sign_ups
    WHERE network_hash = %(network)s AND at > now() - interval '1 day' ORDER BY at DESC OFFSET %(most)s - 1 LIMIT 1
"""


async def count_sign_up(connection: Connection, network_hash: bytes) -> None:
    """Count an account that was opened."""
    await run(connection, "INSERT INTO sign_ups (network_hash) VALUES (%(network)s)", network=network_hash)


async def prune(connection: Connection) -> int:
    """Drop what no longer counts; the clock calls this now and then."""
    await run(connection, "DELETE FROM sign_ups WHERE at < now() - interval '1 day'")
    old = "DELETE FROM familiar_networks WHERE seen_at < now() - make_interval(days => %(days)s)"
    await run(connection, old, days=FAMILIAR_DAYS)
    return await run(connection, "DELETE FROM sign_in_failures WHERE at < now() - interval '1 hour'")

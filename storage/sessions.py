"""Sessions: one sign-in on one device, and the opaque tokens that speak for it.

An access token lives for minutes and is looked up with one indexed read, so revoking a session works at once. A refresh
token lives for weeks and is used once: when one comes back long after its use, somebody copied it, and the whole
session ends. All times are the database's, so that a wrong clock on one server neither extends nor ends a session.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Literal, LiteralString
from uuid import UUID

from msgspec import Struct

from storage.database import Connection, every, one, run

ACCESS_MINUTES = 15
REFRESH_DAYS = 30
#: A phone that lost the reply to a refresh may ask again with the same token for this long.
GRACE_S = 10


class Account(Struct, frozen=True):
    """Who is asking: the account, its role, and the session of this device."""

    id: UUID
    role: Literal["contributor", "operator"]
    session_id: UUID


class Tokens(Struct, frozen=True):
    """A fresh pair: the access token goes into `Authorization: Bearer`, the refresh token buys the next pair, once."""

    access_token: str
    refresh_token: str
    expires_in: int
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 – the name of a scheme.


class Session(Struct, frozen=True):
    """One device that is signed in."""

    id: UUID
    device: str | None
    created_at: datetime
    current: bool


class _RefreshToken(Struct, frozen=True):
    session_id: UUID
    stands: bool
    reused: bool


class _Id(Struct, frozen=True):
    id: UUID


def hashed(token: str) -> bytes:
    """Give what is stored instead of a token. 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


async def start(connection: Connection, account: UUID, device: str | None) -> tuple[UUID, Tokens]:
    """Open a session for a device that has just signed in."""
    session = await one(
        connection,
        _Id,
        "INSERT INTO sessions (account_id, device) VALUES (%(account)s, %(device)s) RETURNING id",
        account=account,
        device=device,
    )
    if session is None:
        raise RuntimeError("INSERT … RETURNING gave no row")
    return session.id, await issue(connection, session.id)


async def issue(connection: Connection, session: UUID) -> Tokens:
    """Write a new pair of tokens for a session and drop its expired ones."""
    tokens = Tokens(f"cca_{secrets.token_urlsafe(32)}", f"ccr_{secrets.token_urlsafe(32)}", ACCESS_MINUTES * 60)
    await run(
        connection,
        """
        WITH dropped AS (DELETE FROM access_tokens WHERE session_id = %(session)s AND expires_at < now()),
             refresh AS (INSERT INTO refresh_tokens (hash, session_id, expires_at)
                         VALUES (%(refresh)s, %(session)s, now() + make_interval(days => %(days)s)))
        INSERT INTO access_tokens (hash, session_id, expires_at)
        VALUES (%(access)s, %(session)s, now() + make_interval(mins => %(minutes)s))
        """,
        session=session,
        access=hashed(tokens.access_token),
        refresh=hashed(tokens.refresh_token),
        days=REFRESH_DAYS,
        minutes=ACCESS_MINUTES,
    )
    return tokens


SPEAKS_FOR: LiteralString = """
    SELECT accounts.id, accounts.role, sessions.id AS session_id
    FROM access_tokens
    JOIN sessions ON sessions.id = access_tokens.session_id
    JOIN accounts ON accounts.id = sessions.account_id
    WHERE access_tokens.hash = %(hash)s
"""
OWNER = SPEAKS_FOR + "AND access_tokens.expires_at > now() AND sessions.revoked_at IS NULL"
#: The session in which an account was erased: its farewell may be asked for again, for as long as `prune` leaves it.
ERASED = "account erased"
LEAVER = SPEAKS_FOR + f"AND sessions.revoked_because = '{ERASED}'"


async def owner(connection: Connection, access_token: str) -> Account | None:
    """Find whom an access token speaks for: one indexed read, None when it is unknown, expired or revoked."""
    return await one(connection, Account, OWNER, hash=hashed(access_token))


async def speaks_for(connection: Connection, session: UUID) -> UUID | None:
    """Find whose session it is; None once it has ended."""
    standing = "SELECT account_id AS id FROM sessions WHERE id = %(session)s AND revoked_at IS NULL"
    found = await one(connection, _Id, standing, session=session)
    return None if found is None else found.id


async def leaver(connection: Connection, access_token: str) -> Account | None:
    """Find the erased account that was erased with this token, within a day or so; None for every other token."""
    return await one(connection, Account, LEAVER, hash=hashed(access_token))


async def refresh(connection: Connection, refresh_token: str) -> Tokens | None:
    """Exchange a refresh token for a fresh pair; None when it does not stand.

    A token that comes back later than the grace was copied, so its session is revoked. That is why a refusal is a
    result and not an exception: an exception would roll the revocation back.
    """
    found = await one(
        connection,
        _RefreshToken,
        """
        SELECT refresh_tokens.session_id,
               refresh_tokens.expires_at > now() AND sessions.revoked_at IS NULL AS stands,
               coalesce(used_at < clock_timestamp() - make_interval(secs => %(grace)s), false) AS reused
        FROM refresh_tokens JOIN sessions ON sessions.id = refresh_tokens.session_id
        WHERE refresh_tokens.hash = %(hash)s
        FOR UPDATE OF refresh_tokens
        """,
        hash=hashed(refresh_token),
        grace=GRACE_S,
    )
    if found is None or not found.stands:
        return None
    if found.reused:
        await revoke(connection, found.session_id, "refresh token used twice")
        return None
    await run(
        connection,
        "UPDATE refresh_tokens SET used_at = coalesce(used_at, clock_timestamp()) WHERE hash = %(hash)s",
        hash=hashed(refresh_token),
    )
    return await issue(connection, found.session_id)


REVOKE: LiteralString = """
    UPDATE sessions SET revoked_at = clock_timestamp(), revoked_because = %(because)s WHERE revoked_at IS NULL
"""
REVOKE_ONE = REVOKE + "AND id = %(session)s"
REVOKE_OWN = REVOKE_ONE + " AND account_id = %(account)s"
REVOKE_OTHERS = REVOKE + "AND account_id = %(account)s AND id <> %(session)s"
REVOKE_ALL = REVOKE + "AND account_id = %(account)s"


async def revoke(connection: Connection, session: UUID, because: str) -> None:
    """End a session: from now on neither of its tokens stands."""
    await run(connection, REVOKE_ONE, session=session, because=because)


async def revoke_own(connection: Connection, account: Account, session: UUID) -> bool:
    """Sign one of the account's own devices out, also when it is already; False when it has no such session."""
    await run(connection, REVOKE_OWN, session=session, account=account.id, because="signed out")
    query = "SELECT id FROM sessions WHERE id = %(session)s AND account_id = %(account)s"
    return await one(connection, _Id, query, session=session, account=account.id) is not None


async def revoke_others(connection: Connection, account: Account, because: str) -> None:
    """End every session of an account but the one that asks."""
    await run(connection, REVOKE_OTHERS, session=account.session_id, account=account.id, because=because)


async def revoke_all(connection: Connection, account: UUID, because: str) -> None:
    """End every session of an account."""
    await run(connection, REVOKE_ALL, account=account, because=because)


async def open_sessions(connection: Connection, account: Account) -> list[Session]:
    """List the devices that are signed in, newest first, at most 200."""
    return await every(
        connection,
        Session,
        """
        SELECT id, device, created_at, id = %(current)s AS current FROM sessions
        WHERE account_id = %(account)s AND revoked_at IS NULL
          AND EXISTS (SELECT FROM refresh_tokens WHERE session_id = sessions.id AND expires_at > now())
        ORDER BY id DESC LIMIT 200
        """,
        account=account.id,
        current=account.session_id,
    )


CONFIRMED_MINUTES = 5
CONFIRM = f"""
    UPDATE sessions SET confirmed_at = clock_timestamp() WHERE id = %(session)s
    RETURNING confirmed_at + interval '{CONFIRMED_MINUTES} minutes' AS until
"""
CONFIRMED = f"""
    SELECT id FROM sessions
    WHERE id = %(session)s AND confirmed_at > clock_timestamp() - interval '{CONFIRMED_MINUTES} minutes'
"""


class _Until(Struct, frozen=True):
    until: datetime


async def confirm(connection: Connection, session: UUID) -> datetime:
    """Note that the password was given again on this device, and say until when that holds."""
    found = await one(connection, _Until, CONFIRM, session=session)
    assert found is not None  # noqa: S101 - whoever asks has this session.
    return found.until


async def confirmed(connection: Connection, session: UUID) -> bool:
    """Whether the password was given again on this device a moment ago."""
    return await one(connection, _Id, CONFIRMED, session=session) is not None


#: As long as an access token's row stays after its end.
LASTS = "interval '1 day'"


async def prune(connection: Connection) -> int:
    """Drop tokens that expired more than a day ago; the clock calls this now and then."""
    stale = "DELETE FROM access_tokens WHERE expires_at < now() - interval '1 day'"
    await run(connection, f"DELETE FROM sessions WHERE revoked_because = '{ERASED}' AND revoked_at < now() - {LASTS}")
    return await run(connection, stale) + await run(
        connection, "DELETE FROM refresh_tokens WHERE expires_at < now() - interval '1 day'"
    )

"""What was answered to a request with an Idempotency-Key, so that a repeat hears the same.

The key is taken in a transaction of its own before the request's work, and the answer is kept after it. A crash between
the two leaves a key without an answer; after a minute, which no JSON request lives, a repeat takes it over and does the
work again. That is safe because the work itself has one effect however often it runs: what would be made twice is
unique in the schema, and the second attempt finds it or conflicts with it.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct
from psycopg.types.json import Jsonb

from storage.database import Connection, one, run

DAYS = 30
ABANDONED_S = 60


class Taken(Struct, frozen=True):
    """The key is ours: do the work. `since` fences it, should somebody take it over."""

    since: datetime


class Kept(Struct, frozen=True):
    """What the key stands for: another request (`same` is False), one in progress (no status), or an answer."""

    same: bool
    status: int | None
    headers: list[tuple[str, str]] | None
    body: bytes | None


async def take(connection: Connection, account: UUID, key: str, request_hash: bytes) -> Taken | Kept:
    """Take a key that is new, older than 30 days or abandoned by the same request; else tell what it stands for."""
    taken = await one(
        connection,
        Taken,
        """
        INSERT INTO idempotency_keys AS kept (account_id, key, request_hash)
        VALUES (%(account)s, %(key)s, %(request_hash)s)
        ON CONFLICT (account_id, key) DO UPDATE
            SET request_hash = EXCLUDED.request_hash, status = NULL, headers = NULL, body = NULL, created_at = now()
            WHERE kept.created_at < now() - make_interval(days => %(days)s)
               OR (kept.status IS NULL AND kept.request_hash = EXCLUDED.request_hash
                   AND kept.created_at < now() - make_interval(secs => %(abandoned)s))
        RETURNING created_at AS since
        """,
        account=account,
        key=key,
        request_hash=request_hash,
        days=DAYS,
        abandoned=ABANDONED_S,
    )
    return taken or await _kept(connection, account, key, request_hash)


async def _kept(connection: Connection, account: UUID, key: str, request_hash: bytes) -> Kept:
    kept = await one(
        connection,
        Kept,
        """
        SELECT request_hash = %(request_hash)s AS same, status, headers, body FROM idempotency_keys
        WHERE account_id = %(account)s AND key = %(key)s
        """,
        account=account,
        key=key,
        request_hash=request_hash,
    )
    # Given back between the two statements: the first request has just failed, so this one may soon try.
    return kept or Kept(same=True, status=None, headers=None, body=None)


async def keep(
    connection: Connection,
    account: UUID,
    key: str,
    taken: Taken,
    status: int,
    headers: list[tuple[str, str]],
    body: bytes,
) -> None:
    """Keep the answer, unless somebody has taken the key over meanwhile."""
    await run(
        connection,
        """
        UPDATE idempotency_keys SET status = %(status)s, headers = %(headers)s, body = %(body)s
        WHERE account_id = %(account)s AND key = %(key)s AND created_at = %(since)s AND status IS NULL
        """,
        account=account,
        key=key,
        since=taken.since,
        status=status,
        headers=Jsonb(headers),
        body=body,
    )


async def give_back(connection: Connection, account: UUID, key: str, taken: Taken) -> None:
    """Free the key of a request that was refused and so had no effect: the corrected one may use it."""
    await run(
        connection,
        """
        DELETE FROM idempotency_keys
        WHERE account_id = %(account)s AND key = %(key)s AND created_at = %(since)s AND status IS NULL
        """,
        account=account,
        key=key,
        since=taken.since,
    )


async def prune(connection: Connection) -> int:
    """Drop what is older than 30 days; the clock calls this now and then."""
    return await run(
        connection,
        "DELETE FROM idempotency_keys WHERE created_at < now() - make_interval(days => %(days)s)",
        days=DAYS,
    )

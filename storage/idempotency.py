"""What was answered to a request with an Idempotency-Key, so that a repeat hears the same.

The key is taken in a transaction of its own before the request's work, and the answer is kept after it. A crash between
the two leaves a key without an answer; after a minute a repeat takes it over and does the work again. That is safe if
the work has one effect however often it runs: what would be made twice is unique in the schema, and the second attempt
finds it or conflicts with it. A payout or a sale may well be made twice, and a large sale lasts longer than a minute:
such work binds its key in its own transaction, and nobody takes that over any more.
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
    """What the key stands for: another request (`same` is False), one in progress (no status), or an answer.

    `lost` says that the work was done a while ago, and that its answer was never kept.
    """

    same: bool
    lost: bool
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
               OR (kept.status IS NULL AND kept.body IS NULL AND kept.request_hash = EXCLUDED.request_hash
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
        SELECT request_hash = %(request_hash)s AS same, status, headers, body,
            status IS NULL AND body IS NOT NULL AND created_at < now() - make_interval(secs => %(abandoned)s) AS lost
        FROM idempotency_keys
        WHERE account_id = %(account)s AND key = %(key)s
        """,
        account=account,
        key=key,
        request_hash=request_hash,
        abandoned=ABANDONED_S,
    )
    # Given back between the two statements: the first request has just failed, so this one may soon try.
    return kept or Kept(same=True, lost=False, status=None, headers=None, body=None)


async def bind(connection: Connection, account: UUID, key: str, taken: Taken) -> bool:
    """Tie a key to the caller's transaction, before its work: once that is committed, nobody does the work again.

    Whoever wants to take the key over meanwhile waits for the transaction. False when somebody has taken it over.
    """
    return bool(
        await run(
            connection,
            """
            UPDATE idempotency_keys SET body = ''
            WHERE account_id = %(account)s AND key = %(key)s AND created_at = %(since)s AND status IS NULL
            """,
            account=account,
            key=key,
            since=taken.since,
        )
    )


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

"""What has expired is forgotten, and what still counts is kept."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from psycopg import AsyncConnection

from storage import accounts, attempts, idempotency, sessions
from storage.database import Connection, Pool, pool, transaction


class Undone(Exception):
    """Rolls a test's rows back."""


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    """A transaction that is rolled back."""
    async with await AsyncConnection.connect(database_url) as lent:
        yield lent
        await lent.rollback()


async def person(connection: Connection) -> UUID:
    return (await accounts.create(connection, f"{uuid4()}@example.org", "no password")).id


async def count(connection: Connection, query: str, *values: object) -> int:
    cursor = await connection.execute(query, values)
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def test_tokens_are_forgotten_a_day_after_they_expired(connection: Connection):
    """The sign-in itself stays, and so do tokens that still stand."""
    account = await person(connection)
    old, _ = await sessions.start(connection, account, "old phone")
    new, tokens = await sessions.start(connection, account, "new phone")
    for table in ("access_tokens", "refresh_tokens"):
        await connection.execute(
            f"UPDATE {table} SET expires_at = now() - %s WHERE session_id = %s", (timedelta(hours=25), old)
        )

    await sessions.prune(connection)

    left = "SELECT count(*) FROM access_tokens JOIN refresh_tokens USING (session_id) WHERE session_id = %s"
    assert (0, 1) == (await count(connection, left, old), await count(connection, left, new))
    owner = await sessions.owner(connection, tokens.access_token)
    assert owner is not None
    assert account == owner.id


@pytest.mark.parametrize(("days", "left"), [(29, 1), (31, 0)])
async def test_an_answer_is_kept_for_thirty_days(connection: Connection, days: int, left: int):
    account = await person(connection)
    await idempotency.take(connection, account, "key", b"h" * 32)
    await connection.execute(
        "UPDATE idempotency_keys SET created_at = now() - %s WHERE account_id = %s", (timedelta(days=days), account)
    )

    await idempotency.prune(connection)

    assert left == await count(connection, "SELECT count(*) FROM idempotency_keys WHERE account_id = %s", account)


async def test_an_old_key_stands_for_a_new_request(connection: Connection):
    """After thirty days even another body may use it."""
    account = await person(connection)
    await idempotency.take(connection, account, "key", b"h" * 32)
    await connection.execute(
        "UPDATE idempotency_keys SET created_at = now() - interval '31 days' WHERE account_id = %s", (account,)
    )

    assert isinstance(await idempotency.take(connection, account, "key", b"x" * 32), idempotency.Taken)


@pytest.mark.parametrize(("minutes", "left"), [(59, 1), (61, 0)])
async def test_a_failed_sign_in_counts_for_an_hour(connection: Connection, minutes: int, left: int):
    address = str(uuid4())
    assert await attempts.admit(connection, "a@example.org", address) is None
    await connection.execute(
        "UPDATE sign_in_failures SET at = now() - %s WHERE address = %s", (timedelta(minutes=minutes), address)
    )

    await attempts.prune(connection)

    assert left == await count(connection, "SELECT count(*) FROM sign_in_failures WHERE address = %s", address)


async def test_five_failures_wait_for_the_oldest_of_them(connection: Connection):
    """Not for a fresh quarter of an hour: the sixth may come when the first has left the window."""
    address = str(uuid4())
    for _ in range(attempts.PER_ACCOUNT):
        assert await attempts.admit(connection, "a@example.org", address) is None
    await connection.execute(
        "UPDATE sign_in_failures SET at = now() - interval '14 minutes' WHERE address = %s", (address,)
    )

    assert 60 == await attempts.admit(connection, "A@example.org", address)
    assert await attempts.admit(connection, "another@example.org", address) is None


async def test_a_failed_transaction_leaves_nothing(database_url: str):
    """Connections commit every statement by themselves, so the transaction must hold them together."""
    email = f"{uuid4()}@example.org"

    async def fail(database: Pool) -> None:
        async with transaction(database) as lent:
            await accounts.create(lent, email, "no password")
            raise Undone

    async with pool(database_url, largest=1) as database:
        with pytest.raises(Undone):
            await fail(database)
        async with transaction(database) as lent:
            assert await accounts.credentials(lent, email) is None

"""The steps of being paid, for tests: money that was earned, a bank account that may be used."""

from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.signing import signer_of
from api.statement_forms import issued
from storage import corrections, statements
from storage.database import Pool, transaction
from storage.signing_keys import PrivateKey
from storage.statements import Due, Month

#: The example of the German banking association; it passes every check and belongs to nobody.
IBAN = "DE89 3704 0044 0532 0130 00"


async def account_of(client: httpx.AsyncClient, database: Pool) -> UUID:
    """Whose token this client carries."""
    pseudonym = (await client.get("/v1/me")).json()["pseudonym"]
    async with transaction(database) as connection:
        cursor = await connection.execute("SELECT id FROM accounts WHERE pseudonym = %s", [pseudonym])
        return UUID(str((await cursor.fetchone())[0]))  # type: ignore[index]


async def earned(database: Pool, account: UUID, micros: int, currency: str = "EUR") -> None:
    """Let somebody have an amount that is available."""
    async with transaction(database) as connection:
        await corrections.adjust(connection, str(uuid4()), account, currency, micros, "test")


async def confirmed(database: Pool, account: UUID) -> None:
    """Let somebody have given the password again, on all devices."""
    async with transaction(database) as connection:
        await connection.execute("UPDATE sessions SET confirmed_at = now() WHERE account_id = %s", [account])


async def destination(client: httpx.AsyncClient, database: Pool, account: UUID, *, rested: bool = True) -> str:
    """Name a bank account, and let it have rested."""
    await confirmed(database, account)
    added = await client.post(
        "/v1/payout-destinations", json={"method": "sepa", "holder": "Amina Okello", "iban": IBAN}
    )
    assert 201 == added.status_code, added.text
    if rested:
        async with transaction(database) as connection:
            query = "UPDATE payout_destinations SET usable_from = now() WHERE id = %s"
            await connection.execute(query, [added.json()["id"]])
    return str(added.json()["id"])


async def stated(database: Pool, account: UUID) -> str:
    """A statement of somebody's, over a month without lines, signed by nobody in particular."""
    signer = signer_of(PrivateKey("a-key", Ed25519PrivateKey.generate().private_bytes_raw()))
    month = Month(uuid4(), "contributor-x", 0, [])
    made = issued(signer, Due(account, "EUR", date(2020, 1, 1)), month, datetime.now(UTC))
    async with transaction(database) as connection:
        await statements.issue(connection, made)
    return str(made.id)

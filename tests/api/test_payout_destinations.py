"""Payout destinations: checked before they are kept, unreadable in the database, erased when removed."""

from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from api.settings import Settings
from storage.database import Pool, transaction
from storage.payout_destinations import BankAccount, add, bank_account
from storage.payout_errors import DestinationMissing
from tests.api.paying import IBAN, account_of, confirmed, destination, earned
from tests.api.taking import slug

Client = httpx.AsyncClient


@pytest.mark.parametrize(
    "iban",
    ["DE00370400440532013000", "DE89", "", "not an account", "US64SVBKUS6S3300958879", "DE89370400440532013000\x00"],
)
async def test_an_account_number_that_cannot_be_right_is_refused(
    contributor: Client, database: Pool, iban: str
) -> None:
    """A wrong digit sends money to nobody, or comes back in a week."""
    await confirmed(database, await account_of(contributor, database))

    answer = await contributor.post("/v1/payout-destinations", json={"method": "sepa", "holder": "A", "iban": iban})

    assert (422, "iban-invalid") == (answer.status_code, slug(answer))


async def test_a_destination_is_shown_by_its_end_and_kept_sealed(
    contributor: Client, database: Pool, settings: Settings
) -> None:
    """Neither the list nor the database tells the number; whoever pays can read it with the contributor's key."""
    account = await account_of(contributor, database)
    added = await destination(contributor, database, account)

    [shown] = (await contributor.get("/v1/payout-destinations")).json()["data"]
    async with transaction(database) as connection:
        cursor = await connection.execute("SELECT sealed FROM payout_destinations WHERE id = %s", [added])
        sealed = bytes((await cursor.fetchone())[0])  # type: ignore[index]
        bank = await bank_account(connection, settings.master_key, UUID(added))

    assert (added, "DE", "3000") == (shown["id"], shown["country"], shown["hint"])
    assert b"0532" not in sealed
    assert b"Amina" not in sealed
    assert (IBAN.replace(" ", ""), "Amina Okello", "COBADEFFXXX") == (bank.iban, bank.holder, bank.bic)


async def test_a_removed_destination_is_erased(contributor: Client, database: Pool, settings: Settings) -> None:
    account = await account_of(contributor, database)
    added = await destination(contributor, database, account)

    assert 204 == (await contributor.delete(f"/v1/payout-destinations/{added}")).status_code

    assert [] == (await contributor.get("/v1/payout-destinations")).json()["data"]
    assert 404 == (await contributor.delete(f"/v1/payout-destinations/{uuid4()}")).status_code
    async with transaction(database) as connection:
        with pytest.raises(DestinationMissing):
            await bank_account(connection, settings.master_key, UUID(added))
    kinds = [event["kind"] for event in (await contributor.get("/v1/events")).json()["data"]]
    assert ["payout_destination.added", "payout_destination.removed"] == kinds


async def test_a_destination_with_a_payout_on_its_way_stays(contributor: Client, database: Pool) -> None:
    """The bank may still ask who it was."""
    account = await account_of(contributor, database)
    await earned(database, account, 50_000_000)
    added = await destination(contributor, database, account)
    await contributor.post("/v1/payouts", json={"destination": added})

    refused = await contributor.delete(f"/v1/payout-destinations/{added}")

    assert (409, "destination-in-use") == (refused.status_code, slug(refused))


async def test_every_destination_can_be_seen_and_so_removed(
    contributor: Client, database: Pool, settings: Settings
) -> None:
    """The list ended with the newest twenty; the one behind them stayed, and could still be paid to."""
    account = await account_of(contributor, database)
    for number in range(21):
        bank = BankAccount("Amina Okello", f"DE{number:020}", None)
        async with transaction(database) as connection:
            await add(connection, settings.master_key, account, uuid4(), bank, timedelta(days=1))

    assert 21 == len((await contributor.get("/v1/payout-destinations")).json()["data"])

"""Money that a claim or a debt holds: no way around either, whatever its owner does meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg.errors
import pytest

from api.validation import Workplace
from storage import availability, corrections, erasures, payout_destinations, payouts, third_party_claims
from storage.balance_transactions import Draft, write
from storage.database import Pool, transaction
from storage.ledger import accounts
from storage.ledger.accounts import Balance
from storage.ledger.errors import AlreadyReversed, Overdrawn
from storage.ledger.posting import Leg, post
from tests.api import trading
from tests.api.paying import account_of, destination, earned
from tests.api.test_accruals import PAY, due

Client = httpx.AsyncClient
Leave = Callable[[Client, Pool, str], Awaitable[Any]]


async def euros(database: Pool, account: UUID) -> Balance:
    """What somebody has in euros."""
    async with transaction(database) as connection:
        return next(balance for balance in await accounts.balances(connection, account) if balance.currency == "EUR")


async def withdraw(contributor: Client, database: Pool, recording: str) -> None:
    """Take every use back."""
    assert 202 == (await trading.withdraw(contributor, recording)).status_code


async def delete(contributor: Client, database: Pool, recording: str) -> None:
    """Let the recording go."""
    assert 204 == (await contributor.delete(f"/v1/recordings/{recording}")).status_code


async def erase(contributor: Client, database: Pool, recording: str) -> None:
    """Leave for good."""
    account = await account_of(contributor, database)
    async with transaction(database) as connection:
        await erasures.erase(connection, account)


@pytest.mark.parametrize("leave", [withdraw, delete, erase])
async def test_whoever_leaves_does_not_take_along_what_a_claim_holds(
    place: Workplace,
    contributor: Client,
    client: Client,
    campaign: dict[str, Any],
    database: Pool,
    owner_url: str,
    leave: Leave,
):
    """It stays pending until a person has decided, and is its owner's if the claim is dismissed."""
    recording = await trading.accepted(place, contributor, campaign)
    account = await account_of(contributor, database)
    about = {"kind": "identity", "where_heard": f"It is the passport {recording}.", "contact": "amina@example.org"}
    assert 202 == (await client.post("/v1/third-party-claims", json=about)).status_code
    due(owner_url, account)

    await leave(contributor, database, recording)
    async with transaction(database) as connection:
        await availability.release(connection)
    held = await euros(database, account)
    async with transaction(database) as connection:
        (case,) = [one for one in await third_party_claims.listing(connection) if str(one.recording_id) == recording]
        await third_party_claims.resolve(connection, case.id, None, "dismissed", "It is not you.")
        await availability.release(connection)

    assert (PAY, 0) == (held.pending, held.available)
    assert PAY == (await euros(database, account)).available


@pytest.mark.parametrize("leave", [None, withdraw, delete], ids=["stays", "withdrawn", "deleted"])
@pytest.mark.parametrize("take_back", [None, "It is somebody else's voice."], ids=["kept", "taken back"])
async def test_an_upheld_claim_decides_about_the_pay_in_the_same_moment(
    place: Workplace,
    contributor: Client,
    client: Client,
    operator: Client,
    campaign: dict[str, Any],
    database: Pool,
    owner_url: str,
    leave: Leave | None,
    take_back: str | None,
):
    """It is its owner's from then on, once, or it was taken back before anything could be paid out."""
    recording = await trading.accepted(place, contributor, campaign)
    account = await account_of(contributor, database)
    about = {"kind": "identity", "where_heard": f"It is the passport {recording}.", "contact": "amina@example.org"}
    assert 202 == (await client.post("/v1/third-party-claims", json=about)).status_code
    due(owner_url, account)
    if leave is not None:
        await leave(contributor, database, recording)
    cases = (await operator.get("/v1/operator/third-party-claims", params={"only": "open"})).json()["data"]
    (case,) = [case["id"] for case in cases if case["recording_id"] == recording]
    upheld = {"state": "upheld", "answer": "You are right.", "take_back": take_back}

    decided = await operator.post(f"/v1/operator/third-party-claims/{case}/resolution", json=upheld)
    again = await operator.post(f"/v1/operator/third-party-claims/{case}/resolution", json=upheld)
    for _ in range(2):
        async with transaction(database) as connection:
            await availability.release(connection)

    assert [201, 201] == [decided.status_code, again.status_code]
    found = await euros(database, account)
    assert (0, 0 if take_back else PAY, 0) == (found.pending, found.available, found.receivable)
    lines = (await contributor.get("/v1/balance-transactions")).json()["data"]
    assert ([take_back] if take_back else []) == [line["because"] for line in lines if line["type"] == "reversal"]


async def ask(contributor: Client, target: str) -> httpx.Response:
    """Ask for everything that is available."""
    return await contributor.post("/v1/payouts", json={"destination": target})


@pytest.mark.parametrize(
    "way", [["cancelled"], ["approved", "submitted", "failed"], ["approved", "submitted", "paid", "returned"]]
)
async def test_a_payout_that_comes_back_settles_what_its_owner_owes(
    contributor: Client, database: Pool, way: list[payouts.State]
):
    """An earning is taken back while its payout is under way: what comes back is not theirs to ask for again."""
    account = await account_of(contributor, database)
    await earned(database, account, 20_000_000)
    target = await destination(contributor, database, account)
    payout = UUID((await ask(contributor, target)).json()["id"])
    await owes(database, account, 15_000_000)

    async with transaction(database) as connection:
        for state in way:
            await payouts.move(connection, payout, state, by="operator", because="test")
    balance = await euros(database, account)
    again = await ask(contributor, target)

    assert (5_000_000, 0) == (balance.available, balance.receivable)
    assert 5_000_000 == again.json()["amount"]["micros"]


async def owes(database: Pool, account: UUID, micros: int) -> None:
    """Let somebody owe, as what was taken back after it left does."""
    async with transaction(database) as connection:
        debt = await accounts.of(connection, account, "contributor_receivable", "EUR")
        costs = await accounts.ours(connection, "recording_costs", "EUR")
        transaction_id = await post(connection, f"test {uuid4()}", "clawback", [Leg(debt, costs, micros)])
        line = Draft(account_id=account, type="adjustment", currency="EUR", gross=-micros, because="test")
        await write(connection, transaction_id, [line])


async def test_what_an_operator_adds_or_frees_settles_what_is_owed(contributor: Client, database: Pool):
    """Money becomes available in more ways than by the clock."""
    account = await account_of(contributor, database)
    await earned(database, account, 4_000_000)
    async with transaction(database) as connection:
        await corrections.hold(connection, str(uuid4()), account, "EUR", 4_000_000, "We look into a claim.")
    await owes(database, account, 10_000_000)

    await earned(database, account, 3_000_000)
    between = await euros(database, account)
    async with transaction(database) as connection:
        await corrections.hold(connection, str(uuid4()), account, "EUR", -4_000_000, "It was unfounded.")

    after = await euros(database, account)
    assert [(0, 7_000_000), (0, 3_000_000)] == [(one.available, one.receivable) for one in (between, after)]


async def test_whoever_owes_is_not_paid_out_whatever_code_asks(contributor: Client, database: Pool):
    """What both became before debts were settled everywhere is settled when a payout is asked for."""
    account = await account_of(contributor, database)
    await earned(database, account, 20_000_000)
    target = await destination(contributor, database, account)
    await owes(database, account, 1_000_000)

    with pytest.raises(psycopg.errors.CheckViolation, match="owes"):
        async with transaction(database) as connection:
            await payouts._set_aside(connection, account, UUID(target), "EUR", 10_000_000)

    assert 19_000_000 == (await ask(contributor, target)).json()["amount"]["micros"]


async def test_no_more_is_freed_than_is_held(contributor: Client, database: Pool):
    """What a payout set aside lies beside it, and would be paid twice or not at all."""
    account = await account_of(contributor, database)
    await earned(database, account, 20_000_000)
    await ask(contributor, await destination(contributor, database, account))
    await earned(database, account, 2_000_000)
    async with transaction(database) as connection:
        await corrections.hold(connection, str(uuid4()), account, "EUR", 2_000_000, "We look into a claim.")
        await corrections.hold(connection, str(uuid4()), account, "EUR", -2_000_000, "It was unfounded.")

    with pytest.raises(Overdrawn):
        async with transaction(database) as connection:
            await corrections.hold(connection, str(uuid4()), account, "EUR", -1, "twice")

    assert (2_000_000, 20_000_000) == ((found := await euros(database, account)).available, found.reserved)


async def test_a_destination_is_removed_before_a_payout_or_not_at_all(contributor: Client, database: Pool):
    """One that is removed while a payout is asked for would stop the file that pays everybody."""
    account = await account_of(contributor, database)
    await earned(database, account, 20_000_000)
    target = UUID(await destination(contributor, database, account))

    async with transaction(database) as connection:
        await payouts.request(connection, account, target, None, 0)
        removing = asyncio.create_task(_removed(database, account, target))
        await asyncio.sleep(0.3)
        assert not removing.done()

    assert not await removing
    async with transaction(database) as connection:
        assert await payout_destinations.find(connection, account, target)


async def _removed(database: Pool, account: UUID, target: UUID) -> bool:
    async with transaction(database) as connection:
        return await payout_destinations.remove(connection, account, target)


@pytest.mark.parametrize("way", [(), ("approved",)], ids=["requested", "approved"])
async def test_a_payout_that_a_restore_brought_back_to_somebody_erased_is_paid_by_their_receipt(
    contributor: Client, database: Pool, way: tuple[payouts.State, ...]
):
    """Where it was to go is forgotten with them; it must neither wait for ever nor stop what pays the others."""
    account = await account_of(contributor, database)
    await earned(database, account, 8_000_000)
    target = await destination(contributor, database, account)
    made = (await contributor.post("/v1/payouts", json={"destination": target})).json()["id"]
    async with transaction(database) as connection:
        for state in way:
            await payouts.move(connection, UUID(made), state, by="operator")
        await erasures.erase(connection, account, anew=True)
        again = await payouts.request_for_closed(connection, account, "DE")

    assert 8_000_000 == again.micros


async def test_an_earning_that_is_taken_back_twice_at_once_is_taken_back_once(
    place: Workplace, contributor: Client, campaign: dict[str, Any], database: Pool
):
    """The second operator hears that it was, in a sentence."""
    recording = await trading.accepted(place, contributor, campaign)
    (line,) = (await contributor.get("/v1/balance-transactions")).json()["data"]

    async def taken_back() -> None:
        async with transaction(database) as connection:
            await corrections.claw_back(connection, UUID(line["id"]), f"Not {recording}.")
            await asyncio.sleep(0.3)

    first, second = await asyncio.gather(taken_back(), taken_back(), return_exceptions=True)

    assert {type(None), AlreadyReversed} == {type(first), type(second)}

"""A payment provider on a bad day: lost answers, reports that contradict each other, payouts that it chokes on.

Whatever it does, money is not paid twice, is not lost between us, and one payout holds up no other.
"""

import asyncio
import contextlib
import logging
from uuid import UUID

import httpx
import pytest

from api.errors import ProviderUnavailable
from api.provider_events import ask_silent, submit_approved
from api.settings import Settings
from storage import payouts
from storage.database import Pool, transaction
from tests.api.paying import account_of, destination, earned
from tests.api.providing import Provider, passed, signed, state

Client = httpx.AsyncClient
#: The provider reads the payout and hangs up.
HANGS_UP: tuple[int, bytes] = (0, b"")


async def another(contributor: Client, database: Pool) -> str:
    """One more payout that may go, behind the first."""
    account = await account_of(contributor, database)
    await earned(database, account, 5_000_000)
    target = await destination(contributor, database, account)
    made = (await contributor.post("/v1/payouts", json={"destination": target})).json()["id"]
    async with transaction(database) as connection:
        await payouts.move(connection, UUID(made), "approved", by="operator")
    return str(made)


async def available(contributor: Client) -> int:
    """What can be asked for now, in micros."""
    [balance] = (await contributor.get("/v1/balances")).json()["data"]
    return int(balance["available"]["micros"])


async def ticked(database: Pool, settings: Settings, provider: Provider, *numbers: str) -> None:
    """Let the clock hand over again, two minutes later; a provider that is away is nobody's fault."""
    for number in numbers:
        await passed(database, number, 2)
    with contextlib.suppress(ProviderUnavailable):
        await submit_approved(database, settings.master_key, provider.url)


async def test_a_report_that_came_before_our_answer_does_not_stop_the_asking(
    contributor: Client, client: Client, database: Pool, settings: Settings, provider: Provider, approved: str
) -> None:
    """The answer was lost, its first event came, and the one that it arrived was lost: it is asked for all the same."""
    provider.answers = {approved: HANGS_UP}
    await ticked(database, settings, provider)
    assert 204 == (await client.post("/v1/provider-events", **signed("payout.in_transit", approved))).status_code
    provider.standings = {approved: {"state": "paid"}}
    await passed(database, approved, 11)
    await ask_silent(database, provider.url)

    assert "paid" == await state(contributor, approved)


@pytest.mark.parametrize("heard", ["event", "answer"])
async def test_what_failed_after_it_was_paid_has_come_back(
    contributor: Client,
    client: Client,
    database: Pool,
    settings: Settings,
    provider: Provider,
    approved: str,
    heard: str,
) -> None:
    """Some providers say `failed` of what another bank sent back: the money is its owner's again, not nobody's."""
    await submit_approved(database, settings.master_key, provider.url)
    await client.post("/v1/provider-events", **signed("payout.paid", approved))
    if heard == "event":
        await client.post("/v1/provider-events", **signed("payout.failed", approved))
    else:
        provider.standings = {approved: {"state": "failed", "code": "AC04"}}
        await passed(database, approved, 25 * 60)
        await ask_silent(database, provider.url)

    shown = (await contributor.get(f"/v1/payouts/{approved}")).json()
    assert ("returned", "AC04") == (shown["state"], shown["failure"]["code"])
    assert 12_340_000 == await available(contributor)


async def test_what_is_paid_after_it_failed_is_told_to_an_operator(
    contributor: Client,
    client: Client,
    database: Pool,
    settings: Settings,
    provider: Provider,
    approved: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its owner could have asked again by then, so no machine takes the money back; but nobody may overlook it."""
    await submit_approved(database, settings.master_key, provider.url)
    with caplog.at_level(logging.INFO, "companion.payouts"):
        for kind in ("payout.failed", "payout.in_transit", "payout.paid"):
            assert 204 == (await client.post("/v1/provider-events", **signed(kind, approved))).status_code

    assert "failed" == await state(contributor, approved)
    assert [logging.INFO, logging.ERROR] == [record.levelno for record in caplog.records]


@pytest.mark.parametrize(
    ("standing", "becomes"),
    [("accepted", "submitted"), ("in_transit", "in_transit"), ("failed", "failed"), (None, "failed")],
)
async def test_a_refusal_of_what_the_provider_has_already_is_not_believed(
    contributor: Client,
    database: Pool,
    settings: Settings,
    provider: Provider,
    approved: str,
    standing: str | None,
    becomes: str,
) -> None:
    """Its answer was lost; to a second handing over it says that there is such a payout. That is no failure."""
    provider.answers = {approved: HANGS_UP}
    await ticked(database, settings, provider)
    provider.answers = {approved: (422, b'{"because": "duplicate end_to_end_id"}')}
    provider.standings = {approved: {"state": standing}} if standing else {}
    await ticked(database, settings, provider, approved)

    assert becomes == await state(contributor, approved)
    assert (12_340_000 if becomes == "failed" else 0) == await available(contributor)


async def test_a_refusal_that_cannot_be_checked_waits(
    contributor: Client, database: Pool, settings: Settings, provider: Provider, approved: str
) -> None:
    """Money is given back only where the provider says that it does not have the payout."""
    provider.answers = {approved: (422, b'{"because": "closed"}')}
    provider.refusing_questions = True
    await submit_approved(database, settings.master_key, provider.url)
    waits = await state(contributor, approved)
    provider.refusing_questions = False
    await ticked(database, settings, provider, approved)

    assert ("submitted", "failed") == (waits, await state(contributor, approved))


async def test_a_payout_that_the_provider_hangs_up_on_holds_up_no_other(
    contributor: Client, database: Pool, settings: Settings, provider: Provider, approved: str
) -> None:
    """Whoever choked is asked last the next time."""
    behind = await another(contributor, database)
    provider.answers = {approved: HANGS_UP}
    for _ in range(2):
        await ticked(database, settings, provider, approved, behind)

    assert behind in provider.taken


async def test_a_question_that_the_provider_hangs_up_on_holds_up_no_other(
    contributor: Client, database: Pool, settings: Settings, provider: Provider, approved: str
) -> None:
    """The payouts behind it are asked for, too."""
    behind = await another(contributor, database)
    await submit_approved(database, settings.master_key, provider.url)
    provider.standings = {approved: {"state": "hang up"}, behind: {"state": "paid"}}
    for _ in range(2):
        for number in (approved, behind):
            await passed(database, number, 11)
        with contextlib.suppress(ProviderUnavailable):
            await ask_silent(database, provider.url)

    assert "paid" == await state(contributor, behind)


async def test_a_payout_to_a_bank_account_that_is_gone_holds_up_no_other(
    other: Client, database: Pool, settings: Settings, provider: Provider, approved: str
) -> None:
    """As after a restore, when its owner is erased anew."""
    behind = await another(other, database)
    async with transaction(database) as connection:
        await connection.execute(
            "UPDATE payout_destinations SET sealed = NULL, removed_at = now() "
            "WHERE id = (SELECT destination_id FROM payouts WHERE id = %s)", [approved]
        )  # fmt: skip
    await ticked(database, settings, provider, approved, behind)

    assert behind in provider.taken
    assert approved not in provider.taken


async def test_two_workers_hand_a_payout_over_once(
    database: Pool, settings: Settings, provider: Provider, approved: str
) -> None:
    """A provider that is slow is not asked by everybody at once."""
    await asyncio.gather(*(submit_approved(database, settings.master_key, provider.url) for _ in range(4)))

    assert 1 == provider.given.count(approved)


async def test_a_cancelled_payout_does_not_stop_the_others_of_its_batch(
    contributor: Client, database: Pool, settings: Settings, provider: Provider, approved: str
) -> None:
    """It is called back in the very moment in which it is to go."""
    behind = await another(contributor, database)
    async with transaction(database) as holding:
        await payouts.move(holding, UUID(approved), "cancelled", by="contributor")
        going = asyncio.create_task(submit_approved(database, settings.master_key, provider.url))
        await asyncio.sleep(0.3)
    await going

    assert "cancelled" == await state(contributor, approved)
    assert (0, 1) == (provider.given.count(approved), provider.given.count(behind))


async def test_a_provider_that_is_away_for_an_hour_gets_everything_once(
    contributor: Client, database: Pool, settings: Settings, provider: Provider, approved: str
) -> None:
    """Turn by turn it is tried again; then it has each payout, is given none twice, and the money is on its way."""
    behind = await another(contributor, database)
    provider.refusing = True
    for _ in range(12):
        await ticked(database, settings, provider, approved, behind)
    provider.refusing = False
    for _ in range(3):
        await ticked(database, settings, provider, approved, behind)

    assert {approved, behind} <= provider.taken.keys()
    assert [13, 13] == [provider.given.count(number) for number in (approved, behind)]
    assert 0 == await available(contributor)

"""Pay: an accepted recording earns once, whoever accepts it; a sale pays everybody; what is due becomes available."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from api.validation import Workplace
from storage import availability, corrections, recordings, royalties
from storage.balance_transactions import BalanceTransaction, Draft, Wanted, listing, write
from storage.database import Pool, run, transaction
from storage.ledger import accounts
from storage.ledger.accounts import Balance
from storage.ledger.audit import audit
from storage.ledger.errors import AlreadyReversed, CurrencyUnknown, PostingDiffers, PostingEmpty
from storage.ledger.posting import Leg, post
from storage.settling import settle
from tests.api import taking, trading
from tests.api.earning import owner
from tests.api.test_quotes import change, opened

Client = httpx.AsyncClient
#: What the demo's campaign pays for the eleven seconds of every test recording: 12 an hour.
PAY = 36_667


@pytest.fixture(autouse=True)
async def screening_list(database: Pool) -> None:
    await trading.listed(database)


@pytest.fixture
async def recording(place: Workplace, contributor: Client, campaign: dict[str, Any]) -> UUID:
    return UUID(await trading.accepted(place, contributor, campaign))


async def lines(database: Pool, account: UUID) -> list[BalanceTransaction]:
    async with transaction(database) as connection:
        return await listing(connection, account, Wanted(), before=None, limit=200)


async def euros(database: Pool, account: UUID) -> Balance:
    async with transaction(database) as connection:
        return (await accounts.balances(connection, account))[0]


async def test_an_accepted_recording_earns_its_rate_for_its_milliseconds(database: Pool, recording: UUID):
    """Pending, in the very transaction that accepted it, for as long as the sheet holds it."""
    account = await owner(database, recording)

    (line,) = await lines(database, account)
    balance = await euros(database, account)

    assert ("earning", PAY, 0, 0, PAY) == (
        line.type,
        line.gross_micros,
        line.fee_micros,
        line.tax_micros,
        line.net_micros,
    )
    assert recording == line.recording_id
    assert 7 == (line.available_at - line.created_at).days
    assert (PAY, 0) == (balance.pending, balance.available)


async def test_a_recording_that_is_accepted_again_is_not_paid_again(database: Pool, recording: UUID):
    """A claim is dismissed, and the recording goes back to where it was."""
    async with transaction(database) as connection:
        await recordings.move(connection, recording, "held", by="operator", because="claim")
    async with transaction(database) as connection:
        await recordings.move(connection, recording, "accepted", by="operator", because="dismissed")

    assert 1 == len(await lines(database, await owner(database, recording)))


async def test_what_was_taken_out_is_not_paid(
    database: Pool, place: Workplace, contributor: Client, campaign: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    """A second and a half of somebody else's voice, listed twice with an overlap."""
    moved = trading.move

    async def cut_first(connection: Any, recording: UUID, to: Any, **more: Any) -> Any:
        if to == "accepted":
            for start, end in ((1000, 2000), (1500, 2500)):
                await run(
                    connection,
                    "INSERT INTO removed_spans VALUES (%(recording)s, %(start)s, %(end)s, 'bystander')",
                    recording=recording,
                    start=start,
                    end=end,
                )
        return await moved(connection, recording, to, **more)

    monkeypatch.setattr(trading, "move", cut_first)
    recording = UUID(await trading.accepted(place, contributor, campaign))

    (line,) = await lines(database, await owner(database, recording))
    assert round(12_000_000 * 9500 / 3_600_000) == line.gross_micros


async def test_the_contributor_hears_of_the_pay_in_the_stream(contributor: Client, recording: UUID):
    events = (await contributor.get("/v1/events")).json()["data"]

    told = [event for event in events if event["kind"] == "earning.created"]
    assert [str(recording)] == [event["recording"] for event in told]
    assert {"currency": "EUR", "micros": PAY} == told[0]["data"]["net"]


async def test_deleting_a_recording_leaves_what_it_earned(database: Pool, contributor: Client, recording: UUID):
    account = await owner(database, recording)
    assert 204 == (await contributor.delete(f"/v1/recordings/{recording}")).status_code

    assert PAY == (await euros(database, account)).pending


async def test_what_is_due_becomes_available_once_however_many_workers_look(
    database: Pool, owner_url: str, recording: UUID
):
    account = await owner(database, recording)
    due(owner_url, account)

    async def look() -> int:
        async with transaction(database) as connection:
            return await availability.release(connection)

    released = await asyncio.gather(*(look() for _ in range(6)))

    assert 1 <= sum(released)
    balance = await euros(database, account)
    assert (0, PAY) == (balance.pending, balance.available)
    assert all(line.released_at for line in await lines(database, account))


async def test_nothing_is_released_before_its_date(database: Pool, recording: UUID):
    async with transaction(database) as connection:
        await availability.release(connection)

    assert PAY == (await euros(database, await owner(database, recording))).pending


async def test_what_a_claim_holds_stays_pending(database: Pool, owner_url: str, recording: UUID):
    account = await owner(database, recording)
    async with transaction(database) as connection:
        await recordings.move(connection, recording, "held", by="operator", because="claim")
    due(owner_url, account)
    async with transaction(database) as connection:
        await availability.release(connection)

    assert PAY == (await euros(database, account)).pending


def due(owner_url: str, account: UUID) -> None:
    """Let a week go by for everything that somebody earned: only the tables' owner can, without its triggers."""
    with psycopg.connect(owner_url) as connection:
        connection.execute("ALTER TABLE balance_transactions DISABLE TRIGGER balance_transactions_fixed")
        connection.execute(
            "UPDATE balance_transactions SET available_at = now() - interval '1 s' WHERE account_id = %s", [account]
        )
        connection.execute("ALTER TABLE balance_transactions ENABLE TRIGGER balance_transactions_fixed")


async def test_a_sale_pays_every_contributor_the_share_of_their_sheet(
    database: Pool, operator: Client, contributor: Client, recording: UUID
):
    """Half of the price, worked out from it; the rest is ours, and the buyer owes the whole."""
    account = await owner(database, recording)
    buyer = await trading.buyer(operator)
    sold = await trading.sell(operator, buyer["id"], await trading.version(operator, [str(recording)]))
    assert 201 == sold.status_code, sold.text

    line = (await lines(database, account))[0]
    async with transaction(database) as connection:
        owes = await accounts.sums(connection, await accounts.of(connection, UUID(buyer["id"]), "buyer", "EUR"))
        again = await royalties.settle_sale(connection, UUID(sold.json()["id"]))
    assert ("royalty", 50_000_000) == (line.type, line.net_micros)
    assert 50_000_000 + PAY == (await euros(database, account)).pending
    assert -100_000_000 == owes.balance
    assert 0 == again


async def test_a_derivative_pays_what_the_sheet_promises_once_for_each_report(
    database: Pool, client: Client, operator: Client, recording: UUID, campaign: dict[str, Any]
):
    """A buyer sold annotations made from the recordings, and reports it twice."""
    sheet = (await client.get(campaign["term_sheet"]["url"])).json()
    shares = {royalty["event"]: royalty["share_bps"] for royalty in sheet["price"]["royalties"]}
    buyer = await trading.buyer(operator)
    sold = await trading.sell(operator, buyer["id"], await trading.version(operator, [str(recording)]))

    paid = []
    for _ in range(2):
        async with transaction(database) as connection:
            sale, report = UUID(sold.json()["id"]), {"kind": "annotation", "reference": "2026-11"}
            paid.append(
                await royalties.settle_derivative(connection, sale, currency="EUR", revenue=1_000_000, **report)
            )

    for revenue, currency, number, refused in (
        (1_000_001, "EUR", "2026-11", PostingDiffers),
        (1_000_000, "ZZZ", "2026-12", CurrencyUnknown),
        (0, "EUR", "2026-12", PostingEmpty),
    ):
        with pytest.raises(refused):
            async with transaction(database) as connection:
                await royalties.settle_derivative(
                    connection, sale, currency=currency, revenue=revenue, kind="annotation", reference=number
                )

    line = (await lines(database, await owner(database, recording)))[0]
    assert 0 < shares["derivative_sale"]
    assert [1, 0] == paid
    assert ("derivative_royalty", 100 * shares["derivative_sale"]) == (line.type, line.net_micros)


async def test_an_earning_is_taken_back_with_a_reason(database: Pool, contributor: Client, recording: UUID):
    account = await owner(database, recording)
    (line,) = await lines(database, account)

    async with transaction(database) as connection:
        assert 0 == await corrections.claw_back(connection, line.id, "It was recorded by somebody else.")
    with pytest.raises(AlreadyReversed):
        async with transaction(database) as connection:
            await corrections.claw_back(connection, line.id, "again")

    back, first = await lines(database, account)
    assert (first.id, back.id, -PAY) == (back.reverses, first.reversed_by, back.net_micros)
    assert "It was recorded by somebody else." == back.because
    assert 0 == (await euros(database, account)).pending
    events = (await contributor.get("/v1/events")).json()["data"]
    assert "earning.reversed" in [event["kind"] for event in events]


async def test_what_was_paid_out_already_is_owed_and_later_earnings_settle_it(
    database: Pool, place: Workplace, owner_url: str, contributor: Client, campaign: dict[str, Any], recording: UUID
):
    account = await owner(database, recording)
    due(owner_url, account)
    async with transaction(database) as connection:
        await availability.release(connection)
        here = await accounts.of(connection, account, "contributor_available", "EUR")
        gone = await accounts.of(connection, account, "contributor_paid", "EUR")
        payout = await post(connection, f"test {uuid4()}", "payout_paid", [Leg(here, gone, 30_000)])
        await write(connection, payout, [Draft(account_id=account, type="payout", currency="EUR", gross=-30_000)])
    first = (await lines(database, account))[-1]

    async with transaction(database) as connection:
        owed = await corrections.claw_back(connection, first.id, "fraud")
    assert 30_000 == owed == (await euros(database, account)).receivable

    await trading.accepted(place, contributor, campaign)
    due(owner_url, account)
    async with transaction(database) as connection:
        await availability.release(connection)

    balance = await euros(database, account)
    assert (0, PAY - 30_000) == (balance.receivable, balance.available)


async def test_an_adjustment_and_a_hold_are_posted_once_and_read_with_their_reason(
    database: Pool, contributor: Client, recording: UUID
):
    account, key = await owner(database, recording), str(uuid4())

    for _ in range(2):
        async with transaction(database) as connection:
            await corrections.adjust(connection, key, account, "EUR", 2_000_000, "We lost a recording of yours.")
            await corrections.hold(connection, key, account, "EUR", 500_000, "We look into a claim.")

    balance = await euros(database, account)
    assert (1_500_000, 500_000) == (balance.available, balance.reserved)
    assert "We lost a recording of yours." == (await lines(database, account))[0].because
    kinds = [event["kind"] for event in (await contributor.get("/v1/events")).json()["data"]]
    assert (1, 1) == (kinds.count("balance.adjusted"), kinds.count("balance.held"))


async def test_corrections_and_releases_at_the_same_moment_never_wait_in_a_circle(
    database: Pool, owner_url: str, recording: UUID
):
    """Both touch the same balance and tell the same contributor."""
    account = await owner(database, recording)
    due(owner_url, account)

    async def adjust() -> None:
        async with transaction(database) as connection:
            await corrections.adjust(connection, str(uuid4()), account, "EUR", 1, "test")

    async def release() -> None:
        async with transaction(database) as connection:
            await availability.release(connection)

    await asyncio.gather(*(work() for _ in range(10) for work in (adjust, release)))

    assert PAY + 10 == (await euros(database, account)).available


async def test_a_recording_accepted_before_there_was_a_ledger_is_paid_later(
    database: Pool, place: Workplace, contributor: Client, campaign: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    async def nothing(*_: object) -> None: ...

    with monkeypatch.context() as before:
        before.setattr(recordings, "accrue", nothing)
        recording = UUID(await trading.accepted(place, contributor, campaign))
    account = await owner(database, recording)
    assert [] == await lines(database, account)

    await settle(database)

    assert [PAY] == [line.net_micros for line in await lines(database, account)]


async def test_a_rate_of_very_small_coins_stops_nobody_s_money(database: Pool, place: Workplace, contributor: Client):
    """Twice a rate and a length can be more than 64 bits hold, and everybody's clock and audit would stand still."""
    campaign = await opened(database, contributor, 1)
    await change(database, campaign, "rate_micros = 1000000000000000")
    recording = UUID(await trading.accepted(place, contributor, campaign))

    await settle(database)
    async with transaction(database) as connection:
        await audit(connection)

    (line,) = await lines(database, await owner(database, recording))
    assert 10**15 * 11 // 3600 + 1 == line.gross_micros


async def test_the_audit_agrees_with_everything_above(database: Pool, recording: UUID):
    """What contributors read, what is on hold, and who was accepted."""
    async with transaction(database) as connection:
        findings = await audit(connection)

    assert [] == [finding for finding in findings if finding.wrong]
    assert all(finding.looked_at for finding in findings if "reversal" not in finding.question)


async def test_a_recording_from_a_phone_is_examined_accepted_and_paid(
    place: Workplace, contributor: Client, campaign: dict[str, Any]
):
    """The whole way: announced, sent, examined by the worker, agreed to by its owner, and then paid, to the micro."""
    recording = await taking.submit(contributor, campaign, taking.speech(), language="en")
    seen = await taking.examined(place, contributor, recording)
    assert "needs_consent" == seen["recording"]["state"]
    before = (await contributor.get("/v1/balances")).json()["data"]

    await taking.agree(contributor, campaign, recording)

    (balance,) = (await contributor.get("/v1/balances")).json()["data"]
    assert [] == before
    assert PAY == balance["pending"]["micros"]

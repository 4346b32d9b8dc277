"""Posting: all legs or none, once for each key, never below a floor, and never without the ledger's own functions."""

import asyncio
from uuid import uuid4

import psycopg
import pytest

from storage.database import Pool, transaction
from storage.ledger import accounts, checkpoints
from storage.ledger.audit import audit, drift, totals
from storage.ledger.errors import (
    AccountUnknown,
    AlreadyReversed,
    Overdrawn,
    PostingDiffers,
    PostingEmpty,
    TransactionMissing,
)
from storage.ledger.posting import Leg, post, reverse
from tests.storage.ledger.conftest import balance, paid_in, purse

TABLES = ("ledger_accounts", "ledger_balances", "ledger_transactions", "ledger_transfers", "ledger_checkpoints")


async def test_a_posting_moves_every_leg(database: Pool):
    mine, recording = await purse(database), uuid4()

    async with transaction(database) as connection:
        legs = [Leg(mine.costs, mine.pending, 500, recording), Leg(mine.pending, mine.available, 200, recording)]
        await post(connection, f"test {uuid4()}", "accrual", legs)

    assert (300, 200) == (await balance(database, mine.pending), await balance(database, mine.available))


async def test_the_same_key_posts_once_even_at_the_same_moment(database: Pool):
    """Forty clients that lost their answer send the posting again, all at once."""
    mine, key = await purse(database), f"test {uuid4()}"

    async def again() -> object:
        async with transaction(database) as connection:
            return await post(connection, key, "accrual", [Leg(mine.costs, mine.available, 700)])

    numbers = await asyncio.gather(*(again() for _ in range(40)))

    assert 1 == len(set(numbers))
    assert 700 == await balance(database, mine.available)


async def test_a_key_that_belongs_to_other_legs_is_refused(database: Pool):
    mine, key = await purse(database), f"test {uuid4()}"
    async with transaction(database) as connection:
        await post(connection, key, "accrual", [Leg(mine.costs, mine.available, 700)])

    with pytest.raises(PostingDiffers):
        async with transaction(database) as connection:
            await post(connection, key, "accrual", [Leg(mine.costs, mine.available, 701)])


async def test_many_payouts_at_once_never_take_more_than_there_is(database: Pool):
    """A hundred clients ask for 10 of 100: ten get it, and the balance is exactly nothing."""
    mine = await purse(database)
    await paid_in(database, mine, 100)
    async with transaction(database) as connection:
        reserved = await accounts.of(connection, mine.owner, "contributor_reserved", "EUR")

    async def take() -> bool:
        try:
            async with transaction(database) as connection:
                await post(connection, f"test {uuid4()}", "payout_requested", [Leg(mine.available, reserved, 10)])
        except Overdrawn:
            return False
        return True

    taken = await asyncio.gather(*(take() for _ in range(100)))

    assert 10 == sum(taken)
    assert (0, 100) == (await balance(database, mine.available), await balance(database, reserved))


async def test_one_overdrawn_leg_takes_back_all_the_others(database: Pool):
    rich, poor = await purse(database), await purse(database)

    legs = [Leg(rich.costs, rich.available, 5), Leg(poor.available, rich.available, 1)]
    with pytest.raises(Overdrawn):
        async with transaction(database) as connection:
            await post(connection, f"test {uuid4()}", "adjustment", legs)

    assert 0 == await balance(database, rich.available)


async def test_transactions_that_cross_each_other_never_wait_in_a_circle(database: Pool):
    """A pays B while B pays A, many times over, in one leg and in several."""
    one, two = await purse(database), await purse(database)
    for who in (one, two):
        await paid_in(database, who, 10_000)

    async def cross(number: int) -> None:
        there, back = (one, two) if number % 2 else (two, one)
        legs = [Leg(there.available, back.available, 1)] * (1 + number % 3)
        async with transaction(database) as connection:
            await post(connection, f"test {uuid4()}", "adjustment", legs)

    await asyncio.gather(*(cross(number) for number in range(120)))

    assert 20_000 == await balance(database, one.available) + await balance(database, two.available)


async def test_a_transaction_of_several_currencies_is_reversed_as_a_whole(database: Pool):
    euro, yen = await purse(database), await purse(database, "JPY")
    async with transaction(database) as connection:
        legs = [Leg(euro.costs, euro.available, 12), Leg(yen.costs, yen.available, 34)]
        done = await post(connection, f"test {uuid4()}", "adjustment", legs)

    async with transaction(database) as connection:
        await reverse(connection, f"test {uuid4()}", done, "posted by mistake")

    assert (0, 0) == (await balance(database, euro.available), await balance(database, yen.available))


async def test_a_transaction_is_reversed_once(database: Pool):
    mine = await purse(database)
    done = await paid_in(database, mine, 12)
    async with transaction(database) as connection:
        await reverse(connection, f"reversal {done}", done, "once")
    async with transaction(database) as connection:
        # The same request again is the same reversal.
        await reverse(connection, f"reversal {done}", done, "once")

    with pytest.raises(AlreadyReversed):
        async with transaction(database) as connection:
            await reverse(connection, f"test {uuid4()}", done, "twice")


async def test_what_was_paid_out_cannot_simply_be_reversed(database: Pool):
    """The money has moved on; taking it back is a clawback, which says so."""
    mine, other = await purse(database), await purse(database)
    done = await paid_in(database, mine, 12)
    async with transaction(database) as connection:
        await post(connection, f"test {uuid4()}", "adjustment", [Leg(mine.available, other.available, 5)])

    with pytest.raises(Overdrawn):
        async with transaction(database) as connection:
            await reverse(connection, f"test {uuid4()}", done, "too late")


async def test_an_unknown_transaction_cannot_be_reversed(database: Pool):
    with pytest.raises(TransactionMissing):
        async with transaction(database) as connection:
            await reverse(connection, f"test {uuid4()}", uuid4(), "never was")


async def test_legs_between_currencies_and_unknown_accounts_are_refused(database: Pool):
    euro, yen = await purse(database), await purse(database, "JPY")

    for leg in (
        Leg(euro.available, yen.available, 1),
        Leg(euro.costs, 2**60, 1),
        Leg(2**60, euro.available, 1),
    ):
        for legs in ([leg], [Leg(euro.costs, euro.available, 1), leg]):
            with pytest.raises(AccountUnknown):
                async with transaction(database) as connection:
                    await post(connection, f"test {uuid4()}", "adjustment", legs)


async def test_a_posting_of_nothing_is_refused(database: Pool):
    mine = await purse(database)

    for legs in ([], [Leg(mine.costs, mine.available, 0)], [Leg(mine.costs, mine.available, -5)]):
        with pytest.raises(PostingEmpty):
            async with transaction(database) as connection:
                await post(connection, f"test {uuid4()}", "adjustment", legs)


async def test_an_unknown_currency_or_kind_opens_no_account(database: Pool):
    async with transaction(database) as connection:
        with pytest.raises(AccountUnknown):
            await accounts.ours(connection, "contributor_pending", "EUR")  # type: ignore[arg-type]


async def test_two_that_open_the_same_account_get_the_same_one(database: Pool):
    owner = uuid4()

    async def opened() -> int:
        async with transaction(database) as connection:
            return await accounts.of(connection, owner, "contributor_pending", "EUR")

    assert 1 == len(set(await asyncio.gather(*(opened() for _ in range(16)))))


@pytest.mark.parametrize("table", TABLES)
async def test_the_service_can_read_the_ledger_and_write_no_row(database_url: str, table: str):
    """What an attacker gets through the API's own connection is the functions of the ledger, and no row."""
    rights = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER")
    with psycopg.connect(database_url) as connection:
        asked = [connection.execute("SELECT has_table_privilege(%s, %s)", [table, right]) for right in rights]

        assert [True, False, False, False, False, False] == [answer.fetchone() == (True,) for answer in asked]


@pytest.mark.parametrize("table", [table for table in TABLES if table != "ledger_balances"])
async def test_not_even_the_owner_of_the_tables_rewrites_history(owner_url: str, table: str):
    with psycopg.connect(owner_url) as connection:
        column = connection.execute(f"SELECT * FROM {table} LIMIT 0").description[-1].name  # type: ignore[index]
        for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"):
            with pytest.raises(psycopg.errors.RestrictViolation), connection.transaction():
                connection.execute(statement)


async def test_a_row_that_the_owner_writes_moves_the_balance_as_well(database: Pool, owner_url: str):
    """The balance follows the transfer, not the function that wrote it."""
    mine = await purse(database)
    done = await paid_in(database, mine, 12)

    with psycopg.connect(owner_url) as connection:
        connection.execute(
            "INSERT INTO ledger_transfers (transaction_id, debit_id, credit_id, currency, micros)"
            " VALUES (%s, %s, %s, 'EUR', 3)",
            [done, mine.available, mine.pending],
        )

    assert (9, 3) == (await balance(database, mine.available), await balance(database, mine.pending))


async def test_a_row_of_no_transaction_or_of_another_currency_is_refused(database: Pool, owner_url: str):
    """Also by whoever owns the tables: nothing moves without a transaction that says why."""
    euro, yen = await purse(database), await purse(database, "JPY")
    done = await paid_in(database, euro, 12)
    insert = (
        "INSERT INTO ledger_transfers (transaction_id, debit_id, credit_id, currency, micros)"
        " SELECT %s, unnest(%s::bigint[]), unnest(%s::bigint[]), 'EUR', 3"
    )

    with psycopg.connect(owner_url) as connection:
        for number, credited in ((uuid4(), euro.pending), (done, yen.pending)):
            for legs in (1, 2):
                values = [number, [euro.available] * legs, [credited] * legs]
                with pytest.raises(psycopg.errors.CheckViolation), connection.transaction():
                    connection.execute(insert, values)

    assert 12 == await balance(database, euro.available)


async def test_checkpoints_change_no_balance(database: Pool):
    """Before and after, and with postings in between, a busy account reads the same as its transfers."""
    mine = await purse(database)
    before = await balance(database, mine.costs)
    for _ in range(3):
        await paid_in(database, mine, 10)
        await checkpoints.take(database)
    await paid_in(database, mine, 10)

    assert before - 40 == await balance(database, mine.costs)


async def test_a_checkpoint_waits_for_postings_in_flight(database: Pool):
    """A transfer whose number is drawn and not yet committed must not fall between two checkpoints."""
    mine = await purse(database)
    await checkpoints.take(database)
    before = await balance(database, mine.costs)

    async with transaction(database) as slow:
        await post(slow, f"test {uuid4()}", "accrual", [Leg(mine.costs, mine.available, 7)])
        taking = asyncio.create_task(checkpoints.take(database))
        await asyncio.sleep(0.1)
        assert not taking.done()
    await taking
    await paid_in(database, mine, 5)
    await checkpoints.take(database)

    assert before - 12 == await balance(database, mine.costs)


async def test_the_audit_finds_nothing_and_all_sums_are_zero(database: Pool):
    mine = await purse(database)
    await paid_in(database, mine, 12)
    await checkpoints.take(database)

    async with transaction(database) as connection:
        findings, sums = await audit(connection), await totals(connection)

    assert [] == [finding for finding in findings if finding.wrong]
    assert all(finding.looked_at for finding in findings[:3])
    for currency in {total.currency for total in sums}:
        assert 0 == sum(total.balance for total in sums if total.currency == currency)


async def test_the_audit_finds_a_balance_that_somebody_changed(database: Pool, owner_url: str):
    mine = await purse(database)
    await paid_in(database, mine, 12)

    async with await psycopg.AsyncConnection.connect(owner_url) as connection:
        query = "UPDATE ledger_balances SET credits = credits + 3 WHERE account_id = %s"
        await connection.execute(query, [mine.available])
        drifted = await (await connection.execute("SELECT account_id FROM ledger_drift")).fetchall()
        micros = await drift(connection)
        await connection.rollback()

    assert ([(mine.available,)], 3) == (drifted, micros)

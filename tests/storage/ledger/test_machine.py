"""The ledger under random work: whatever is posted in whatever order, sums are zero and no floor is broken.

hypothesis chooses the postings; a plain dictionary says what must have happened. Rules post batches at the same moment
from several connections as well, where the model only knows that none may be lost and none may be counted twice.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar
from uuid import UUID, uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from storage.database import Pool, pool, transaction
from storage.ledger import accounts, checkpoints
from storage.ledger.audit import audit, totals
from storage.ledger.errors import AlreadyReversed, Overdrawn
from storage.ledger.posting import Kind, Leg, post, reverse

Value = TypeVar("Value")
PEOPLE = 3
CURRENCIES = ("EUR", "JPY")
PLACES = ("contributor_pending", "contributor_available", "contributor_reserved", "contributor_in_transit")
MICROS = st.integers(1, 1000)
PERSON = st.integers(0, PEOPLE - 1)
CURRENCY = st.sampled_from(CURRENCIES)
STEP = st.sampled_from(list(zip(PLACES, (*PLACES[1:], PLACES[0]), strict=True)))


class Ledger(RuleBasedStateMachine):
    """Contributors earn, are paid, are reversed; `known` is what every account must hold."""

    url: str

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.database: Pool = self.done(self.opened())
        self.known: dict[int, int] = {}
        self.posted: list[tuple[UUID, list[Leg]]] = []
        self.undone: set[UUID] = set()
        self.asked: list[tuple[UUID, str, Kind, list[Leg]]] = []

    def done(self, work: Coroutine[Any, Any, Value]) -> Value:
        return self.runner.run(work)

    async def opened(self) -> Pool:
        database = pool(self.url, largest=4)
        await database.open()
        return database

    def teardown(self) -> None:
        self.done(self.database.close())
        self.runner.close()

    @initialize()
    def people(self) -> None:
        self.done(self.open_accounts())

    async def open_accounts(self) -> None:
        self.of: dict[tuple[int, str, str], int] = {}
        self.costs: dict[str, int] = {}
        owners = [uuid4() for _ in range(PEOPLE)]
        async with transaction(self.database) as connection:
            for currency in CURRENCIES:
                self.costs[currency] = await accounts.ours(connection, "recording_costs", currency)
                for place in PLACES:
                    numbers = await accounts.of_each(connection, owners, place, currency)  # type: ignore[arg-type]
                    for person, owner in enumerate(owners):
                        self.of[person, place, currency] = numbers[owner]
                        self.known[numbers[owner]] = 0

    async def posting(self, key: str, kind: Kind, legs: list[Leg]) -> UUID | None:
        try:
            async with transaction(self.database) as connection:
                return await post(connection, key, kind, legs)
        except Overdrawn:
            return None

    def fits(self, legs: list[Leg]) -> bool:
        """Whether every account stays at its floor or above once all legs have moved."""
        after = dict(self.known)
        self.move(after, legs)
        return min(after.values()) >= 0

    @staticmethod
    def move(balances: dict[int, int], legs: list[Leg]) -> None:
        for leg in legs:
            for account, micros in ((leg.debit, -leg.micros), (leg.credit, leg.micros)):
                if account in balances:
                    balances[account] += micros

    def attempt(self, kind: Kind, legs: list[Leg]) -> None:
        """Post, and expect that it works exactly when there is enough on every account."""
        key = f"machine {uuid4()}"
        number = self.done(self.posting(key, kind, legs))
        assert (number is not None) == self.fits(legs)
        if number is not None:
            self.move(self.known, legs)
            self.posted.append((number, legs))
            self.asked.append((number, key, kind, legs))

    @rule(person=PERSON, currency=CURRENCY, micros=MICROS, fee=st.integers(0, 100))
    def earn(self, person: int, currency: str, micros: int, fee: int) -> None:
        """An accepted recording: what it pays, and a fee out of it."""
        pending = self.of[person, "contributor_pending", currency]
        legs = [Leg(self.costs[currency], pending, micros)]
        legs += [Leg(pending, self.costs[currency], fee)] if fee else []
        self.attempt("accrual", legs)

    @rule(person=PERSON, currency=CURRENCY, micros=MICROS, step=STEP)
    def pass_on(self, person: int, currency: str, micros: int, step: tuple[str, str]) -> None:
        """Pending becomes available, a payout is asked for, sent, returned."""
        there, to = step
        legs = [Leg(self.of[person, there, currency], self.of[person, to, currency], micros)]
        self.attempt("release", legs)

    @rule(micros=st.lists(MICROS, min_size=PEOPLE * 2, max_size=PEOPLE * 2))
    def sell(self, micros: list[int]) -> None:
        """A sale pays everybody at once, in both currencies."""
        to = [self.of[person, "contributor_pending", currency] for person in range(PEOPLE) for currency in CURRENCIES]
        costs = [self.costs[currency] for _ in range(PEOPLE) for currency in CURRENCIES]
        legs = [Leg(*leg) for leg in zip(costs, to, micros, strict=True)]
        self.attempt("royalty", legs)

    @precondition(lambda self: self.posted)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        """Any transaction, a reversal as well, can be reversed once, if the money is still there."""
        number, legs = data.draw(st.sampled_from(self.posted))
        back = [Leg(leg.credit, leg.debit, leg.micros) for leg in legs]
        try:
            undoing = self.done(self.undoing(number))
        except AlreadyReversed:
            assert number in self.undone
            return
        except Overdrawn:
            assert not self.fits(back)
            return
        assert number not in self.undone
        self.undone.add(number)
        self.move(self.known, back)
        self.posted.append((undoing, back))

    async def undoing(self, number: UUID) -> UUID:
        async with transaction(self.database) as connection:
            return await reverse(connection, f"machine {uuid4()}", number, "a test")

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """The answer was lost, and the same request comes again: nothing moves."""
        number, key, kind, legs = data.draw(st.sampled_from(self.asked))
        assert number == self.done(self.posting(key, kind, legs))

    @rule(person=PERSON, currency=CURRENCY, micros=MICROS, clients=st.integers(2, 4))
    def race(self, person: int, currency: str, micros: int, clients: int) -> None:
        """Several ask at the same moment: exactly as many get it as the balance has room for."""
        there, to = self.of[person, PLACES[1], currency], self.of[person, PLACES[2], currency]
        legs = [Leg(there, to, micros)]

        async def all_at_once() -> list[UUID | None]:
            asked = (self.posting(f"machine {uuid4()}", "payout_requested", legs) for _ in range(clients))
            return await asyncio.gather(*asked)

        room = self.known[there] // micros
        got = [number for number in self.done(all_at_once()) if number is not None]
        assert min(room, clients) == len(got)
        for number in got:
            self.move(self.known, legs)
            self.posted.append((number, legs))

    @rule()
    def checkpoint(self) -> None:
        self.done(checkpoints.take(self.database))

    @invariant()
    def every_account_holds_what_it_must(self) -> None:
        self.done(self.look())

    async def look(self) -> None:
        async with transaction(self.database) as connection:
            for account, known in self.known.items():
                assert known == (await accounts.sums(connection, account)).balance

    async def proof(self) -> None:
        async with transaction(self.database) as connection:
            assert [] == [finding for finding in await audit(connection) if finding.wrong]
            sums = await totals(connection)
        for currency in CURRENCIES:
            assert 0 == sum(total.balance for total in sums if total.currency == currency)


def test_whatever_is_posted_the_ledger_holds(database_url: str):
    """Two hundred steps in all, and at the end of them the audit of the whole database."""
    Ledger.url = database_url
    Ledger.TestCase.settings = settings(
        max_examples=8, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
    )
    test = Ledger.TestCase()
    test.runTest()

    ledger = Ledger()
    try:
        ledger.done(ledger.proof())
    finally:
        ledger.teardown()

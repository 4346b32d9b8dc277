"""Everybody's money under random work: earn, sell, claim, correct, withhold, pay out, send back, leave, in any order.

hypothesis chooses what happens next, and what happens at the same moment. After
every step each amount lies exactly where payouts, holds and lines say, and the month's statement says the same.
COMPANION_FAULT_MONEY says how many histories are tried.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, TypeVar
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec import Struct

from api.statement_forms import lines_of
from api.validation import Workplace
from storage import corrections, erasures, payouts, royalties, statements, tax, third_party_claims
from storage.database import Connection, Pool, every, transaction
from storage.errors import StorageError
from storage.ledger import accounts
from storage.ledger.audit import drift, totals
from storage.settling import release, settle_sales
from storage.statements import Due
from storage.tax import Rule
from tests.api import trading
from tests.api.paying import account_of, confirmed, destination
from tests.api.providing import signed
from tests.api.test_accruals import due

Client = httpx.AsyncClient
Value = TypeVar("Value")
HISTORIES = int(os.environ.get("COMPANION_FAULT_MONEY", "3"))
PEOPLE = 2
PERSON = st.integers(0, PEOPLE - 1)
MICROS = st.one_of(st.integers(-3_000_000, 3_000_000), st.integers(-20, 20)).filter(bool)
STATES = ("approved", "cancelled", "submitted", "in_transit", "paid", "failed", "returned")
REPORTS = ("payout.in_transit", "payout.paid", "payout.failed", "payout.returned")

pytestmark = pytest.mark.timeout(300 + 120 * HISTORIES)


class _Sum(accounts.Balance, frozen=True):
    """What payouts and lines say of somebody in one currency, beside what the ledger has."""

    waiting: int
    under_way: int
    arrived: int
    read: int


SUMS = """
    SELECT l.*,
        coalesce(sum(p.micros) FILTER (WHERE p.state IN ('requested', 'approved')), 0)::bigint AS waiting,
        coalesce(sum(p.micros) FILTER (WHERE p.state IN ('submitted', 'in_transit')), 0)::bigint AS under_way,
        coalesce(sum(p.micros) FILTER (WHERE p.state = 'paid'), 0)::bigint AS arrived,
        (SELECT coalesce(sum(net_micros), 0) FROM balance_transactions b
         WHERE b.account_id = %(owner)s AND b.currency = l.currency)::bigint AS read
    FROM (""" + accounts.BALANCES.replace("ORDER BY currency", "") + """) AS l
    LEFT JOIN payouts p ON p.account_id = %(owner)s AND p.currency = l.currency
    GROUP BY l.currency, l.pending, l.available, l.reserved, l.in_transit, l.paid, l.receivable
"""  # fmt: skip


class _Id(Struct, frozen=True):
    id: UUID


LINES = """
    SELECT id FROM balance_transactions WHERE account_id = ANY (%(owners)s)
    AND type IN ('earning', 'royalty', 'derivative_royalty') ORDER BY id
"""


class Money(RuleBasedStateMachine):
    """Two contributors, a buyer and an operator; `held` is what the operator set aside for each."""

    loop: ClassVar[asyncio.AbstractEventLoop]
    place: ClassVar[Workplace]
    sign_in: ClassVar[Callable[..., Awaitable[Client]]]
    client: ClassVar[Client]
    campaign: ClassVar[dict[str, Any]]
    owner_url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.recordings: list[tuple[int, str]] = []
        self.sales: list[UUID] = []
        self.claims: list[UUID] = []
        self.payouts: list[UUID] = []
        self.held = [0] * PEOPLE
        self.gone: set[int] = set()

    @property
    def database(self) -> Pool:
        return self.place.database

    def done(self, work: Coroutine[Any, Any, Value]) -> Value:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def tried(self, *work: Callable[[Connection], Awaitable[Value]]) -> list[Value | StorageError]:
        """Do this, each in a transaction of its own, all at the same moment; what is refused has done nothing."""

        async def attempt(one: Callable[[Connection], Awaitable[Value]]) -> Value | StorageError:
            try:
                async with transaction(self.database) as connection:
                    return await one(connection)
            except StorageError as refused:
                return refused

        async def all_at_once() -> list[Value | StorageError]:
            return list(await asyncio.gather(*(attempt(one) for one in work)))

        return self.done(all_at_once())

    @initialize()
    def people(self) -> None:
        self.done(self.opened())

    async def opened(self) -> None:
        self.clients = [await self.sign_in() for _ in range(PEOPLE)]
        self.operator = await self.sign_in("operator")
        self.owners = [await account_of(client, self.database) for client in self.clients]
        self.targets = [
            UUID(await destination(client, self.database, owner))
            for client, owner in zip(self.clients, self.owners, strict=True)
        ]
        await trading.listed(self.database)
        self.buyer = (await trading.buyer(self.operator))["id"]

    @precondition(lambda self: len(self.recordings) < 6)
    @rule(person=PERSON)
    def accept(self, person: int) -> None:
        if person not in self.gone:
            made = self.done(trading.accepted(self.place, self.clients[person], self.campaign))
            self.recordings.append((person, made))

    @precondition(lambda self: self.recordings)
    @rule(data=st.data(), currency=st.sampled_from(["EUR", "JPY"]), price=st.integers(0, 50_000_000))
    def sell(self, data: st.DataObject, currency: str, price: int) -> None:
        chosen = data.draw(st.lists(st.sampled_from(self.recordings), min_size=1, unique=True))
        self.done(self.sold([recording for _, recording in chosen], currency, price))

    async def sold(self, recordings: list[str], currency: str, price: int) -> None:
        try:
            dataset = await trading.version(self.operator, recordings)
        except AssertionError:
            # One of them may not be in a dataset any more.
            return
        answer = await trading.sell(
            self.operator, self.buyer, dataset, currency=currency, price_micros=price, without_refused=True
        )
        assert answer.status_code in {201, 409, 422}, answer.text
        if answer.status_code == 201:
            self.sales.append(UUID(answer.json()["id"]))

    @precondition(lambda self: self.sales)
    @rule(data=st.data(), revenue=st.integers(1, 9_000_000), reference=st.integers(1, 2))
    def derive(self, data: st.DataObject, revenue: int, reference: int) -> None:
        """A buyer reports what it earned, now and then twice, also with another amount."""
        sale = data.draw(st.sampled_from(self.sales))
        self.tried(
            lambda connection: royalties.settle_derivative(
                connection, sale, kind="annotation", reference=str(reference), currency="EUR", revenue=revenue
            )
        )

    @precondition(lambda self: self.recordings)
    @rule(data=st.data())
    def object_to(self, data: st.DataObject) -> None:
        _, recording = data.draw(st.sampled_from(self.recordings))
        objection = third_party_claims.Objection("identity", f"Passport {recording}.", "a@example.org", os.urandom(32))
        [made] = self.tried(lambda connection: third_party_claims.claim(connection, objection))
        if not isinstance(made, StorageError):
            self.claims.append(made[0].id)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), upheld=st.booleans(), take_back=st.booleans())
    def decide(self, data: st.DataObject, upheld: bool, take_back: bool) -> None:
        """Twice at the same moment: the second changes nothing."""
        claim = data.draw(st.sampled_from(self.claims))
        state: Literal["upheld", "dismissed"] = "upheld" if upheld else "dismissed"
        why = "Not yours." if take_back else None

        async def resolve(connection: Connection) -> Any:
            return await third_party_claims.resolve(connection, claim, None, state, "So it is.", take_back=why)

        self.tried(resolve, resolve)

    @precondition(lambda self: self.recordings)
    @rule(data=st.data(), deleting=st.booleans())
    def leave(self, data: st.DataObject, deleting: bool) -> None:
        """A recording is withdrawn or deleted, whatever state it is in."""
        person, recording = data.draw(st.sampled_from(self.recordings))
        if person not in self.gone:
            client = self.clients[person]
            asked = client.delete(f"/v1/recordings/{recording}") if deleting else trading.withdraw(client, recording)
            assert self.done(asked).status_code < 500  # type: ignore[arg-type]

    @rule()
    def time_passes(self) -> None:
        """Every hold ends; two workers notice at the same moment."""
        for owner in self.owners:
            due(self.owner_url, owner)

        async def tick() -> None:
            await settle_sales(self.database)
            await asyncio.gather(release(self.database), release(self.database))

        self.done(tick())

    @rule(person=PERSON, micros=MICROS, again=st.booleans())
    def adjust(self, person: int, micros: int, again: bool) -> None:
        key, owner = str(uuid4()), self.owners[person]

        async def work(connection: Connection) -> UUID:
            return await corrections.adjust(connection, key, owner, "EUR", micros, "A test.")

        answers = self.tried(*[work] * (1 + again))
        assert 1 == len({repr(answer) for answer in answers})

    @rule(person=PERSON, micros=MICROS)
    def hold(self, person: int, micros: int) -> None:
        owner = self.owners[person]
        [made] = self.tried(
            lambda connection: corrections.hold(connection, str(uuid4()), owner, "EUR", micros, "A test.")
        )
        if not isinstance(made, StorageError):
            self.held[person] += micros

    @rule(data=st.data(), times=st.integers(1, 2))
    def claw_back(self, data: st.DataObject, times: int) -> None:
        """Once, however often it is asked for at the same moment, and while its hold ends."""

        async def found(connection: Connection) -> list[_Id]:
            return await every(connection, _Id, LINES, owners=self.owners)

        [lines] = self.tried(found)
        if not isinstance(lines, StorageError) and lines:
            line = data.draw(st.sampled_from(lines)).id
            answers = self.tried(*[lambda connection: corrections.claw_back(connection, line, "A test.")] * times)
            assert times - 1 <= sum(isinstance(answer, StorageError) for answer in answers)

    @rule(person=PERSON, micros=st.none() | st.integers(1, 4_000_000), times=st.integers(1, 3))
    def ask(self, person: int, micros: int | None, times: int) -> None:
        """For a payout, from several phones at once."""
        owner, target = self.owners[person], self.targets[person]

        async def work(connection: Connection) -> payouts.Payout:
            return await payouts.request(connection, owner, target, micros, 0)

        made = self.tried(*[work] * times)
        self.payouts += [payout.id for payout in made if not isinstance(payout, StorageError)]

    @precondition(lambda self: self.payouts)
    @rule(data=st.data(), wishes=st.lists(st.sampled_from(STATES), min_size=1, max_size=3))
    def move(self, data: st.DataObject, wishes: list[payouts.State]) -> None:
        """Somebody cancels while a worker hands it over and the bank reports: whatever comes first."""
        payout = data.draw(st.sampled_from(self.payouts))

        def work(to: payouts.State) -> Callable[[Connection], Awaitable[payouts.Payout]]:
            return lambda connection: payouts.move(
                connection, payout, to, by="operator", provider="hooked" if to == "submitted" else None
            )

        self.tried(*[work(to) for to in wishes])

    @precondition(lambda self: self.recordings)
    @rule(person=PERSON, data=st.data(), way=st.sampled_from([["cancelled"], ["approved", "submitted", "failed"]]))
    def owe(self, person: int, data: st.DataObject, way: list[payouts.State]) -> None:
        """What is asked for is taken back on its way, and then its payout comes back."""
        self.time_passes()
        before = len(self.payouts)
        self.ask(person, None, 1)
        self.claw_back(data, 1)
        for payout in self.payouts[before:]:
            for to in way:
                self.tried(
                    lambda connection, payout=payout, to=to: payouts.move(connection, payout, to, by="operator")  # type: ignore[misc]
                )

    @precondition(lambda self: self.payouts)
    @rule(data=st.data(), kinds=st.lists(st.sampled_from(REPORTS), min_size=1, max_size=3))
    def report(self, data: st.DataObject, kinds: list[str]) -> None:
        """The provider tells what happened, in whatever order, at once, and twice."""
        payout = data.draw(st.sampled_from(self.payouts))

        async def all_at_once() -> list[httpx.Response]:
            events = [signed(kind, str(payout)) for kind in kinds]
            posts = [self.client.post("/v1/provider-events", **event) for event in (*events, events[0])]
            return list(await asyncio.gather(*posts))

        assert {answer.status_code for answer in self.done(all_at_once())} <= {204, 404}

    @rule(person=PERSON, bps=st.integers(0, 10_000))
    def tax(self, person: int, bps: int) -> None:
        """Whoever lives there is withheld something else from now on."""
        if person not in self.gone:
            self.done(self.taxed(person, bps))

    async def taxed(self, person: int, bps: int) -> None:
        rule = Rule(
            code=f"r-{uuid4().hex}", residence=f"Q{'AB'[person]}", bps=bps, since=datetime.now(UTC), because="x"
        )
        async with transaction(self.database) as connection:
            await tax.add_rules(connection, [rule])
        await confirmed(self.database, self.owners[person])
        kept = await self.clients[person].put("/v1/tax-profile", json={"residence": rule.residence})
        assert 200 == kept.status_code

    @rule(person=PERSON, sure=st.integers(0, 3))
    def go(self, person: int, sure: int) -> None:
        """Somebody leaves for good, now and then; their money stays where it is."""
        if not sure:
            [made] = self.tried(lambda connection: erasures.erase(connection, self.owners[person]))
            if not isinstance(made, StorageError):
                self.gone.add(person)

    @invariant()
    def everything_lies_where_it_must(self) -> None:
        if hasattr(self, "owners"):
            self.done(self.look())

    async def look(self) -> None:
        async with transaction(self.database) as connection:
            for person, owner in enumerate(self.owners):
                for money in await every(connection, _Sum, SUMS, owner=owner):
                    has = money.pending + money.available + money.reserved + money.in_transit - money.receivable
                    assert (money.under_way, money.arrived) == (money.in_transit, money.paid)
                    assert money.reserved == money.waiting + (self.held[person] if money.currency == "EUR" else 0)
                    assert money.read == has
                    assert not (money.available and money.receivable), "whoever owes has nothing available"
                    month = datetime.now(UTC).date().replace(day=1)
                    content = await statements.month(connection, Due(owner, money.currency, month))
                    lines = lines_of(content)
                    assert has == (lines[-1].balance_micros if lines else content.opening_micros)

    def teardown(self) -> None:
        self.done(self.proof())

    async def proof(self) -> None:
        async with transaction(self.database) as connection:
            assert 0 == await drift(connection)
            sums = await totals(connection)
        for currency in {total.currency for total in sums}:
            assert 0 == sum(total.balance for total in sums if total.currency == currency)


async def test_whatever_happens_every_amount_lies_where_it_must(
    place: Workplace,
    sign_in: Callable[..., Awaitable[Client]],
    client: Client,
    campaign: dict[str, Any],
    owner_url: str,
):
    Money.loop, Money.place, Money.client = asyncio.get_running_loop(), place, client
    Money.sign_in = staticmethod(sign_in)
    Money.campaign, Money.owner_url = campaign, owner_url
    Money.TestCase.settings = settings(
        max_examples=HISTORIES,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        # What happens at once does not happen again in the same order, so there is nothing to make smaller.
        phases=[Phase.generate],
    )
    await asyncio.to_thread(Money.TestCase().runTest)

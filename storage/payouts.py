"""Payouts: money that a contributor asked for, from the request to the bank and, when it comes back, back.

Each move of the state machine and the posting that belongs to it are one transaction; the edges are a table in SQL and
the floors of the ledger's accounts are constraints, so no interleaving of requests can pay more than there is.

    requested   available → reserved        cancelled   reserved → available
    submitted   reserved → in transit       failed      in transit → available
    paid        in transit → paid           returned    paid → available
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, TypeAlias
from uuid import UUID, uuid4

import psycopg.errors
from msgspec import Struct

from storage import debts, payout_destinations
from storage.accounts import lock
from storage.database import Connection, every, one, run
from storage.events import Mover
from storage.ledger import accounts
from storage.ledger.accounts import Owned
from storage.ledger.errors import Overdrawn
from storage.ledger.posting import Kind, Leg, post
from storage.payout_errors import (
    AccountOpen,
    CurrencyUnpayable,
    DestinationResting,
    NothingToPay,
    PayoutMissing,
    PayoutMoveRefused,
    PayoutTooSmall,
)

State: TypeAlias = Literal[
    "requested", "approved", "submitted", "in_transit", "paid", "failed", "returned", "cancelled"
]


class Payout(Struct, frozen=True):
    """One payout; `micros` are whole minor units of its currency."""

    id: UUID
    account_id: UUID
    destination_id: UUID
    currency: str
    micros: int
    state: State
    provider: str | None
    reference: str | None
    moved_because: str | None
    failure_code: str | None
    created_at: datetime
    updated_at: datetime
    asked_at: datetime | None


class Move(Struct, frozen=True):
    """One move of a payout: by whom and why."""

    from_state: State | None
    to_state: State
    moved_by: Mover
    because: str | None
    at: datetime


class Currency(Struct, frozen=True):
    """How many decimal places a currency's smallest coin has."""

    exponent: int

    @property
    def minor_micros(self) -> int:
        """The smallest amount that a bank moves, in micros."""
        return int(10 ** (6 - self.exponent))


class _Available(Struct, frozen=True):
    available: int


class _Promised(Struct, frozen=True):
    micros: int | None


class _Id(Struct, frozen=True):
    id: UUID


#: What each move does to the money: the posting's kind, from which account, to which.
MONEY: dict[State, tuple[Kind, Owned, Owned]] = {
    "cancelled": ("payout_cancelled", "contributor_reserved", "contributor_available"),
    "submitted": ("payout_submitted", "contributor_reserved", "contributor_in_transit"),
    "paid": ("payout_paid", "contributor_in_transit", "contributor_paid"),
    "failed": ("payout_failed", "contributor_in_transit", "contributor_available"),
    "returned": ("payout_returned", "contributor_paid", "contributor_available"),
}
COLUMNS = """
    id, account_id, destination_id, currency, micros, state, provider, reference, moved_because, failure_code,
    created_at, updated_at, asked_at
"""
INSERT = f"""
    INSERT INTO payouts (account_id, destination_id, currency, micros)
    VALUES (%(account)s, %(destination)s, %(currency)s, %(micros)s) RETURNING {COLUMNS}
"""
AVAILABLE = """
    SELECT b.credits - b.debits AS available FROM ledger_balances b JOIN ledger_accounts a ON a.id = b.account_id
    WHERE a.owner_id = %(account)s AND a.kind = 'contributor_available' AND a.currency = %(currency)s
"""


# Of all the sheets that somebody ever agreed to, the one that lets the least be paid: so none is broken.
PROMISED = """
    SELECT min((s.document #>> '{payout,threshold,micros}')::bigint) AS micros
    FROM recordings r JOIN consents c ON c.recording_id = r.id
        JOIN term_sheets s ON s.id = c.term_sheet_id AND s.version = c.term_sheet_version
    WHERE r.account_id = %(account)s AND s.document #>> '{payout,threshold,currency}' = %(currency)s
"""


async def request(
    connection: Connection,
    account: UUID,
    destination: UUID,
    micros: int | None,
    least_micros: int,
    *,
    currency: str = "EUR",
    payable: frozenset[str] = frozenset({"EUR"}),
) -> Payout:
    """Set money aside and ask for its payout; everything that is available when no amount is given.

    An amount is rounded down to the smallest coin; what is left stays on the account. `payable` are the currencies that
    somebody here can move. The smallest payout is `least_micros`, or less where a term sheet promised less. Raises
    DestinationMissing, DestinationResting, CurrencyUnpayable, NothingToPay, PayoutTooSmall, Overdrawn.
    """
    # A destination is removed, and an account erased, before this or after it: a payout to nowhere would stop the file
    # that pays everybody.
    await lock(connection, [account])
    target = await payout_destinations.find(connection, account, destination)
    if not target.usable:
        raise DestinationResting(usable_from=target.usable_from)
    if currency not in payable:
        raise CurrencyUnpayable(currency=currency, payable=sorted(payable))
    promised = await one(connection, _Promised, PROMISED, account=account, currency=currency)
    if promised is not None and promised.micros is not None:
        least_micros = min(least_micros, promised.micros)
    amount = await _amount(connection, account, currency, micros, least_micros)
    return await _set_aside(connection, account, target.id, currency, amount)


CLOSED = "SELECT id FROM accounts WHERE id = %(account)s AND erased_at IS NOT NULL FOR UPDATE"


async def request_for_closed(connection: Connection, account: UUID, country: str) -> Payout:
    """Ask for everything that an erased account has available, however little; nothing is forfeited by leaving.

    Where it goes is kept by nobody: whoever pays has it from its owner at that moment. Raises AccountOpen,
    NothingToPay.
    """
    if await one(connection, _Id, CLOSED, account=account) is None:
        raise AccountOpen
    target = await payout_destinations.unkept(connection, account, country)
    amount = await _amount(connection, account, target.currency, None, 0)
    return await _set_aside(connection, account, target.id, target.currency, amount)


async def _set_aside(connection: Connection, account: UUID, destination: UUID, currency: str, amount: int) -> Payout:
    made = await one(
        connection,
        Payout,
        INSERT,
        account=account,
        destination=destination,
        currency=currency,
        micros=amount,
    )
    assert made is not None  # noqa: S101 - INSERT … RETURNING gives a row or raises.
    await _move_money(connection, made, "payout_requested", "contributor_available", "contributor_reserved")
    return made


async def _amount(connection: Connection, account: UUID, currency: str, micros: int | None, least_micros: int) -> int:
    await debts.settle(connection, [account], currency, because_of=f"request {uuid4()}")
    found = await one(connection, _Available, AVAILABLE, account=account, currency=currency)
    # Not locked: whoever asks at the same moment is stopped by the floor of the account.
    available = 0 if found is None else found.available
    if micros is not None and micros > available:
        raise Overdrawn(available_micros=available, currency=currency)
    smallest = await minor_micros(connection, currency)
    amount = (available if micros is None else micros) // smallest * smallest
    if amount <= 0:
        raise NothingToPay(available_micros=available, currency=currency)
    if amount < least_micros:
        missing = least_micros - amount
        raise PayoutTooSmall(least_micros=least_micros, missing_micros=missing, currency=currency)
    return amount


async def minor_micros(connection: Connection, currency: str) -> int:
    """The smallest amount of a currency that a bank moves, in micros."""
    query = "SELECT exponent FROM currencies WHERE code = %(currency)s"
    found = await one(connection, Currency, query, currency=currency)
    return 10_000 if found is None else found.minor_micros


LOCK = f"SELECT {COLUMNS} FROM payouts WHERE id = %(payout)s FOR UPDATE"
MOVE = f"""
    UPDATE payouts SET state = %(to)s, moved_by = %(by)s, moved_because = %(because)s, updated_at = clock_timestamp(),
        provider = coalesce(%(provider)s, provider), reference = coalesce(%(reference)s, reference),
        failure_code = %(code)s
    WHERE id = %(payout)s RETURNING {COLUMNS}
"""


async def move(
    connection: Connection,
    payout: UUID,
    to: State,
    *,
    by: Mover,
    because: str | None = None,
    code: str | None = None,
    provider: str | None = None,
    reference: str | None = None,
) -> Payout:
    """Move a payout and its money; a repeat changes nothing. What comes back settles what its owner owes.

    `because` are words and `code` is what a bank reports (ISO 20022), of a payout that did not arrive. Raises
    PayoutMissing, PayoutMoveRefused, Overdrawn.
    """
    held = await one(connection, Payout, LOCK, payout=payout)
    if held is None:
        raise PayoutMissing
    if held.state == to:
        return held
    try:
        async with connection.transaction():
            moved = await one(
                connection,
                Payout,
                MOVE,
                payout=payout,
                to=to,
                by=by,
                because=because,
                code=code,
                provider=provider,
                reference=reference,
            )
    except psycopg.errors.CheckViolation as error:
        raise PayoutMoveRefused(state=held.state, asked=to) from error
    assert moved is not None  # noqa: S101 - the row is locked.
    if to in MONEY:
        await _move_money(connection, moved, *MONEY[to])
    return moved


async def _move_money(connection: Connection, payout: Payout, kind: Kind, debit: Owned, credit: Owned) -> None:
    taken = await accounts.of(connection, payout.account_id, debit, payout.currency)
    given = await accounts.of(connection, payout.account_id, credit, payout.currency)
    transaction = await post(connection, f"{kind} {payout.id}", kind, [Leg(taken, given, payout.micros)])
    if kind in LINES:
        line, sign = LINES[kind]
        values = {"account": payout.account_id, "type": line, "currency": payout.currency, "payout": payout.id}
        await run(connection, LINE, **values, micros=sign * payout.micros, transaction=transaction)
    if credit == "contributor_available":
        await debts.settle(connection, [payout.account_id], payout.currency, because_of=f"{kind} {payout.id}")


#: What a contributor reads on the balance: money that left, and money that came back.
LINES: dict[Kind, tuple[str, int]] = {"payout_paid": ("payout", -1), "payout_returned": ("payout_return", 1)}
LINE = """
    INSERT INTO balance_transactions
        (account_id, type, currency, gross_micros, payout_id, transaction_id, available_at, released_at)
    VALUES (%(account)s, %(type)s, %(currency)s, %(micros)s, %(payout)s, %(transaction)s, now(), now())
"""
FIND = f"SELECT {COLUMNS} FROM payouts WHERE id = %(payout)s AND account_id = %(account)s"
LISTED = f"""
    SELECT {COLUMNS} FROM payouts WHERE account_id = %(account)s AND (%(after)s::uuid IS NULL OR id < %(after)s)
    ORDER BY id DESC LIMIT %(limit)s
"""
IN_STATE = f"""
    SELECT {COLUMNS} FROM payouts WHERE state = %(state)s AND (%(currency)s::text IS NULL OR currency = %(currency)s)
    ORDER BY id LIMIT %(limit)s
"""
HANDED = f"SELECT {COLUMNS} FROM payouts WHERE id = %(payout)s AND provider = %(provider)s FOR UPDATE"
# Whoever was asked last comes last, so that one that its provider chokes on holds up no other.
UNANSWERED = f"""
    SELECT {COLUMNS} FROM payouts WHERE state = 'submitted' AND provider = %(provider)s AND reference IS NULL
        AND (asked_at IS NULL OR asked_at < now() - %(again)s)
    ORDER BY asked_at NULLS FIRST, id LIMIT 1000
"""
# What has arrived can come back for some weeks. One that is on its way without a reference is known to its provider:
# its report was quicker than the answer.
SILENT = f"""
    SELECT {COLUMNS} FROM payouts WHERE provider = %(provider)s AND (
        (state = 'in_transit' OR state = 'submitted' AND reference IS NOT NULL)
            AND greatest(updated_at, asked_at) < now() - %(quiet)s
        OR state = 'paid' AND updated_at > now() - interval '30 days'
            AND greatest(updated_at, asked_at) < now() - interval '1 day')
    ORDER BY asked_at NULLS FIRST, id LIMIT 100
"""
TAKE = """
    UPDATE payouts SET asked_at = clock_timestamp()
    WHERE id = %(payout)s AND state = %(state)s AND asked_at IS NOT DISTINCT FROM %(asked)s
"""
REFER = "UPDATE payouts SET reference = %(reference)s WHERE id = %(payout)s"
MOVES = """
    SELECT from_state, to_state, moved_by, because, at FROM payout_moves WHERE payout_id = %(payout)s ORDER BY id
"""


async def find(connection: Connection, account: UUID, payout: UUID) -> Payout:
    """Read one of a contributor's payouts. Raises PayoutMissing."""
    found = await one(connection, Payout, FIND, account=account, payout=payout)
    if found is None:
        raise PayoutMissing
    return found


async def listing(connection: Connection, account: UUID, after: UUID | None, limit: int) -> list[Payout]:
    """List a contributor's payouts, newest first, from the one after `after`."""
    return await every(connection, Payout, LISTED, account=account, after=after, limit=limit)


async def in_state(
    connection: Connection, state: State, *, currency: str | None = None, limit: int | None = None
) -> list[Payout]:
    """List everybody's payouts in one state, oldest first, for whoever moves them on: all of them without a limit."""
    return await every(connection, Payout, IN_STATE, state=state, currency=currency, limit=limit)


async def handed_to(connection: Connection, provider: str, payout: UUID) -> Payout:
    """Find the payout that a provider speaks of, and lock it. Raises PayoutMissing, also for one it was never given."""
    found = await one(connection, Payout, HANDED, payout=payout, provider=provider)
    if found is None:
        raise PayoutMissing
    return found


async def without_reference(connection: Connection, provider: str, again: timedelta) -> list[Payout]:
    """List what a provider was to be given and has not answered within `again`; who waits longest comes first."""
    return await every(connection, Payout, UNANSWERED, provider=provider, again=again)


async def silent(connection: Connection, provider: str, quiet: timedelta) -> list[Payout]:
    """List payouts of which a provider has said nothing for so long, to ask it; each again only after as long.

    One that was paid is asked for once a day, for 30 days: money comes back later than it arrives.
    """
    return await every(connection, Payout, SILENT, provider=provider, quiet=quiet)


async def take(connection: Connection, payout: Payout) -> bool:
    """Note that a provider is being asked about a payout; False when another worker is, or when it has moved on."""
    return bool(await run(connection, TAKE, payout=payout.id, state=payout.state, asked=payout.asked_at))


async def refer(connection: Connection, payout: UUID, reference: str) -> None:
    """Keep what the provider calls a payout, for whoever has to ask there."""
    await run(connection, REFER, payout=payout, reference=reference)


async def moves(connection: Connection, payout: UUID) -> list[Move]:
    """Tell the story of a payout, oldest first."""
    return await every(connection, Move, MOVES, payout=payout)


NEW_EVENT = """
    INSERT INTO provider_events (provider, event_id) VALUES (%(provider)s, %(event)s) ON CONFLICT DO NOTHING
"""


async def heard_first(connection: Connection, provider: str, event: str) -> bool:
    """Note a provider's event; False when it was heard before."""
    return bool(await run(connection, NEW_EVENT, provider=provider, event=event))

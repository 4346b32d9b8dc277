"""Corrections: an operator takes an amount back, adds one, or holds one, always with a reason that its owner reads."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from storage import debts, royalties
from storage.accounts import lock
from storage.balance_transactions import Draft, write
from storage.database import Connection, every, one, run
from storage.errors import EarningMissing
from storage.events import tell
from storage.ledger import accounts
from storage.ledger.errors import AlreadyReversed, Overdrawn
from storage.ledger.posting import Leg, known, post

RELEASED = "UPDATE balance_transactions SET released_at = now() WHERE id = %(line)s AND released_at IS NULL"


class Taken(Struct, frozen=True):
    """The line that is taken back, and whether it was."""

    account_id: UUID
    type: str
    currency: str
    gross_micros: int
    fee_micros: int
    tax_micros: int
    net_micros: int
    recording_id: UUID | None
    sale_id: UUID | None
    derivative_id: UUID | None
    pending: bool


class _Line(Struct, frozen=True):
    id: UUID


TAKE = """
    SELECT account_id, type, currency, gross_micros, fee_micros, tax_micros, net_micros, recording_id, sale_id,
        derivative_id, released_at IS NULL AS pending
    FROM balance_transactions
    WHERE id = %(line)s AND type IN ('earning', 'royalty', 'derivative_royalty') FOR UPDATE
"""
REVERSED = "SELECT id FROM balance_transactions WHERE reverses = %(line)s"


async def claw_back(connection: Connection, line: UUID, because: str) -> int:
    """Take an earning back, in the caller's transaction; return what of it is owed now, in micros.

    What is still pending or available is taken; what was paid out already becomes a debt that later earnings settle.
    Fee and tax go back too. Raises EarningMissing, AlreadyReversed, and Overdrawn when a payout was asked for at the
    same moment: try again then.
    """
    taken = await one(connection, Taken, TAKE, line=line)
    if taken is None:
        raise EarningMissing
    # Asked once the line is locked: whoever took it back while we waited is seen only by the next statement.
    if await one(connection, _Line, REVERSED, line=line):
        raise AlreadyReversed
    facts = {"id": str(line), "net": {"currency": taken.currency, "micros": taken.net_micros}, "because": because}
    await tell(
        connection, taken.account_id, "earning.reversed", recording=taken.recording_id, by="operator", data=facts
    )
    legs, owed = await _legs(connection, taken)
    transaction = await post(connection, f"clawback {line}", "clawback", legs, because=because)
    await run(connection, RELEASED, line=line)
    await write(connection, transaction, [_reversal(line, taken, because)])
    return owed


EARNED = """
    SELECT id FROM balance_transactions b
    WHERE recording_id = %(recording)s AND type IN ('earning', 'royalty', 'derivative_royalty')
      AND NOT EXISTS (SELECT FROM balance_transactions back WHERE back.reverses = b.id) ORDER BY id FOR UPDATE
"""


async def claw_back_recording(connection: Connection, recording: UUID, because: str) -> int:
    """Take back everything that a recording earned and was not taken back yet; return how many lines that is.

    What a large sale is still to pay it is paid first: else the sale would pay it afterwards. Raises Overdrawn as
    `claw_back` does.
    """
    # Lines are locked before their owner, which paying locks.
    await every(connection, _Line, EARNED, recording=recording)
    await royalties.settle_recording(connection, recording)
    lines = await every(connection, _Line, EARNED, recording=recording)
    for line in lines:
        await claw_back(connection, line.id, because)
    return len(lines)


async def _legs(connection: Connection, taken: Taken) -> tuple[list[Leg], int]:
    """Where the money of an earning is now, and the way back to whoever paid for it."""
    recording, currency = taken.recording_id, taken.currency
    back = await accounts.ours(connection, "recording_costs" if taken.type == "earning" else "platform_share", currency)
    source = await accounts.of(
        connection, taken.account_id, "contributor_pending" if taken.pending else "contributor_available", currency
    )
    there = min((await accounts.sums(connection, source)).balance, taken.net_micros)
    owed = taken.net_micros - there
    moves = [(source, there)]
    if owed:
        moves.append((await accounts.of(connection, taken.account_id, "contributor_receivable", currency), owed))
    if taken.fee_micros:
        moves.append((await accounts.ours(connection, "platform_fees", currency), taken.fee_micros))
    if taken.tax_micros:
        moves.append((await accounts.ours(connection, "tax_withheld", currency), taken.tax_micros))
    return [Leg(debit, back, micros, recording) for debit, micros in moves if micros], owed


def _reversal(line: UUID, taken: Taken, because: str) -> Draft:
    return Draft(
        account_id=taken.account_id,
        type="reversal",
        currency=taken.currency,
        gross=-taken.gross_micros,
        fee=-taken.fee_micros,
        tax=-taken.tax_micros,
        recording_id=taken.recording_id,
        sale_id=taken.sale_id,
        derivative_id=taken.derivative_id,
        reverses=line,
        because=because,
    )


async def adjust(connection: Connection, key: str, account: UUID, currency: str, micros: int, because: str) -> UUID:
    """Add an amount to what somebody has available, or take it with a minus; return the transaction's number.

    What is added settles what is owed. The same `key` is the same adjustment. Raises Overdrawn, AccountUnknown.
    """
    await lock(connection, [account])
    available = await accounts.of(connection, account, "contributor_available", currency)
    ours = await accounts.ours(connection, "adjustments", currency)
    leg = Leg(ours, available, micros) if micros > 0 else Leg(available, ours, -micros)
    before = await known(connection, f"adjustment {key}")
    transaction = await post(connection, f"adjustment {key}", "adjustment", [leg], because=because)
    if before is None:
        draft = Draft(account_id=account, type="adjustment", currency=currency, gross=micros, because=because)
        await write(connection, transaction, [draft])
        facts = {"net": {"currency": currency, "micros": micros}, "because": because}
        await tell(connection, account, "balance.adjusted", by="operator", data=facts)
        await debts.settle(connection, [account], currency, because_of=f"adjustment {key}")
    return transaction


class _Held(Struct, frozen=True):
    micros: int


# What waiting payouts set aside lies on the same account, and is theirs.
HELD = """
    SELECT (credits - debits - coalesce((
        SELECT sum(micros) FROM payouts WHERE account_id = %(account)s AND currency = %(currency)s
            AND state IN ('requested', 'approved')), 0))::bigint AS micros
    FROM ledger_balances WHERE account_id = %(reserved)s
"""


async def hold(connection: Connection, key: str, account: UUID, currency: str, micros: int, because: str) -> UUID:
    """Set an available amount aside, or free it with a minus; it stays its owner's.

    The same `key` is the same hold. Raises Overdrawn, also for freeing more than is held.
    """
    await lock(connection, [account])
    available = await accounts.of(connection, account, "contributor_available", currency)
    reserved = await accounts.of(connection, account, "contributor_reserved", currency)
    leg = Leg(available, reserved, micros) if micros > 0 else Leg(reserved, available, -micros)
    before = await known(connection, f"hold {key}")
    held = await one(connection, _Held, HELD, account=account, currency=currency, reserved=reserved)
    if before is None and held is not None and -micros > held.micros:
        raise Overdrawn(held_micros=held.micros, currency=currency)
    transaction = await post(connection, f"hold {key}", "hold" if micros > 0 else "unhold", [leg], because=because)
    if before is None:
        facts = {"net": {"currency": currency, "micros": abs(micros)}, "because": because}
        kind = "balance.held" if micros > 0 else "balance.freed"
        await tell(connection, account, kind, by="operator", data=facts)
        await debts.settle(connection, [account], currency, because_of=f"hold {key}")
    return transaction

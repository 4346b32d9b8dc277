"""Accruals: an accepted recording earns its pay in the transaction that accepts it, whoever accepts it.

`recordings.move` calls this for every move to `accepted`. The amount is pending until the hold of the term sheet is
over; `availability` makes it available then.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct, to_builtins

from storage.balance_transactions import Draft, Written, write
from storage.database import Connection, every, one
from storage.events import News, tell_each
from storage.ledger import accounts
from storage.ledger.posting import Leg, post
from storage.steps import Fee, Rate, Removed, Sheet, Tax, Worked, for_accepting


class Facts(Struct, frozen=True):
    """All that the pay of a recording depends on, as it stands when it is accepted."""

    account_id: UUID
    duration_ms: int
    currency: str
    micros: int
    per_ms: int
    by_sheet: bool
    quote_id: UUID | None
    term_sheet_id: str
    term_sheet_version: int
    fees: list[dict[str, Any]]
    removed: list[dict[str, Any]]
    tax_bps: int
    tax_rule: str
    available_at: datetime


# Nothing is found for a recording that was paid before: a claim that is dismissed accepts it a second time.
FACTS = """
    SELECT r.account_id, coalesce(r.duration_ms, 0) AS duration_ms, t.currency, t.micros, t.per_ms,
        (t.micros, t.per_ms) <> (r.rate_micros, r.rate_per_ms) AS by_sheet, t.quote_id, t.term_sheet_id,
        t.term_sheet_version, coalesce(s.document #> '{price,fees}', '[]') AS fees,
        coalesce((SELECT jsonb_agg(to_jsonb(x) - 'recording_id' ORDER BY start_ms, end_ms)
                  FROM removed_spans x WHERE x.recording_id = r.id), '[]') AS removed,
        w.bps AS tax_bps, w.rule AS tax_rule,
        now() + coalesce(s.document #>> '{payout,hold}', 'P0D')::interval AS available_at
    FROM recordings r CROSS JOIN LATERAL terms_of_pay(r.id) t
        JOIN term_sheets s ON s.id = t.term_sheet_id AND s.version = t.term_sheet_version
        CROSS JOIN LATERAL withholding(r.account_id) w
    WHERE r.id = %(recording)s
      AND NOT EXISTS (SELECT FROM balance_transactions WHERE recording_id = r.id AND type = 'earning')
"""


def work_out(facts: Facts) -> Worked:
    """Work out the pay of an accepted recording from the facts."""
    return for_accepting(
        Rate(facts.micros, facts.per_ms, facts.quote_id, by_sheet=facts.by_sheet),
        facts.duration_ms,
        msgspec.convert(facts.removed, list[Removed]),
        msgspec.convert(facts.fees, list[Fee]),
        Tax(facts.tax_bps, facts.tax_rule),
        Sheet(facts.term_sheet_id, facts.term_sheet_version),
    )


async def accrue(connection: Connection, recording: UUID) -> bool:
    """Pay for an accepted recording, once, in the caller's transaction; its owner hears of it.

    Tells whether there was something to pay.
    """
    facts = await one(connection, Facts, FACTS, recording=recording)
    if facts is None:
        return False
    worked = work_out(facts)
    if worked.gross == 0:
        return False
    transaction = await post(
        connection, f"accrual {recording}", "accrual", await _legs(connection, facts, worked, recording)
    )
    draft = Draft(
        account_id=facts.account_id,
        type="earning",
        currency=facts.currency,
        gross=worked.gross,
        fee=worked.fee,
        tax=worked.tax,
        recording_id=recording,
        worked=worked,
        available_at=facts.available_at,
    )
    await announce(connection, await write(connection, transaction, [draft]))
    return True


async def _legs(connection: Connection, facts: Facts, worked: Worked, recording: UUID) -> list[Leg]:
    """The whole pay arrives as pending, and what is taken from it leaves again, so that both can be seen."""
    pending = await accounts.of(connection, facts.account_id, "contributor_pending", facts.currency)
    costs = await accounts.ours(connection, "recording_costs", facts.currency)
    legs = [Leg(costs, pending, worked.gross, recording)]
    if worked.fee:
        fees = await accounts.ours(connection, "platform_fees", facts.currency)
        legs.append(Leg(pending, fees, worked.fee, recording))
    if worked.tax:
        withheld = await accounts.ours(connection, "tax_withheld", facts.currency)
        legs.append(Leg(pending, withheld, worked.tax, recording))
    return legs


async def announce(connection: Connection, lines: Sequence[Written]) -> None:
    """Tell contributors what they earned."""
    await tell_each(connection, "earning.created", [_news(line) for line in lines])


def _news(line: Written) -> News:
    amount = {"currency": line.currency, "micros": line.net_micros}
    facts = {"id": str(line.id), "net": amount, "available_at": to_builtins(line.available_at)}
    return News(line.account_id, line.recording_id, facts)


class _Id(Struct, frozen=True):
    id: UUID


UNPAID = """
    SELECT r.id FROM recordings r
    WHERE r.state = 'accepted' AND 2::numeric * r.rate_micros * r.duration_ms > r.rate_per_ms
      AND NOT EXISTS (SELECT FROM removed_spans WHERE recording_id = r.id)
      AND NOT EXISTS (SELECT FROM balance_transactions WHERE recording_id = r.id AND type = 'earning')
    ORDER BY r.account_id, r.id LIMIT %(limit)s
"""


async def unpaid(connection: Connection, limit: int = 100) -> list[UUID]:
    """List recordings that were accepted before there was a ledger.

    One that is too short to earn a micro is left out, and none of them has spans that were taken out.
    """
    return [recording.id for recording in await every(connection, _Id, UNPAID, limit=limit)]

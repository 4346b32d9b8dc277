"""Royalties: a sale pays the contributors of its recordings, each by the share that their own term sheet promises.

A sale is settled in batches, each in one posting; how far it is stands in `sale_settlements` and moves with what it
wrote, so that a settlement that was killed goes on where it stopped, and nobody is told or paid twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import psycopg.errors
from msgspec import Struct

from storage.accounts import lock
from storage.accruals import announce
from storage.balance_transactions import Draft, write
from storage.database import Connection, every, one, run
from storage.errors import SaleMissing
from storage.ledger import accounts
from storage.ledger.amounts import split
from storage.ledger.errors import CurrencyUnknown, PostingDiffers, PostingEmpty
from storage.ledger.posting import Leg, post
from storage.steps import Part, Sheet, Tax, Worked, for_selling

#: As many recordings are paid in one posting.
BATCH = 500


class Settlement(Struct, frozen=True):
    """A sale whose contributors are still to be paid, and told unless they were; lines up to `upto` are done."""

    sale_id: UUID
    upto: UUID | None
    telling: bool


class Line(Struct, frozen=True):
    """One recording of a sale; money in micros of the sale's currency."""

    sale_id: UUID
    buyer_id: UUID
    recording_id: UUID
    account_id: UUID
    currency: str
    fee_micros: int
    price_micros: int
    duration_ms: int
    all_ms: int
    share_bps: int
    term_sheet_id: str
    term_sheet_version: int
    tax_bps: int
    tax_rule: str
    available_at: datetime


OPEN = """
    INSERT INTO sale_settlements (sale_id, telling) VALUES (%(sale)s, %(telling)s) ON CONFLICT DO NOTHING
"""
HELD = "SELECT sale_id, upto, telling FROM sale_settlements WHERE sale_id = %(sale)s FOR UPDATE"
FREE = "SELECT sale_id, upto, telling FROM sale_settlements WHERE sale_id = %(sale)s FOR UPDATE SKIP LOCKED"
WAITING = "SELECT sale_id AS id FROM sale_settlements ORDER BY since, sale_id LIMIT 1000"
# What all lines share is worked out once, not for each of them: a sheet is long, and a sale may be, too.
# OFFSET 0 keeps each line's question what was paid for it one of its own. As a join, and with figures from before the
# sale, PostgreSQL reads for each line everything that was paid for the sale so far: ever more, batch by batch.
UNSETTLED = """
    WITH whole AS MATERIALIZED (SELECT sum(duration_ms)::bigint AS ms FROM sale_lines WHERE sale_id = %(sale)s),
    sheets AS MATERIALIZED (
        SELECT id, version, coalesce(document #>> '{payout,hold}', 'P0D')::interval AS hold FROM term_sheets)
    SELECT l.sale_id, s.buyer_id, l.recording_id, l.account_id, l.currency, l.fee_micros, s.price_micros, l.duration_ms,
        whole.ms AS all_ms, l.share_bps, c.term_sheet_id, c.term_sheet_version, w.bps AS tax_bps, w.rule AS tax_rule,
        now() + t.hold AS available_at
    FROM sale_lines l CROSS JOIN whole JOIN sales s ON s.id = l.sale_id JOIN consents c ON c.id = l.consent_id
        JOIN sheets t ON t.id = c.term_sheet_id AND t.version = c.term_sheet_version
        CROSS JOIN LATERAL withholding(l.account_id) w
    WHERE l.sale_id = %(sale)s AND l.recording_id = ANY(%(recordings)s) AND l.contributor_micros > 0
      AND NOT EXISTS (SELECT FROM balance_transactions b WHERE b.sale_id = l.sale_id
                      AND b.recording_id = l.recording_id AND b.type = 'royalty' OFFSET 0)
    ORDER BY l.account_id, l.recording_id
"""
NEXT = """
    SELECT recording_id, account_id FROM sale_lines
    WHERE sale_id = %(sale)s AND recording_id > coalesce(%(upto)s::uuid, '00000000-0000-0000-0000-000000000000')
    ORDER BY recording_id LIMIT %(limit)s
"""
TELL = """
    SELECT tell(line.account_id, 'use.started', line.recording_id, 'operator', jsonb_build_object(
        'sale', s.id, 'buyer', b.legal_name, 'country', b.country, 'dataset', d.title, 'version', s.version,
        'uses', line.uses, 'until', rfc3339(s.ends_at), 'currency', line.currency,
        'share_micros', line.contributor_micros))
    FROM (SELECT * FROM sale_lines WHERE sale_id = %(sale)s AND recording_id = ANY(%(recordings)s)
          ORDER BY account_id, recording_id) AS line
        JOIN sales s ON s.id = line.sale_id JOIN buyers b ON b.id = s.buyer_id JOIN datasets d ON d.id = s.dataset_id
"""
SETTLING = """
    SELECT l.sale_id AS id, l.account_id FROM sale_settlements JOIN sale_lines l USING (sale_id)
    WHERE l.recording_id = %(recording)s ORDER BY l.sale_id
"""
# No more than what is told of them locks, but before their owners: whoever withdraws holds the recording, then its
# owner, and would wait for this in a circle.
HOLD = "SELECT id FROM recordings WHERE id = ANY(%(recordings)s) ORDER BY id FOR KEY SHARE"
MOVED_ON = "UPDATE sale_settlements SET upto = %(upto)s WHERE sale_id = %(sale)s"
DONE = "DELETE FROM sale_settlements WHERE sale_id = %(sale)s"


class _Sale(Struct, frozen=True):
    id: UUID
    account_id: UUID


class _Sold(Struct, frozen=True):
    recording_id: UUID
    account_id: UUID


async def open_settlement(connection: Connection, sale: UUID, *, telling: bool = True) -> None:
    """Note that the contributors of a sale are to be paid and, unless they were, told; in the caller's transaction."""
    await run(connection, OPEN, sale=sale, telling=telling)


async def settle_sale(connection: Connection, sale: UUID) -> int:
    """Tell and pay everybody whose recording was sold, in the caller's transaction; return how many were paid."""
    settled = 0
    while settlement := await one(connection, Settlement, HELD, sale=sale):
        settled += await settle_some(connection, settlement) or 0
    return settled


async def waiting(connection: Connection) -> list[UUID]:
    """List sales whose contributors are still to be paid, the longest first."""
    return [row.id for row in await every(connection, _Id, WAITING)]


async def settle_next(connection: Connection, sale: UUID) -> bool:
    """Tell and pay the next few of a sale; False when everybody is paid, or somebody else is paying them."""
    settlement = await one(connection, Settlement, FREE, sale=sale)
    return settlement is not None and await settle_some(connection, settlement) is not None


async def settle_some(connection: Connection, settlement: Settlement) -> int | None:
    """Tell and pay the next few of a settlement that the caller holds; return how many were paid, None at its end."""
    sale = settlement.sale_id
    sold = await every(connection, _Sold, NEXT, sale=sale, upto=settlement.upto, limit=BATCH)
    if not sold:
        await _keep_ours(connection, sale)
        await run(connection, DONE, sale=sale)
        return None
    recordings = [line.recording_id for line in sold]
    await run(connection, HOLD, recordings=recordings)
    # Everybody's row at once and in the order that everybody locks in; telling and paying find them locked.
    await lock(connection, [line.account_id for line in sold])
    if settlement.telling:
        await run(connection, TELL, sale=sale, recordings=recordings)
    lines = await every(connection, Line, UNSETTLED, sale=sale, recordings=recordings)
    if lines:
        worked = [_worked(line) for line in lines]
        await _pay(connection, f"sale {sale} {lines[0].recording_id}", lines, worked, derivative=None)
    await run(connection, MOVED_ON, sale=sale, upto=recordings[-1])
    return len(lines)


async def settle_recording(connection: Connection, recording: UUID) -> None:
    """Pay a recording now what sales are going to pay it that are being settled, in the caller's transaction."""
    for sale in await every(connection, _Sale, SETTLING, recording=recording):
        # Whoever settles its batch holds its owner until it is paid, and finds it paid afterwards.
        await lock(connection, [sale.account_id])
        lines = await every(connection, Line, UNSETTLED, sale=sale.id, recordings=[recording])
        if lines:
            worked = [_worked(line) for line in lines]
            await _pay(connection, f"sale {sale.id} alone {recording}", lines, worked, derivative=None)


def _worked(line: Line) -> Worked:
    part = Part(line.fee_micros, line.price_micros, line.duration_ms, line.all_ms)
    sheet = Sheet(line.term_sheet_id, line.term_sheet_version)
    return for_selling(part, line.share_bps, Tax(line.tax_bps, line.tax_rule), sheet, sale=line.sale_id)


async def _pay(
    connection: Connection, key: str, lines: Sequence[Line], worked: Sequence[Worked], derivative: UUID | None
) -> None:
    """Write the lines of a batch and post its legs: what the buyer owes becomes what contributors are owed."""
    currency = lines[0].currency
    await lock(connection, [line.account_id for line in lines])
    buyer = await accounts.of(connection, lines[0].buyer_id, "buyer", currency)
    withheld = await accounts.ours(connection, "tax_withheld", currency)
    pending = await accounts.of_each(connection, [line.account_id for line in lines], "contributor_pending", currency)
    legs = []
    for line, pay in zip(lines, worked, strict=True):
        legs.append(Leg(buyer, pending[line.account_id], pay.gross, line.recording_id))
        if pay.tax:
            legs.append(Leg(pending[line.account_id], withheld, pay.tax, line.recording_id))
    transaction = await post(connection, key, "royalty", legs)
    drafts = [_draft(line, pay, derivative) for line, pay in zip(lines, worked, strict=True)]
    await announce(connection, await write(connection, transaction, drafts))


def _draft(line: Line, worked: Worked, derivative: UUID | None) -> Draft:
    return Draft(
        account_id=line.account_id,
        type="royalty" if derivative is None else "derivative_royalty",
        currency=line.currency,
        gross=worked.gross,
        tax=worked.tax,
        recording_id=line.recording_id,
        sale_id=line.sale_id,
        derivative_id=derivative,
        worked=worked,
        available_at=line.available_at,
    )


class Rest(Struct, frozen=True):
    """What the contributors of a sale did not get of its price, in micros."""

    buyer_id: UUID
    currency: str
    micros: int


REST = """
    SELECT s.buyer_id, s.currency, (s.price_micros - coalesce(sum(l.contributor_micros), 0))::bigint AS micros
    FROM sales s LEFT JOIN sale_lines l ON l.sale_id = s.id WHERE s.id = %(sale)s GROUP BY s.id
"""


async def _keep_ours(connection: Connection, sale: UUID) -> None:
    """Post our own part, so that what the buyer owes is the whole price. Raises SaleMissing."""
    rest = await one(connection, Rest, REST, sale=sale)
    if rest is None:
        raise SaleMissing
    if rest.micros:
        buyer = await accounts.of(connection, rest.buyer_id, "buyer", rest.currency)
        share = await accounts.ours(connection, "platform_share", rest.currency)
        await post(connection, f"sale {sale} share", "royalty", [Leg(buyer, share, rest.micros)])


class _Derived(Struct, frozen=True):
    same: bool


class _Id(Struct, frozen=True):
    id: UUID


UNPAID = """
    SELECT s.id FROM sales s
    WHERE s.price_micros > 0 AND NOT EXISTS (
        SELECT FROM balance_transactions b WHERE b.sale_id = s.id AND b.type = 'royalty')
      AND EXISTS (SELECT FROM sale_lines l WHERE l.sale_id = s.id AND l.contributor_micros > 0)
      AND NOT EXISTS (SELECT FROM sale_settlements WHERE sale_id = s.id)
    ORDER BY s.id LIMIT 10
"""


async def unsettled(connection: Connection) -> list[UUID]:
    """List sales of which nobody was paid and nobody is going to be: made before there was a ledger."""
    return [row.id for row in await every(connection, _Id, UNPAID)]


DERIVED = """
    INSERT INTO derivative_sales (sale_id, kind, reference, currency, revenue_micros)
    VALUES (%(sale)s, %(kind)s, %(reference)s, %(currency)s, %(revenue)s)
    ON CONFLICT (sale_id, reference) DO NOTHING RETURNING id
"""
KNOWN = """
    SELECT (kind, currency, revenue_micros) = (%(kind)s, %(currency)s, %(revenue)s) AS same
    FROM derivative_sales WHERE sale_id = %(sale)s AND reference = %(reference)s
"""
# Everybody's length counts in the pool, so that one sheet that pays nothing takes from nobody and gives to nobody.
DERIVED_LINES = """
    SELECT l.sale_id, s.buyer_id, l.recording_id, l.account_id, %(currency)s::text AS currency, 0::bigint AS fee_micros,
        %(revenue)s::bigint AS price_micros, l.duration_ms,
        (SELECT sum(duration_ms) FROM sale_lines WHERE sale_id = s.id)::bigint AS all_ms,
        coalesce((SELECT (royalty ->> 'share_bps')::int FROM jsonb_array_elements(t.document #> '{price,royalties}')
            AS royalty WHERE royalty ->> 'event' = 'derivative_sale' LIMIT 1), 0) AS share_bps,
        c.term_sheet_id, c.term_sheet_version, w.bps AS tax_bps, w.rule AS tax_rule,
        now() + coalesce(t.document #>> '{payout,hold}', 'P0D')::interval AS available_at
    FROM sale_lines l JOIN sales s ON s.id = l.sale_id JOIN consents c ON c.id = l.consent_id
        JOIN term_sheets t ON t.id = c.term_sheet_id AND t.version = c.term_sheet_version
        CROSS JOIN LATERAL withholding(l.account_id) w
    WHERE l.sale_id = %(sale)s ORDER BY l.account_id, l.recording_id
"""


async def settle_derivative(
    connection: Connection, sale: UUID, *, kind: str, reference: str, currency: str, revenue: int
) -> int:
    """Pay contributors for what a buyer earned with something made out of a sale, where their sheets pay that.

    `reference` is the buyer's own number of the report: the same one twice is one report. Returns how many recordings
    were paid. Raises SaleMissing, CurrencyUnknown, PostingEmpty, and PostingDiffers where that is another report.
    """
    lines = await every(connection, Line, DERIVED_LINES, sale=sale, currency=currency, revenue=revenue)
    if not lines:
        raise SaleMissing
    if revenue <= 0:
        raise PostingEmpty
    report = {"sale": sale, "kind": kind, "reference": reference, "currency": currency, "revenue": revenue}
    try:
        made = await one(connection, _Id, DERIVED, **report)
    except psycopg.errors.ForeignKeyViolation as error:
        raise CurrencyUnknown(currency=currency) from error
    if made is None:
        known = await one(connection, _Derived, KNOWN, **report)
        if known is None or not known.same:
            raise PostingDiffers("This reference belongs to another report.")
        return 0
    paid: list[tuple[Line, Worked]] = []
    for line, part in zip(lines, split(revenue, [line.duration_ms for line in lines]), strict=True):
        sheet, tax = Sheet(line.term_sheet_id, line.term_sheet_version), Tax(line.tax_bps, line.tax_rule)
        portion = Part(part, revenue, line.duration_ms, line.all_ms)
        pay = for_selling(portion, line.share_bps, tax, sheet, sale=sale, derivative=made.id)
        if pay.gross:
            paid.append((line, pay))
    for start in range(0, len(paid), BATCH):
        batch = paid[start : start + BATCH]
        key = f"derivative {made.id} {start}"
        await _pay(connection, key, [line for line, _ in batch], [pay for _, pay in batch], derivative=made.id)
    return len(paid)

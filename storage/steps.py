"""How an amount was worked out: steps as data, so that whoever reads them can compute the amount again.

A step never says what it means in a language; `api/explanations.py` does. Every step that yields an amount names it, so
that a reader who finds another one knows which step differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from storage.ledger.amounts import half_even, share


class Removed(Struct, frozen=True):
    """A span that is not paid because it was taken out, in milliseconds from the beginning."""

    start_ms: int
    end_ms: int
    reason: str


class Fee(Struct, frozen=True):
    """A fee of a term sheet: `bps` hundredths of a percent."""

    code: str
    bps: int


class Step(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step; which fields it has follows from `op`.

    `rate`: `micros` for every `per_ms`, by a quote, by the campaign, or by the sheet that `at` points into.
    `times`: `ms` out of `of_ms`, without `removed`. `price`: `micros` of `whole_micros` that were paid for `of_ms`
    in all, by your `ms`: rounded down, plus `extra_micros`, one of the micros that rounding left over. `share`:
    `bps` of the amount before. `minus`: `micros`, which is `bps` of the amount that `of` names, and never more than
    is left. `equals`: the amount so far. `at` points into the term sheet.
    """

    op: Literal["rate", "times", "price", "share", "minus", "equals"]
    micros: int | None = None
    per_ms: int | None = None
    ms: int | None = None
    of_ms: int | None = None
    removed: tuple[Removed, ...] | None = None
    whole_micros: int | None = None
    extra_micros: int | None = None
    bps: int | None = None
    of: Literal["gross", "gross_less_fees"] | None = None
    code: str | None = None
    rule: str | None = None
    rounding: Literal["half_even_micro", "largest_remainder"] | None = None
    quote: UUID | None = None
    sale: UUID | None = None
    derivative: UUID | None = None
    term_sheet: str | None = None
    version: int | None = None
    at: str | None = None


class Worked(Struct, frozen=True):
    """An amount that was worked out, in micros: what is paid, what is taken from it, and how."""

    gross: int
    fee: int
    tax: int
    steps: tuple[Step, ...]

    @property
    def net(self) -> int:
        """What arrives, in micros."""
        return self.gross - self.fee - self.tax


class Sheet(Struct, frozen=True):
    """The term sheet that an amount is paid by."""

    id: str
    version: int


class Tax(Struct, frozen=True):
    """What is withheld, and by which rule."""

    bps: int
    rule: str


def accepted_ms(duration_ms: int, removed: Sequence[Removed]) -> int:
    """What is paid of a recording: its duration without the union of what was taken out, in milliseconds."""
    kept = duration_ms
    reached = 0
    for span in sorted(removed, key=lambda one: one.start_ms):
        start, end = max(span.start_ms, reached), min(span.end_ms, duration_ms)
        kept -= max(end - start, 0)
        reached = max(reached, end)
    return kept


class Rate(Struct, frozen=True):
    """What is paid: `micros` for every `per_ms`; `quote` promised it, or else the campaign did at the claim.

    `by_sheet`: the sheet that was agreed to promises more than either did.
    """

    micros: int
    per_ms: int
    quote: UUID | None
    by_sheet: bool = False


def for_accepting(
    rate: Rate, duration_ms: int, removed: Sequence[Removed], fees: Sequence[Fee], tax: Tax, sheet: Sheet
) -> Worked:
    """Work out what an accepted recording pays: pay basis 1, the validated duration less what was taken out."""
    paid_ms = accepted_ms(duration_ms, removed)
    gross = half_even(rate.micros * paid_ms, rate.per_ms)
    promised: dict[str, Any] = {}
    if rate.by_sheet:
        promised = {"term_sheet": sheet.id, "version": sheet.version, "at": "/price/rates"}
    steps = (
        Step(op="rate", micros=rate.micros, per_ms=rate.per_ms, quote=rate.quote, **promised),
        Step(op="times", ms=paid_ms, of_ms=duration_ms, removed=tuple(removed), rule="pay-basis/1"),
        Step(op="equals", micros=gross, rounding="half_even_micro"),
    )
    return _less(gross, steps, fees, tax, sheet)


class Part(Struct, frozen=True):
    """A recording's part of a price: `micros` of `whole_micros`, by its `ms` out of `of_ms`."""

    micros: int
    whole_micros: int
    ms: int
    of_ms: int


def for_selling(part: Part, bps: int, tax: Tax, sheet: Sheet, *, sale: UUID, derivative: UUID | None = None) -> Worked:
    """Work out what a recording's part of a sale pays its contributor: the share that their sheet promises."""
    floor = part.whole_micros * part.ms // part.of_ms if part.of_ms else part.micros
    gross = share(part.micros, bps)
    steps = (
        Step(
            op="price",
            micros=part.micros,
            whole_micros=part.whole_micros,
            ms=part.ms,
            of_ms=part.of_ms,
            extra_micros=part.micros - floor,
            rounding="largest_remainder",
            sale=sale,
            derivative=derivative,
        ),
        Step(op="share", bps=bps, term_sheet=sheet.id, version=sheet.version, at="/price/royalties"),
        Step(op="equals", micros=gross, rounding="half_even_micro"),
    )
    return _less(gross, steps, (), tax, sheet)


def _less(gross: int, steps: tuple[Step, ...], fees: Sequence[Fee], tax: Tax, sheet: Sheet) -> Worked:
    """Take fees and tax from an amount; every one is a step, also where it is nothing."""
    taken: list[Step] = []
    left = gross
    for place, fee in enumerate(fees):
        micros = min(share(gross, fee.bps), left)
        left -= micros
        source = {"term_sheet": sheet.id, "version": sheet.version, "at": f"/price/fees/{place}"}
        taken.append(_minus(micros, fee.bps, of="gross", code=fee.code, **source))
    tax_micros = share(left, tax.bps)
    taken.append(_minus(tax_micros, tax.bps, of="gross_less_fees", code="tax", rule=tax.rule))
    net = Step(op="equals", micros=left - tax_micros)
    return Worked(gross, gross - left, tax_micros, (*steps, *taken, net))


def _minus(micros: int, bps: int, **why: Any) -> Step:
    """Say what was taken, the part of what it is, and by which rule."""
    return Step(op="minus", micros=micros, bps=bps, rounding="half_even_micro", **why)

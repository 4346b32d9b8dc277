"""Dividing money without losing or inventing a micro (1e-6 of the currency's unit)."""

from __future__ import annotations

from collections.abc import Sequence

WHOLE_BPS = 10_000


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Divide `total` micros by weights (≥ 0) with the largest-remainder method; the parts sum to `total` exactly.

    Weights that are all zero share alike. Ties go to the earlier part, so that the same sale divides the same way
    whenever it is recomputed. Source: Hamilton's method, Balinski and Young, "Fair Representation", 1982, chapter 3.
    """
    if not weights:
        return []
    if not any(weights):
        weights = [1] * len(weights)
    whole = sum(weights)
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda at: (-(total * weights[at] % whole), at))
    for at in by_remainder[: total - sum(parts)]:
        parts[at] += 1
    return parts


def share(micros: int, bps: int) -> int:
    """Take `bps` hundredths of a percent of an amount, half to even."""
    part, rest = divmod(micros * bps, WHOLE_BPS)
    return part + (2 * rest > WHOLE_BPS or (2 * rest == WHOLE_BPS and part % 2 == 1))

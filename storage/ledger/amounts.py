"""Exact amounts: rounding half to even, and splits whose parts add up to the whole.

An amount is a whole number of micros, 1e-6 of a currency's unit. For 200,000 clips of a few seconds, rounding each to a
cent would lose a fifth of what is owed; micros lose less than a ten-thousandth of a cent in total.
"""

from __future__ import annotations

from collections.abc import Sequence

#: A whole in basis points: 500 is 5 %.
BPS = 10_000


def half_even(numerator: int, denominator: int) -> int:
    """Divide and round to the nearest whole number, a half to the even one (IEEE 754-2019, 4.3.1), without floats.

    Half to even favours nobody in the long run. `denominator` is positive.
    """
    quotient, remainder = divmod(numerator, denominator)
    doubled = 2 * remainder
    return quotient + (doubled > denominator or (doubled == denominator and quotient % 2 == 1))


def share(micros: int, bps: int) -> int:
    """Take a share in basis points of an amount."""
    return half_even(micros * bps, BPS)


def split(micros: int, weights: Sequence[int]) -> list[int]:
    """Split an amount by weights so that the parts add up to it: the largest remainders get the micros left over.

    Hamilton's method (Balinski and Young, "Fair Representation", 1982, chapter 3); of equal remainders the earlier one
    goes first, so the same split always gives the same parts. Weights that are all zero share alike, and without any
    there are no parts.
    """
    if weights and not any(weights):
        weights = [1] * len(weights)
    whole = sum(weights)
    parts = [micros * weight // whole for weight in weights]
    remainders = sorted(range(len(weights)), key=lambda place: (-(micros * weights[place] % whole), place))
    for place in remainders[: micros - sum(parts)]:
        parts[place] += 1
    return parts

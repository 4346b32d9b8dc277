"""Rounding and splitting: nothing is lost, nobody is favoured."""

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from storage.ledger.amounts import half_even, share, split

WEIGHTS = st.lists(st.integers(0, 10**9), min_size=1, max_size=50).filter(any)


@given(st.integers(-(10**18), 10**18), st.integers(1, 10**12))
def test_rounding_is_that_of_exact_fractions(numerator: int, denominator: int):
    """Python's own `round` of a fraction rounds half to even."""
    assert round(Fraction(numerator, denominator)) == half_even(numerator, denominator)


def test_a_half_goes_to_the_even_neighbour():
    assert [0, 2, 2, 4] == [half_even(n, 2) for n in (1, 3, 5, 7)]


def test_a_tenth_of_the_worked_example():
    """The explanation in the design: 3.704 EUR and a bonus, of which the platform takes a tenth."""
    assert 411_514 == share(3_704_000 + 411_144, 1000)


@given(st.integers(0, 10**15), WEIGHTS)
def test_the_parts_of_a_split_add_up_to_the_whole(micros: int, weights: list[int]):
    parts = split(micros, weights)

    assert micros == sum(parts)
    whole = sum(weights)
    assert all(
        micros * weight // whole <= part <= micros * weight // whole + 1
        for part, weight in zip(parts, weights, strict=True)
    )


@given(st.integers(0, 10**6), WEIGHTS)
def test_a_weight_of_nothing_gets_nothing_and_a_heavier_one_never_less(micros: int, weights: list[int]):
    pairs = sorted(zip(weights, split(micros, weights), strict=True))

    assert all(part == 0 for weight, part in pairs if weight == 0)
    assert all(low <= high + 1 for (_, low), (_, high) in pairwise(pairs))


def test_the_micros_left_over_go_to_the_largest_remainders():
    """100 by 1:1:1 leaves one, and the first of equals gets it."""
    assert [34, 33, 33] == split(100, [1, 1, 1])
    assert [14, 29, 57] == split(100, [1, 2, 4])


def test_weights_of_nothing_share_alike():
    assert [34, 33, 33] == split(100, [0, 0, 0])
    assert [] == split(100, [])

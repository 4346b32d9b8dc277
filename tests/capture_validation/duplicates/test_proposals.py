"""Proposals: votes for one recording, one change and one lag, counted as anybody would count them."""

from collections import defaultdict
from math import log

import numpy as np
import pytest

from capture_validation.duplicates.audio_words import HEIGHT_LEVELS, SPAN_LEVELS
from capture_validation.duplicates.company import BLOCK, FEWEST, HIGHER, LONGER, Hits
from capture_validation.duplicates.proposals import EACH, GRID, LAG, NEAR_PITCH, NEAR_TIME, PLAIN, Warp, propose

FRAMES = 4 * BLOCK


def hits(seed: int, count: int = 1500) -> Hits:
    """Words that agree with three recordings anywhere within a few seconds, some of them in the same frame."""
    random = np.random.default_rng(seed)
    own = random.integers(0, FRAMES, count)
    there = np.maximum(0, own + random.integers(-150, 150, count))
    height, span = random.integers(-HIGHER, HIGHER + 1, count), random.integers(-LONGER, LONGER + 1, count)
    return Hits(random.integers(7, 10, count), own, there, height // 4, span // 2, random.integers(1, 24, count))


def explains(warp: Warp, height: int, span: int) -> bool:
    return (
        abs(height / HEIGHT_LEVELS - log(warp.pitch)) < NEAR_PITCH
        and abs(span / SPAN_LEVELS - log(warp.time)) < NEAR_TIME
    )


def counted(given: Hits, warps: tuple[Warp, ...]) -> dict[tuple[int, int, Warp, int], tuple[int, int]]:
    """How many distinct frames vote for each recording, lag, change and block, and the bits of the rarest in each.

    The next lag may be the same one.
    """
    heard: dict[tuple[int, int, Warp, int], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    columns = given.recording, given.own, given.there, given.height, given.span, given.rarity
    for recording, own, there, height, span, bits in zip(*(column.tolist() for column in columns), strict=True):
        for warp in warps:
            if explains(warp, height, span):
                votes = heard[recording, (there - round(own * warp.time)) // LAG, warp, own // BLOCK]
                votes[own] = max(votes[own], bits)
    said = {}
    for (recording, lag, warp, block), own in heard.items():
        both = list(own.values()) + list(heard.get((recording, lag + 1, warp, block), {}).values())
        if len(both) >= FEWEST:
            said[recording, lag * LAG + 2, warp, block * BLOCK] = len(both), sum(both)
    return said


@pytest.mark.parametrize("warps", [PLAIN, GRID])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_votes_are_those_that_plain_counting_gives(seed: int, warps: tuple[Warp, ...]) -> None:
    given = hits(seed)

    found = propose(given, FRAMES, warps, most=100_000, each=100_000)

    said = {(one.recording, one.lag, one.warp, one.first): (one.votes, one.bits) for one in found}
    assert counted(given, warps) == said
    assert len(found) == len(said) > 20
    assert sorted((one.bits for one in found), reverse=True) == [one.bits for one in found]


def test_nothing_is_proposed_where_nothing_agrees() -> None:
    nothing = np.zeros(0, np.int64)

    assert [] == propose(Hits(*[nothing] * 6), FRAMES, GRID)


def test_a_recording_with_many_lags_leaves_room_for_others() -> None:
    """A voice that is held talks over one that is copied: most is said for it, at one lag after another."""
    lags = np.repeat(np.arange(40) * 50, 9)
    own = np.tile(np.arange(9) * 20, 40)
    loud = np.full(len(own), 7)
    faint = np.array([3, 30])
    given = Hits(
        np.append(loud, [8, 8]),
        np.append(own, faint),
        np.append(own + lags, faint + 500),
        *np.zeros((2, len(own) + 2), np.int64),
        np.full(len(own) + 2, 20),
    )

    found = propose(given, FRAMES, most=EACH + 1)

    assert [7] * EACH + [8] == [one.recording for one in found]


def test_what_more_places_say_than_are_compared_is_luck() -> None:
    """Forty places with two votes each: those that say clearly more than the rest are compared, the others are not."""
    recording = np.repeat(np.arange(40), 2)
    own = np.tile([10, 90], 40)
    rarity = np.where(recording < 3, 18, 16)
    given = Hits(recording, own, own + 600, *np.zeros((2, 80), np.int64), rarity)

    assert [0, 1, 2] == [one.recording for one in propose(given, FRAMES, most=8)]
    assert 40 == len(propose(given, FRAMES, most=40))

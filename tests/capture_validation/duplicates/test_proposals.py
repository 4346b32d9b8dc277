"""Proposals: votes for one recording, one change and one lag, counted as anybody would count them."""

from collections import defaultdict
from math import log

import numpy as np
import pytest

from capture_validation.duplicates.audio_words import HEIGHT_LEVELS, SPAN_LEVELS
from capture_validation.duplicates.company import BLOCK, FEWEST, HIGHER, LONGER, Hits
from capture_validation.duplicates.proposals import GRID, LAG, NEAR_PITCH, NEAR_TIME, PLAIN, Warp, propose

FRAMES = 4 * BLOCK


def hits(seed: int, count: int = 1500) -> Hits:
    """Words that agree with three recordings anywhere within a few seconds, some of them in the same frame."""
    random = np.random.default_rng(seed)
    own = random.integers(0, FRAMES, count)
    there = np.maximum(0, own + random.integers(-150, 150, count))
    height, span = random.integers(-HIGHER, HIGHER + 1, count), random.integers(-LONGER, LONGER + 1, count)
    return Hits(random.integers(7, 10, count), own, there, height // 4, span // 2)


def explains(warp: Warp, height: int, span: int) -> bool:
    return (
        abs(height / HEIGHT_LEVELS - log(warp.pitch)) < NEAR_PITCH
        and abs(span / SPAN_LEVELS - log(warp.time)) < NEAR_TIME
    )


def counted(given: Hits, warps: tuple[Warp, ...]) -> dict[tuple[int, int, Warp, int], int]:
    """How many distinct frames vote for each recording, lag, change and block; the next lag may be the same one."""
    heard = defaultdict(set)
    columns = given.recording, given.own, given.there, given.height, given.span
    for recording, own, there, height, span in zip(*(column.tolist() for column in columns), strict=True):
        for warp in warps:
            if explains(warp, height, span):
                lag = (there - round(own * warp.time)) // LAG
                heard[recording, lag, warp, own // BLOCK].add(own)
    votes = {
        (recording, lag * LAG + 2, warp, block * BLOCK): len(own)
        + len(heard.get((recording, lag + 1, warp, block), ()))
        for (recording, lag, warp, block), own in heard.items()
    }
    return {place: vote for place, vote in votes.items() if vote >= FEWEST}


@pytest.mark.parametrize("warps", [PLAIN, GRID])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_votes_are_those_that_plain_counting_gives(seed: int, warps: tuple[Warp, ...]) -> None:
    given = hits(seed)

    found = propose(given, FRAMES, warps, most=100_000)

    votes = {(one.recording, one.lag, one.warp, one.first): one.votes for one in found}
    assert counted(given, warps) == votes
    assert len(found) == len(votes) > 20


def test_nothing_is_proposed_where_nothing_agrees() -> None:
    nothing = np.zeros(0, np.int64)

    assert [] == propose(Hits(nothing, nothing, nothing, nothing, nothing), FRAMES, GRID)

"""Voting in a process with a large index: the loops of `proposals`, compiled."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from capture_validation.duplicates.company import FEWEST, Hits
from capture_validation.duplicates.compiled import loop, part
from capture_validation.duplicates.lists import Integers, once
from capture_validation.duplicates.proposals import (
    BLOCKS,
    Said,
    Warp,
    explanations,
    lag_of,
    level,
    place_of,
    vote_at,
)

Floats = NDArray[np.float64]

_lag_of, _place_of = part(lag_of), part(place_of)


#: What is said of each line is counted in a table that has so many cells a vote, up to so much.
CELLS, MOST = 2, 65_535
#: What lines, blocks and changes are scattered over the table by: neighbouring lags stay neighbours.
SALT = np.uint64(0x9E3779B97F4A7C15)


def said(hits: Hits, warps: tuple[Warp, ...], block: int, least: int) -> tuple[Said, Integers]:
    """What is said of the lines of which enough is said, and their recordings: see `proposals.said_of`; the same."""
    known = explanations(warps)
    begin, end = known.begin, known.begin + known.size
    lines = hits.recording, hits.own, hits.there, level(hits.height, hits.span), hits.rarity
    hit, warp, lag = promising(*lines, begin, end, known.number, known.pace, block, least)
    if not len(hit):
        return Said(hit, hit, hit), hit
    recordings = once(hits.recording[hit])
    heard = vote_at(np.searchsorted(recordings, hits.recording[hit]), warp, lag, hits.own[hit])
    key, votes, bits = np.empty((3, len(hit)), np.int64)
    count = tally(heard, hits.rarity[hit], np.argsort(heard), block, key, votes, bits)
    count = enough(key[:count], votes, bits, least)
    return Said(key[:count], votes[:count], bits[:count]), recordings


@part
def cell_of(recording: Any, warp: Any, lag: Any, block: Any, last: Any) -> Any:
    """Where in the table a line is counted in a block; the next lag is counted in the next cell."""
    scattered = np.uint64(((recording << 14) + (warp << 9)) + block) * SALT
    return (np.int64(scattered >> np.uint64(32)) + lag) & last


@loop(f"UniTuple(int64[::1], 3)({8 * 'int64[::1], '}float64[::1], int64, int64)")
def promising(
    recording: Integers,
    own: Integers,
    there: Integers,
    levels: Integers,
    rarity: Integers,
    begin: Integers,
    end: Integers,
    number: Integers,
    pace: Floats,
    block: int,
    least: int,
) -> tuple[Integers, Integers, Integers]:
    """Give the votes for lines of which enough may be said together with a lag beside: which hit, change, and lag.

    No vote counts less here than in `tally`, and some count more: where a frame votes twice, or strangers share a cell.
    """
    total = 0
    for one in range(len(own)):
        total += end[levels[one]] - begin[levels[one]]
    hit, warp, lag = np.empty(total, np.int64), np.empty(total, np.int64), np.empty(total, np.int64)
    count, cells = 0, 1
    while cells < CELLS * total:
        cells *= 2
    seen = np.zeros(cells, np.uint16)
    for one in range(len(own)):
        for change in number[begin[levels[one]] : end[levels[one]]]:
            hit[count], warp[count] = one, change
            lag[count] = _lag_of(there[one], np.int64(np.rint(own[one] * pace[change])))
            at = cell_of(recording[one], change, lag[count], own[one] // block, cells - 1)
            seen[at] = min(MOST, seen[at] + rarity[one])
            count += 1
    count = 0
    for one in range(total):
        at = cell_of(recording[hit[one]], warp[one], lag[one], own[hit[one]] // block, cells - 1)
        beside = max(seen[(at - 1) & (cells - 1)], seen[(at + 1) & (cells - 1)])
        hit[count], warp[count], lag[count] = hit[one], warp[one], lag[one]
        count += np.int64(seen[at]) + beside >= least
    return hit[:count].copy(), warp[:count].copy(), lag[:count].copy()


@loop("int64(int64[::1], int64[::1], int64[::1], int64, int64[::1], int64[::1], int64[::1])")
def tally(
    heard: Integers,
    rarity: Integers,
    order: Integers,
    block: int,
    key: Integers,
    votes: Integers,
    bits: Integers,
) -> int:
    """Write down each line and block, how many frames vote for it, and the bits of each frame's rarest word."""
    count, before, most = -1, -1, 0
    for one in order:
        if heard[one] != before:
            place = _place_of(heard[one], block)
            if count < 0 or key[count] != place:
                count += 1
                key[count], votes[count], bits[count] = place, 0, 0
            votes[count] += 1
            before, most = heard[one], 0
        bits[count] += max(most, rarity[one]) - most
        most = max(most, rarity[one])
    return count + 1


@loop("int64(int64[::1], int64[::1], int64[::1], int64)")
def enough(key: Integers, votes: Integers, bits: Integers, least: int) -> int:
    """Keep what has votes and bits enough together with the next lag, and give its number; each beside is ahead."""
    count, beside = 0, 0
    for one in range(len(key)):
        while beside < len(key) and key[beside] < key[one] + BLOCKS:
            beside += 1
        both, said = votes[one], bits[one]
        if beside < len(key) and key[beside] == key[one] + BLOCKS:
            both, said = both + votes[beside], said + bits[beside]
        key[count], votes[count], bits[count] = key[one], both, said
        count += int((both >= FEWEST) & (said >= least))
    return count

"""Voting in a process with a large index: the loops of `proposals`, compiled."""

import numpy as np
from numpy.typing import NDArray

from capture_validation.duplicates.company import FEWEST, Hits
from capture_validation.duplicates.compiled import loop, part
from capture_validation.duplicates.lists import Integers
from capture_validation.duplicates.proposals import (
    BLOCKS,
    Explanations,
    Said,
    Warp,
    explanations,
    lag_of,
    level,
    place_of,
    vote_at,
)

Floats = NDArray[np.float64]

_lag_of, _vote_at, _place_of = part(lag_of), part(vote_at), part(place_of)


def said(hits: Hits, index: Integers, warps: tuple[Warp, ...], block: int, least: int) -> Said:
    """What is said of the lines of which enough is said: see `proposals.said_of`; the same."""
    heard, rarity = _votes(hits, index, explanations(warps))
    key, votes, bits = np.empty((3, len(heard)), np.int64)
    count = tally(heard, rarity, np.argsort(heard), block, key, votes, bits)
    count = enough(key[:count], votes, bits, least)
    return Said(key[:count], votes[:count], bits[:count])


def _votes(hits: Hits, index: Integers, known: Explanations) -> tuple[Integers, Integers]:
    """Each hit as often as a change explains it: where its vote goes, and what it says."""
    levels = level(hits.height, hits.span)
    begin, size = known.begin[levels], known.size[levels]
    heard, rarity = np.empty((2, int(size.sum())), np.int64)
    cast(index, hits.own, hits.there, hits.rarity, begin, begin + size, known.number, known.pace, heard, rarity)
    return heard, rarity


@loop(f"void({7 * 'int64[::1], '}float64[::1], int64[::1], int64[::1])")
def cast(
    index: Integers,
    own: Integers,
    there: Integers,
    said: Integers,
    begin: Integers,
    end: Integers,
    number: Integers,
    pace: Floats,
    heard: Integers,
    rarity: Integers,
) -> None:
    """Write down where each vote goes, and what it says."""
    count = 0
    for one in range(len(own)):
        for warp in number[begin[one] : end[one]]:
            lag = _lag_of(there[one], np.int64(np.rint(own[one] * pace[warp])))
            heard[count], rarity[count] = _vote_at(index[one], warp, lag, own[one]), said[one]
            count += 1


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

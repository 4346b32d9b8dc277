"""Counting company in a large index: `company.in_company`, compiled, over the lists as they lie.

An index of 10⁴ minutes answers a minute with more than a million words. NumPy reads them ten times over and writes as
many columns, about 65 ns each; one loop reads them where they are, for about 15. It counts in the same cells and gives
the same words, without holding the interpreter's lock.
"""

import numpy as np
from numpy.typing import NDArray

from capture_validation.duplicates.audio_words import Words, frame_of, height_of, span_of
from capture_validation.duplicates.company import (
    BLOCK,
    ENOUGH,
    HIGHER,
    LONGER,
    SALTS,
    Hits,
    cells,
    compared,
    joined,
    rarity,
    rough,
    weight,
)
from capture_validation.duplicates.compiled import loop, part
from capture_validation.duplicates.lists import Lists

Held = NDArray[np.int32]
Indices = NDArray[np.int32]
Places = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Table = NDArray[np.uint8]

#: What a posting says and where a hit lies, told once for arrays and for loops.
_frame, _height, _span, _rough = (part(one) for one in (frame_of, height_of, span_of, rough))


def in_company(asked: Words, lists: Lists, least: int = 0) -> Hits:
    """The words of an answer that may be a copy's by height and duration, and have company within 12 s.

    The same as `company.in_company`, in another order. Asks for 8 bytes a posting of 12 s, and 16 of what is possible.
    """
    begin, size = lists.stretches(asked.word)
    held = np.ascontiguousarray(lists.held)
    block = frame_of(asked.place) // BLOCK
    blocks = [np.flatnonzero(block == one) for one in np.flatnonzero(np.bincount(block))]
    return joined([_in_company(held, begin[one], size[one], asked.place[one], least) for one in blocks])


def _in_company(held: Held, begin: Places, size: Places, place: Places, least: int) -> Hits:
    """Those of one block: indices of the words asked for, and of postings, are thinned out where they are."""
    mine, theirs = np.empty((2, int(size.sum())), np.int32)
    own = weight(rarity(size), least).astype(np.uint8)
    count = possible(held, begin, begin + size, place, mine, theirs)
    for salt in SALTS:
        seen = np.zeros((2, max(1, cells(count) // 4)), np.uint8)
        count = accompanied(held, place, own, mine[:count], theirs[:count], salt, cells(count) - 1, seen)
    found = held[theirs[:count]].astype(np.int64)
    return compared(place[mine[:count]], found[:, 0], found[:, 1], size[mine[:count]])


@loop("int64(int32[:,::1], int64[::1], int64[::1], int64[::1], int32[::1], int32[::1])")
def possible(held: Held, begin: Places, end: Places, place: Places, mine: Indices, theirs: Indices) -> int:
    """Write down who may be a copy by height and duration, and give their number.

    Every pair is written and the next one written over it unless it counts: the processor has nothing to guess.
    """
    count = 0
    for one in range(len(begin)):
        height, span = _height(place[one]), _span(place[one])
        for other in range(begin[one], end[one]):
            higher, longer = height - _height(held[other, 1]), _span(held[other, 1]) - span
            mine[count], theirs[count] = one, other
            count += (abs(higher) <= HIGHER) & (abs(longer) <= LONGER)
    return count


@loop("int64(int32[:,::1], int64[::1], uint8[::1], int32[::1], int32[::1], int64, int64, uint8[:,::1])")
def accompanied(
    held: Held, place: Places, weight: Bytes, mine: Indices, theirs: Indices, salt: int, last: int, seen: Table
) -> int:
    """Keep those who have company in one of two tables, and give their number.

    `weight`: of each word. `last`: the number of the last cell. `seen`: two bits a cell, all 0, for weights up to 3.
    """
    cell = np.empty((len(mine), 2), np.uint32)
    for i in range(len(mine)):
        recording, here, there = np.int64(held[theirs[i], 0]), place[mine[i]], np.int64(held[theirs[i], 1])
        lag, height = _frame(there) - _frame(here), _height(here) - _height(there)
        for shift in range(2):
            own = _rough(recording, lag, height, shift, salt) & last
            cell[i, shift] = own
            bit = (own & 3) * 2
            before = (seen[shift, own >> 2] >> bit) & 3
            seen[shift, own >> 2] += (min(ENOUGH, before + weight[mine[i]]) - before) << bit
    count = 0
    for i in range(len(mine)):
        mine[count], theirs[count] = mine[i], theirs[i]
        one, two = cell[i]
        enough = ((seen[0, one >> 2] >> ((one & 3) * 2)) & 3) == ENOUGH
        count += enough | (((seen[1, two >> 2] >> ((two & 3) * 2)) & 3) == ENOUGH)
    return count

"""Counting company in a large index: `company.in_company`, compiled, over the lists as they lie.

An index of 10⁴ minutes answers a minute with more than a million words. NumPy reads them ten times over and writes as
many columns, about 65 ns each; one loop reads them where they are, for about 15. It counts in the same cells and gives
the same words, without holding the interpreter's lock.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from capture_validation.duplicates.audio_words import Words, frame_of, height_of, span_of
from capture_validation.duplicates.company import (
    BLOCK,
    ENOUGH,
    HIGHER,
    LONGER,
    NEAR_CELLS,
    ROUGH_CELLS,
    SALTS,
    Hits,
    beside,
    near,
    rarity,
    rough,
    weight,
)
from capture_validation.duplicates.compiled import loop, part
from capture_validation.duplicates.lists import Lists

Piece = NDArray[np.int32]
Indices = NDArray[np.int32]
Places = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Columns = NDArray[np.int64]

#: What a posting says and where a hit lies, told once for arrays and for loops.
_frame, _height, _span = (part(one) for one in (frame_of, height_of, span_of))
_rough, _near, _beside = (part(one) for one in (rough, near, beside))


def in_company(asked: Words, lists: Lists, least: int = 0) -> Hits:
    """The words of an answer that may be a copy's by height and duration, and have company within 12 s.

    The same as `company.in_company`, in another order. Asks for 12 bytes a posting, and 8 of what is possible.
    """
    order = np.argsort(lists.word)
    which, begin, size = stretches(lists.word[order], order, np.ascontiguousarray(lists.size), asked.word)
    block = frame_of(asked.place) // BLOCK
    room = np.bincount(block[which], size, len(block) and block.max() + 1).astype(np.int64)
    first = np.cumsum(room) - room
    last = first.copy()
    mine, recording, there = np.empty((3, int(size.sum())), np.int32)
    order = np.argsort(begin)
    edges = np.cumsum([0, *map(len, lists.pieces)])
    among = np.searchsorted(begin, edges, sorter=order)
    for number, piece in enumerate(lists.pieces):
        own = order[among[number] : among[number + 1]]
        swapped = np.ascontiguousarray(piece, ">i4").view(np.int32)
        asks = which, begin, size, asked.place, block
        possible(swapped, edges[number], own, *asks, last, mine, recording, there)
    said = np.bincount(which, size, len(asked.word)).astype(np.int64)
    says = rarity(said)
    thin(asked.place, weight(says, least).astype(np.uint8), first, last, mine, recording, there)
    hits = np.empty((6, int((last - first).sum())), np.int64)
    tell(asked.place, says, first, last, mine, recording, there, hits)
    return Hits(*hits)


@loop("UniTuple(int64[::1], 3)(int64[::1], int64[::1], int64[::1], int64[::1])")
def stretches(word: Places, order: Places, sizes: Places, asked: Places) -> tuple[Places, Places, Places]:
    """Where the lists of the words asked for lie: see `Lists.stretches`; the same.

    `word`: in order, `order`: which list each is of. `asked`: in order.
    """
    begins = np.cumsum(sizes) - sizes
    which, begin, size = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64)
    for counted in (True, False):
        count, first = 0, 0
        for one in range(len(asked)):
            while first < len(word) and word[first] < asked[one]:
                first += 1
            at = first
            while at < len(word) and word[at] == asked[one]:
                if not counted:
                    which[count], begin[count], size[count] = one, begins[order[at]], sizes[order[at]]
                count, at = count + 1, at + 1
        if counted:
            which, begin, size = np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.int64)
    return which, begin, size


@part
def native(value: Any) -> Any:
    """A big-endian number as this processor reads it, int32; compilers know this form for one instruction."""
    low = np.uint32(value)
    return np.int32((low >> 24) | ((low >> 8) & 0xFF00) | ((low << 8) & 0xFF0000) | ((low << 24) & 0xFF000000))


@loop(f"void(Array(int32, 2, 'C', readonly=True), int64, {7 * 'int64[::1], '}int32[::1], int32[::1], int32[::1])")
def possible(
    piece: Piece,
    offset: int,
    own: Places,
    which: Places,
    begin: Places,
    size: Places,
    place: Places,
    block: Places,
    last: Places,
    mine: Indices,
    recording: Indices,
    there: Indices,
) -> None:
    """Write down who may be a copy by height and duration, from `last` of each block on, which is moved.

    `piece`: big-endian postings, of all that are counted those from `offset` on. `own`: the stretches that lie in it.
    Every pair is written and the next one written over it unless it counts: the processor has nothing to guess.
    """
    for stretch in own:
        one = which[stretch]
        height, span, at = _height(place[one]), _span(place[one]), last[block[one]]
        for other in range(begin[stretch] - offset, begin[stretch] - offset + size[stretch]):
            theirs = native(piece[other, 1])
            higher, longer = height - _height(theirs), _span(theirs) - span
            mine[at], recording[at], there[at] = one, native(piece[other, 0]), theirs
            at += (abs(higher) <= HIGHER) & (abs(longer) <= LONGER)
        last[block[one]] = at


@part
def accompanied(place: Any, weight: Any, mine: Any, recording: Any, there: Any, salt: Any, last: Any, seen: Any) -> Any:
    """Keep those who have company in one of two tables, and give their number.

    `last`: the number of the last cell. `seen`: two bits a cell, all 0, for weights up to 3.
    """
    cell = np.empty((len(mine), 2), np.uint32)
    for i in range(len(mine)):
        here, theirs = place[mine[i]], np.int64(there[i])
        lag, height = _frame(theirs) - _frame(here), _height(here) - _height(theirs)
        for shift in range(2):
            own = _rough(np.int64(recording[i]), lag, height, shift, salt) & last
            cell[i, shift] = own
            bit = (own & 3) * 2
            before = (seen[shift, own >> 2] >> bit) & 3
            seen[shift, own >> 2] += (min(ENOUGH, before + weight[mine[i]]) - before) << bit
    count = 0
    for i in range(len(mine)):
        mine[count], recording[count], there[count] = mine[i], recording[i], there[i]
        one, two = cell[i]
        enough = ((seen[0, one >> 2] >> ((one & 3) * 2)) & 3) == ENOUGH
        count += enough | (((seen[1, two >> 2] >> ((two & 3) * 2)) & 3) == ENOUGH)
    return count


@part
def followed(place: Any, weight: Any, mine: Any, recording: Any, there: Any) -> Any:
    """Keep those who have anybody near on their recording, and give their number: see `company.near`."""
    cells = 1
    while cells <= NEAR_CELLS * len(mine):
        cells *= 2
    cell, seen = np.empty(len(mine), np.uint32), np.zeros(max(1, cells // 4), np.uint8)
    for i in range(len(mine)):
        one = mine[i]
        cell[i] = _near(np.int64(recording[i]), _frame(np.int64(there[i])) - _frame(place[one]), cells - 1)
        bit = ((cell[i] >> 1) & 3) * 2
        before = (seen[cell[i] >> 3] >> bit) & 3
        seen[cell[i] >> 3] += (min(ENOUGH, before + weight[one]) - before) << bit
    count = 0
    for i in range(len(mine)):
        mine[count], recording[count], there[count] = mine[i], recording[i], there[i]
        other = _beside(np.int64(cell[i]), cells - 1)
        own, next_ = seen[cell[i] >> 3] >> (((cell[i] >> 1) & 3) * 2), seen[other >> 2] >> ((other & 3) * 2)
        count += (own & 3) + (next_ & 3) >= ENOUGH
    return count


@loop("void(int64[::1], uint8[::1], int64[::1], int64[::1], int32[::1], int32[::1], int32[::1])")
def thin(
    place: Places,
    weight: Bytes,
    first: Places,
    last: Places,
    mine: Indices,
    recording: Indices,
    there: Indices,
) -> None:
    """Keep of each block those who have company, and move its `last`. `weight`: of each word."""
    for one in range(len(first)):
        stretch = slice(first[one], last[one])
        last[one] = first[one] + followed(place, weight, mine[stretch], recording[stretch], there[stretch])
        for salt in SALTS:
            stretch = slice(first[one], last[one])
            cells = 1
            while cells <= ROUGH_CELLS * (last[one] - first[one]):
                cells *= 2
            seen = np.zeros((2, max(1, cells // 4)), np.uint8)
            among = mine[stretch], recording[stretch], there[stretch]
            last[one] = first[one] + accompanied(place, weight, *among, salt, 4 * seen.shape[1] - 1, seen)


@loop("void(int64[::1], int64[::1], int64[::1], int64[::1], int32[::1], int32[::1], int32[::1], int64[:,::1])")
def tell(
    place: Places,
    says: Places,
    first: Places,
    last: Places,
    mine: Indices,
    recording: Indices,
    there: Indices,
    hits: Columns,
) -> None:
    """Write down the columns of `Hits` for what is left of each block: see `company.compared`."""
    count = 0
    for one in range(len(first)):
        for i in range(first[one], last[one]):
            here, theirs = place[mine[i]], np.int64(there[i])
            hits[0, count], hits[1, count], hits[2, count] = recording[i], _frame(here), _frame(theirs)
            hits[3, count], hits[4, count] = _height(here) - _height(theirs), _span(theirs) - _span(here)
            hits[5, count] = says[mine[i]]
            count += 1

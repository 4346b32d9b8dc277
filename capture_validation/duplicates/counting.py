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
    ROUGH_CELLS,
    SALTS,
    Hits,
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
_frame, _height, _span, _rough = (part(one) for one in (frame_of, height_of, span_of, rough))


def in_company(asked: Words, lists: Lists, least: int = 0) -> Hits:
    """The words of an answer that may be a copy's by height and duration, and have company within 12 s.

    The same as `company.in_company`, in another order. Asks for 12 bytes a posting, and 8 of what is possible.
    """
    begin, size = np.empty((2, len(asked.word)), np.int64)
    order = np.argsort(lists.word)
    stretches(lists.word[order], order, np.ascontiguousarray(lists.size), asked.word, begin, size)
    block = frame_of(asked.place) // BLOCK
    room = np.bincount(block, size).astype(np.int64)
    first = np.cumsum(room) - room
    last = first.copy()
    mine, recording, there = np.empty((3, int(size.sum())), np.int32)
    order = np.argsort(begin)
    edges = np.cumsum([0, *map(len, lists.pieces)])
    among = np.searchsorted(begin, edges, sorter=order)
    for number, piece in enumerate(lists.pieces):
        own = order[among[number] : among[number + 1]]
        swapped = np.ascontiguousarray(piece, ">i4").view(np.int32)
        possible(swapped, edges[number], own, begin, size, asked.place, block, last, mine, recording, there)
    says = rarity(size)
    thin(asked.place, weight(says, least).astype(np.uint8), first, last, mine, recording, there)
    hits = np.empty((6, int((last - first).sum())), np.int64)
    tell(asked.place, says, first, last, mine, recording, there, hits)
    return Hits(*hits)


@loop("void(int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1])")
def stretches(word: Places, order: Places, sizes: Places, asked: Places, begin: Places, size: Places) -> None:
    """Write down where the list of each word asked for begins, and how long it is: see `Lists.stretches`.

    `word`: in order, `order`: which list each is of. `asked`: in order.
    """
    begins = np.cumsum(sizes) - sizes
    at = 0
    for one in range(len(asked)):
        while at < len(word) and word[at] < asked[one]:
            at += 1
        begin[one], size[one] = 0, 0
        if at < len(word) and word[at] == asked[one]:
            begin[one], size[one] = begins[order[at]], sizes[order[at]]


@part
def native(value: Any) -> Any:
    """A big-endian number as this processor reads it, int32; compilers know this form for one instruction."""
    low = np.uint32(value)
    return np.int32((low >> 24) | ((low >> 8) & 0xFF00) | ((low << 8) & 0xFF0000) | ((low << 24) & 0xFF000000))


@loop(f"void(Array(int32, 2, 'C', readonly=True), int64, {6 * 'int64[::1], '}int32[::1], int32[::1], int32[::1])")
def possible(
    piece: Piece,
    offset: int,
    own: Places,
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

    `piece`: big-endian postings, of all that are counted those from `offset` on. `own`: the words whose lists it has.
    Every pair is written and the next one written over it unless it counts: the processor has nothing to guess.
    """
    for one in own:
        height, span, at = _height(place[one]), _span(place[one]), last[block[one]]
        for other in range(begin[one] - offset, begin[one] - offset + size[one]):
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

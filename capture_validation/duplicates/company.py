"""Company: which words of an answer agree, roughly, with another one on a recording, a lag and a change.

A word by itself is luck, and most of a large answer is luck. What is left here is looked at closely by `proposals`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from capture_validation.duplicates.audio_words import HEIGHT_LEVELS, Words, frame_of, height_of, span_of
from capture_validation.duplicates.lists import Integers, Lists

#: Votes of 12 s count together.
BLOCK = 744
#: One word is luck; two that agree on recording, lag and change may be all that a bad copy has.
FEWEST = 2
#: No copy is moved further than 2 semitones and a little, or stretched by more than two levels of duration: what a
#: change of tempo, the rounding on both sides and a frame more or less amount to.
HIGHER, LONGER = int(0.135 * HEIGHT_LEVELS), 2
#: Lags (0.77 s) and heights (4.4 %) within which a word needs company before it is looked at closely. The table in
#: which company is counted has four cells a word, so that it fits into a processor's cache for as long as it can.
ROUGH_LAG, ROUGH_HEIGHT, ROUGH_CELLS = 48, 4, 4
#: What the word of one posting counts, bits; it counts one less for every doubling of its list, and never nothing.
RAREST = 23
ENOUGH = 3
#: What is added to a lag and to a height so that neither is negative.
LAGS, HEIGHTS = 1 << 18, 64
#: Before that a word needs anybody on its recording within about that lag, in a table of so many cells a word.
NEAR_CELLS = 4
#: Strangers meet in a table by chance; few of them meet in two, whose cells are drawn by different numbers.
SALTS = (0x9E3779B1, 0x85EBCA6B)


class Hits(Struct, frozen=True):
    """Words of a new recording that a held one has too, int64 (n,) each.

    `own`: when it was heard here, `there`: when it was heard there, frames. `height` and `span`: by how many levels the
    new one is higher, and the held one longer. `rarity`: how much it says, see `rarity`.
    """

    recording: Integers
    own: Integers
    there: Integers
    height: Integers
    span: Integers
    rarity: Integers

    def where(self, chosen: NDArray[np.bool_] | Integers) -> "Hits":
        """Only the chosen ones."""
        when = self.own[chosen], self.there[chosen]
        return Hits(self.recording[chosen], *when, self.height[chosen], self.span[chosen], self.rarity[chosen])


def joined(parts: Sequence[Hits]) -> Hits:
    """Hits of several blocks as one."""
    columns = [(part.recording, part.own, part.there, part.height, part.span, part.rarity) for part in parts]
    return Hits(*np.concatenate([np.zeros((6, 0), np.int64), *map(np.array, columns)], axis=1))


def compared(here: Integers, recording: Integers, there: Integers, size: Integers) -> Hits:
    """What two words that are the same say of each other.

    `here` and `there` are what was posted beside them, `size` how many postings the word has.
    """
    height, span = height_of(here) - height_of(there), span_of(there) - span_of(here)
    return Hits(recording, frame_of(here), frame_of(there), height, span, rarity(size))


def rarity(size: Integers) -> Integers:
    """How much a word says whose list is so long, whole bits: what few have is no luck."""
    return np.maximum(1, RAREST - np.rint(np.log2(np.maximum(1, size))).astype(np.int64))


def in_company(asked: Words, lists: Lists, least: int = 0) -> Hits:
    """The words of an answer that may be a copy's by height and duration, and have company within 12 s.

    `least`: bits that have to be said together; what says less is left out as far as `weight` can tell.
    """
    found = lists.postings(asked.word)
    size = np.bincount(found.asked, minlength=len(asked.word))
    hits = compared(asked.place[found.asked], found.recording, found.place, size[found.asked])
    hits = hits.where((np.abs(hits.height) <= HIGHER) & (np.abs(hits.span) <= LONGER))
    block = hits.own // BLOCK
    return joined([_in_company(hits.where(block == one), least) for one in np.unique(block)])


def _in_company(hits: Hits, least: int) -> Hits:
    """Those of one block that have company near their lag and height.

    Whoever has no company at any height has none: that takes one place in a table to see, and leaves little to look at.
    """
    hits = hits.where(_near(hits, least))
    for salt in SALTS:
        hits = hits.where(_company(hits, salt, 0, least) | _company(hits, salt, 1, least))
    return hits


def _near(hits: Hits, least: int) -> NDArray[np.bool_]:
    last = cells(len(hits.own), NEAR_CELLS) - 1
    cell = near(hits.recording, hits.there - hits.own, last)
    said = np.minimum(ENOUGH, np.bincount(cell >> 1, weight(hits.rarity, least), minlength=last + 1))
    return np.asarray(said[cell >> 1] + said[beside(cell, last)] >= ENOUGH, bool)


def _company(hits: Hits, salt: int, shift: int, least: int) -> NDArray[np.bool_]:
    key = rough(hits.recording, hits.there - hits.own, hits.height, shift, salt)
    cell = key & (cells(len(key)) - 1)
    return np.asarray(np.bincount(cell, weight(hits.rarity, least), minlength=1)[cell] >= ENOUGH, bool)


def weight(rarity: Integers, least: int) -> Integers:
    """What words count in company: 2 when they say half of what has to be said, else 1.

    Whoever says enough together reaches `ENOUGH`, three of them or two of which one says half; nobody does alone. Two
    bits a cell hold that, however many there are.
    """
    return 1 + (2 * rarity >= least).astype(np.int64)


def rough(recording: Any, lag: Any, height: Any, shift: int, salt: int) -> Any:
    """The rough place of hits as numbers, of arrays or, compiled in `counting`, of one hit."""
    lag = (lag + LAGS + shift * (ROUGH_LAG // 2)) // ROUGH_LAG
    height = (height + HEIGHTS + shift * (ROUGH_HEIGHT // 2)) // ROUGH_HEIGHT
    return (((recording << 20) + (lag << 6) + height) * salt) >> 24


def near(recording: Any, lag: Any, last: Any) -> Any:
    """The cell of a recording and a lag, and in the lowest bit which half of it; neighbouring lags are neighbours."""
    half = (lag + LAGS) // (ROUGH_LAG // 2)
    return (((((recording * SALTS[0]) & 0xFFFFFFFF) >> 4) + (half >> 1)) & last) << 1 | (half & 1)


def beside(cell: Any, last: Any) -> Any:
    """The cell next to that half."""
    return ((cell >> 1) + ((cell & 1) << 1) - 1) & last


def cells(words: int, each: int = ROUGH_CELLS) -> int:
    """How many cells the table has in which so many words are counted: a power of two."""
    return 1 << (each * words).bit_length()

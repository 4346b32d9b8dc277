"""Words of sound: three landmarks as one integer, posted once and looked up once, whatever was done to a copy.

A word says how three landmarks lie to each other: the intervals between them on a musical scale, and when the middle
one comes between the other two. A copy that is played faster, slower, higher or lower keeps all of that, so no change
of speed or pitch has to be asked for. How high the first one lies, and how long the three take, belong to the word only
roughly; exactly they are posted beside it, and tell at once what was done to a copy.
After Six and Leman, "Panako", ISMIR 2014, section 3.2, and Sonnleitner and Widmer, "Quad-based audio fingerprinting
robust to time and frequency scaling", DAFx 2014. One word in `KEEP` is kept, chosen by the word itself, so that both
sides keep the same ones without knowing each other.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from capture_validation.duplicates.compiled import WORTH_IT
from capture_validation.duplicates.landmarks import LOW, Landmarks, Places

#: Neighbours of a landmark: so many, from 2 to 45 frames (0.7 s) later, up to 1.15 octaves away.
FAN, SOONEST, LATEST, WIDEST = 7, 1.5, 45.5, 0.8
#: What counts as the same: height of the first landmark and duration (natural logarithms), place of the middle one
#: between the others (0…1), and both intervals (natural logarithms; 0.022 is three eighths of a semitone).
STEPS = (0.3, 0.3, 0.08, 0.022, 0.022)
#: How many values each of the five has, and what is added so that it is not negative: 26 bits, a positive int4.
SIZES, OFFSETS = (16, 16, 16, 128, 128), (0, 0, 0, 64, 64)
#: What each of the five counts in a word, and how many words there are.
WEIGHTS = np.array([np.prod(SIZES[place + 1 :]) for place in range(len(SIZES))], np.uint32)[:, None]
WORDS = int(np.prod(SIZES))
KEEP = 24
#: A copy may lie on the other side of the borders of its cell. They are crossed, at most three at a time, where the
#: squares of the distances to them, in cells, add up to this at most. After Lv et al., "Multi-probe LSH", VLDB 2007,
#: section 4: what lies in the middle of its cell is asked for once, what lies in a corner many times.
DOUBT, MOST_CROSSED = 0.12, 3
#: How far the five scatter in copies, compared with an interval: a distance counts by that. Height and duration stay
#: where they are in most copies, and the middle one moves where peaks are smeared.
SCATTER = np.array([[0.5], [0.5], [1.3], [1.0], [1.0]], np.float32)
#: What is posted beside a word: 18 bits of frame (16 ms; 69 minutes), 8 of height, 5 of duration.
FRAMES, HEIGHTS, SPANS = 1 << 18, 1 << 8, 1 << 5
#: Levels per natural logarithm of height (1.1 %) and of duration (12 %).
HEIGHT_LEVELS, SPAN_LEVELS = 90, 9

Integers = NDArray[np.int64]
Numbers = NDArray[np.integer[Any]]
Cells = NDArray[np.uint32]


class Triples(Struct, frozen=True):
    """Landmarks with two neighbours each.

    `parts`: float32 (5, n), height, duration, middle, interval, interval, in steps. `place`: int64 (n,), see `placed`.
    """

    parts: NDArray[np.float32]
    place: Integers

    @property
    def frame(self) -> Integers:
        """Where the first landmark lies, int64 (n,), units of 16 ms."""
        return frame_of(self.place)

    def where(self, chosen: NDArray[np.bool_]) -> "Triples":
        """Only the chosen ones."""
        return Triples(self.parts[:, chosen], self.place[chosen])


class Words(Struct, frozen=True):
    """`word`: int64 (n,), 0 … 2³¹ − 1. `place`: int64 (n,), 0 … 2³¹ − 1, what is posted beside it."""

    word: Integers
    place: Integers

    def first(self, most: int) -> "Words":
        """In order, the first so many of each word: a steady trill repeats a few words for ever."""
        both = np.sort((self.word << 31) | self.place)
        word, place = both >> 31, both & (FRAMES << 13) - 1
        few = np.ones(len(word), np.bool_)
        few[most:] = word[most:] != word[:-most]
        return Words(word[few], place[few])


def frame_of(place: Numbers) -> NDArray[Any]:
    """When a word was heard, units of 16 ms, integers as wide as those given."""
    return place >> 13


def height_of(place: Numbers) -> NDArray[Any]:
    """How high its first landmark lies, in levels of 1/90 of a natural logarithm."""
    return (place >> 5) & (HEIGHTS - 1)


def span_of(place: Numbers) -> NDArray[Any]:
    """How long its three landmarks take, in levels of 1/9 of a natural logarithm."""
    return place & (SPANS - 1)


def placed(frame: Places | float, height: Places | float, span: Places) -> Integers:
    """What is posted beside a word, as one integer; `height` and `span` are natural logarithms from 0."""
    frames = np.clip(np.rint(frame), 0, FRAMES - 1).astype(np.int64)
    heights = np.clip(np.rint(height * HEIGHT_LEVELS), 0, HEIGHTS - 1).astype(np.int64)
    spans = np.clip(np.rint(span * SPAN_LEVELS), 0, SPANS - 1).astype(np.int64)
    return np.asarray((frames << 13) | (heights << 5) | spans, np.int64)


def triples(landmarks: Landmarks) -> Triples:
    """Every landmark with every two of its next seven neighbours: about 500 a second of speech."""
    order = np.lexsort((landmarks.bin, landmarks.frame))
    time, height = landmarks.frame[order], np.log(np.maximum(landmarks.bin[order], LOW) / LOW)
    next_, known = _neighbours(time, height)
    if WORTH_IT.is_set():
        from capture_validation.duplicates import wording

        return wording.triples(time, height, next_, known)
    one, two = np.array(list(combinations(range(FAN), 2))).T
    pair, i = np.nonzero(known > two[:, None])
    j, k = next_[i, one[pair]], next_[i, two[pair]]
    took = time[k] - time[i]
    span = np.log(took / SOONEST)
    middle = (time[j] - time[i]) / took
    parts = np.stack([height[i], span, middle, height[j] - height[i], height[k] - height[i]])
    steps = np.array(STEPS, np.float32)[:, None]
    return Triples(parts.astype(np.float32) / steps, placed(time[i], height[i], span))


def _neighbours(time: Places, height: Places) -> tuple[Integers, Integers]:
    """For each landmark the indices of its next neighbours, int64 (n, FAN), and how many it has."""
    found = np.zeros((len(time), FAN), np.int64)
    known = np.zeros(len(time), np.int64)
    if WORTH_IT.is_set():
        from capture_validation.duplicates import wording

        wording.neighbours(time, height, found, known)
        return found, known
    for step in range(1, min(60, len(time))):
        later, higher = time[step:] - time[:-step], np.abs(height[step:] - height[:-step])
        if later.min() >= LATEST:
            break
        near = np.flatnonzero((later >= SOONEST) & (later < LATEST) & (higher < WIDEST) & (known[:-step] < FAN))
        found[near, known[near]] = near + step
        known[near] += 1
    return found, known


def words(triples: Triples, doubt: float = 0.0) -> Words:
    """The words to post, or with `doubt` those to ask for: the neighbouring cells too where a border is near."""
    if WORTH_IT.is_set():
        from capture_validation.duplicates import wording

        return wording.words(triples, doubt)
    cell = np.rint(triples.parts)
    rest = np.asarray(triples.parts - cell, np.float32)
    whole = _encode(cell.astype(np.int32).view(np.uint32))
    beyond = np.where(rest > 0, WEIGHTS, -WEIGHTS)
    made = [
        (whole, triples.place),
        *_crossed(whole, triples.place, np.square((np.float32(0.5) - np.abs(rest)) / SCATTER), beyond, doubt),
    ]
    word, place = (np.concatenate(part) for part in zip(*made, strict=True))
    chosen = np.flatnonzero(kept(word))
    return Words(word[chosen].astype(np.int64), place[chosen])


def _crossed(
    word: Cells, place: Integers, cost: NDArray[np.float32], beyond: Cells, doubt: float
) -> Iterator[tuple[Cells, Integers]]:
    """The words beyond one border, two and three, with their places, where crossing costs no more than `doubt`.

    `cost` and `beyond`: (parts, n), what it costs to cross a part's nearest border, and what that adds to the word.
    """
    level = [(0, word, place, np.arange(len(word)), np.zeros(len(word), np.float32))]
    for _ in range(MOST_CROSSED if doubt else 0):
        beyond_them = []
        for first, own, where, which, spent in level:
            for part in range(first, len(cost)):
                total = spent + cost[part, which]
                near = np.flatnonzero(total <= doubt)
                crossed = own[near] + beyond[part, which[near]]
                beyond_them.append((part + 1, crossed, where[near], which[near], total[near]))
        level = beyond_them
        yield from ((own, where) for _, own, where, *_ in level)


def _encode(cell: Cells) -> Cells:
    """Five numbers as one. Cells are unsigned so that arithmetic wraps: the offset makes them positive again."""
    return np.asarray(((cell + np.array(OFFSETS, np.uint32)[:, None]) * WEIGHTS).sum(axis=0, dtype=np.uint32))


def kept(word: Any) -> Any:
    """Whether a word is one of those in `KEEP` that are kept, of uint32 arrays or, compiled in `wording`, of one word.

    Fibonacci hashing (Knuth, The Art of Computer Programming 3, section 6.4) to 0 … KEEP − 1, blind to content.
    """
    scattered = ((word * np.uint64(0x9E3779B1)) & np.uint64(0xFFFFFFFF)) >> np.uint64(16)
    return (scattered % np.uint64(KEEP) == 0) & (word < WORDS)

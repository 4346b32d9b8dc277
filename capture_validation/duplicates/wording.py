"""Wording in a process with a large index: the loops of `audio_words` that every word goes through, compiled."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from capture_validation.duplicates.audio_words import (
    FAN,
    FRAMES,
    HEIGHT_LEVELS,
    HEIGHTS,
    LATEST,
    OFFSETS,
    SCATTER,
    SOONEST,
    STEPS,
    WEIGHTS,
    WIDEST,
    Cells,
    Integers,
    Triples,
    Words,
    kept,
)
from capture_validation.duplicates.audio_words import placed as placed_at
from capture_validation.duplicates.compiled import loop, part
from capture_validation.duplicates.landmarks import Places

Parts = NDArray[np.float32]
Indices = NDArray[np.int32]

PARTS = len(STEPS)
#: The words of a triple: as it is, and beyond one border of five, two and three.
MOST = 1 + 5 + 10 + 10
_SCATTER, _WEIGHTS, _OFFSETS = SCATTER[:, 0], WEIGHTS[:, 0], np.array(OFFSETS)
_kept = part(kept)


def words(triples: Triples, doubt: float) -> Words:
    """The words to ask for: see `audio_words.words`; the same ones, in another order."""
    most = MOST * len(triples.place) + 1
    word, which = np.empty(most, np.uint32), np.empty(most, np.int32)
    count = spread(np.ascontiguousarray(triples.parts), np.float32(doubt), word, which)
    return Words(word[:count].astype(np.int64), triples.place[which[:count]])


def triples(time: Places, height: Places, found: Integers, known: Integers) -> Triples:
    """Every landmark with every two of its neighbours: see `audio_words.triples`; the same, in the same order."""
    count = int((known * (known - 1) // 2).sum())
    parts, took, place = np.empty((PARTS, count), np.float32), np.empty(count), np.empty(count, np.int64)
    pair(time, height, found, known, parts, took, place)
    span = np.log(took / SOONEST)
    parts[1] = span
    parts /= np.array(STEPS, np.float32)[:, None]
    place += placed_at(0.0, 0.0, span)
    return Triples(parts, place)


@part
def whole(value: Any, most: Any) -> Any:
    """The nearest integer from 0 to less than `most`."""
    return np.int64(min(max(np.rint(value), 0), most - 1))


@loop("void(float64[::1], float64[::1], int64[:,::1], int64[::1], float32[:,::1], float64[::1], int64[::1])")
def pair(
    time: Places, height: Places, found: Integers, known: Integers, parts: Parts, took: Places, place: Integers
) -> None:
    """Write down the parts of every triple and what is posted beside it, but how long it is; and how many frames."""
    count = 0
    for one in range(FAN):
        for two in range(one + 1, FAN):
            for i in range(len(time)):
                if known[i] > two:
                    j, k = found[i, one], found[i, two]
                    took[count] = time[k] - time[i]
                    place[count] = (whole(time[i], FRAMES) << 13) | (whole(height[i] * HEIGHT_LEVELS, HEIGHTS) << 5)
                    parts[0, count], parts[2, count] = height[i], (time[j] - time[i]) / took[count]
                    parts[3, count], parts[4, count] = height[j] - height[i], height[k] - height[i]
                    count += 1


@loop("void(float64[::1], float64[::1], int64[:,::1], int64[::1])")
def neighbours(time: Places, height: Places, found: Integers, known: Integers) -> None:
    """Write down the next neighbours of each landmark, and how many it has: see `audio_words.neighbours`."""
    for i in range(len(time)):
        for j in range(i + 1, min(i + 60, len(time))):
            later = time[j] - time[i]
            if later >= LATEST or known[i] == FAN:
                break
            if later >= SOONEST and abs(height[j] - height[i]) < WIDEST:
                found[i, known[i]] = j
                known[i] += 1


@part
def placed(parts: Any, cost: Any, beyond: Any) -> Any:
    """The word of one triple; what crossing each border costs, and what it adds to the word, are written down."""
    own = np.uint32(0)
    for side in range(PARTS):
        cell = np.rint(parts[side])
        rest = parts[side] - cell
        own = np.uint32(own + np.uint32(np.int64(cell) + _OFFSETS[side]) * _WEIGHTS[side])
        distance = (np.float32(0.5) - abs(rest)) / _SCATTER[side]
        cost[side] = distance * distance
        beyond[side] = np.uint32(np.int64(_WEIGHTS[side]) if rest > 0 else -np.int64(_WEIGHTS[side]))
    return own


@part
def take(own: Any, one: Any, word: Any, which: Any, count: Any) -> Any:
    """Write down a word, and give the number of those that are kept."""
    word[count], which[count] = own, one
    return count + int(_kept(own))


@part
def cross(own: Any, one: Any, cost: Any, beyond: Any, doubt: Any, word: Any, which: Any, count: Any) -> Any:
    """Write down the words beyond one border, two and three, where the way there costs no more than `doubt`."""
    for a in range(PARTS):
        if cost[a] > doubt:
            continue
        first = np.uint32(own + beyond[a])
        count = take(first, one, word, which, count)
        for b in range(a + 1, PARTS):
            spent = cost[a] + cost[b]
            if spent > doubt:
                continue
            second = np.uint32(first + beyond[b])
            count = take(second, one, word, which, count)
            for c in range(b + 1, PARTS):
                if spent + cost[c] <= doubt:
                    count = take(np.uint32(second + beyond[c]), one, word, which, count)
    return count


@loop("int64(float32[:,::1], float32, uint32[::1], int32[::1])")
def spread(parts: Parts, doubt: Any, word: Cells, which: Indices) -> int:
    """Write down the words of every triple and whose they are, those beyond its borders too, and give their number.

    Each is written and the next one written over it unless it is kept: the processor has nothing to guess.
    """
    count = 0
    cost, beyond = np.empty(PARTS, np.float32), np.empty(PARTS, np.uint32)
    for one in range(parts.shape[1]):
        own = placed(parts[:, one], cost, beyond)
        count = take(own, one, word, which, count)
        if doubt > 0:
            count = cross(own, one, cost, beyond, doubt, word, which, count)
    return count

"""Words of sound: three landmarks as one integer, posted once and looked up often.

A word is a landmark's place and the way from it to two of its next neighbours. Three agree by chance a hundred times
less often than two, which keeps posting lists short when an index holds years of sound; which neighbours a copy lost
does not matter, because every choice of two among eight is tried. Only one word in sixteen is kept, chosen by the word
itself, so that both sides keep the same ones without knowing each other.
After Wang, ISMIR 2003; triples as in Six and Leman, "Panako", ISMIR 2014, section 3.2.
"""

from itertools import combinations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from capture_validation.duplicates.landmarks import HIGH, LOW, Landmarks, Places

#: Neighbours of a landmark: so many, from 2 to 45 frames (0.7 s) later, up to 48 bins (750 Hz) away.
FAN, SOONEST, LATEST, WIDEST = 8, 1.5, 45.5, 48.5
#: What counts as the same place: 3 bins for the first landmark, 1.5 bins and 2 frames for the ways to the others.
STEPS = (3.0, 1.5, 2.0, 1.5, 2.0)
#: How many values each of the five has, and what is added so that it is not negative: 31 bits, a positive int4.
SIZES, OFFSETS = (128, 128, 32, 128, 32), (0, 64, 4, 64, 4)
KEEP = 16
#: Which of the five to move to its neighbouring cell when asking: the most doubtful, the second most, both, …
DOUBTS: tuple[tuple[int, ...], ...] = ((), (0,), (1,), (0, 1), (2,), (0, 2), (1, 2))

Integers = NDArray[np.int64]
Cells = NDArray[np.uint32]


class Triples(Struct, frozen=True):
    """Landmarks with two neighbours each: `parts` float64 (5, n), place, way, time, way, time; `frame` (n,)."""

    parts: Places
    frame: Places


class Words(Struct, frozen=True):
    """`word`: int64 (n,), 0 … 2³¹ − 1. `frame`: int64 (n,), where its first landmark lies, in units of 16 ms."""

    word: Integers
    frame: Integers


def triples(landmarks: Landmarks) -> Triples:
    """Every landmark with every two of its next eight neighbours: about 500 a second of speech."""
    order = np.lexsort((landmarks.bin, landmarks.frame))
    time, place = landmarks.frame[order], landmarks.bin[order]
    next_, known = _neighbours(time, place)
    anchor, one, two = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for a, b in combinations(range(FAN), 2):
        has = np.flatnonzero(known > b)
        anchor.append(has)
        one.append(next_[has, a])
        two.append(next_[has, b])
    i, j, k = (np.concatenate(part) for part in (anchor, one, two))
    ways = place[j] - place[i], time[j] - time[i], place[k] - place[i], time[k] - time[i]
    return Triples(np.stack([place[i], *ways]), time[i])


def _neighbours(time: Places, place: Places) -> tuple[Integers, Integers]:
    """For each landmark the indices of its next neighbours, int64 (n, FAN), and how many it has."""
    found = np.zeros((len(time), FAN), np.int64)
    known = np.zeros(len(time), np.int64)
    for step in range(1, min(60, len(time))):
        later, higher = time[step:] - time[:-step], np.abs(place[step:] - place[:-step])
        if later.min() >= LATEST:
            break
        near = np.flatnonzero((later >= SOONEST) & (later < LATEST) & (higher < WIDEST) & (known[:-step] < FAN))
        found[near, known[near]] = near + step
        known[near] += 1
    return found, known


def words(triples: Triples, time_factor: float = 1.0, pitch_factor: float = 1.0, doubts: int = 0) -> Words:
    """The words to post, or to ask for.

    To ask for a copy that plays `time_factor` times faster and `pitch_factor` times higher, its landmarks are moved
    back before they become words. `doubts` asks for that many neighbouring cells too: where a landmark lies near the
    edge of a cell, the original may lie on the other side. Post with neither.
    """
    scale = np.array([1 / pitch_factor, 1 / pitch_factor, time_factor, 1 / pitch_factor, time_factor])
    exact = triples.parts.astype(np.float32) * (scale / np.array(STEPS)).astype(np.float32)[:, None]
    cell = np.rint(exact).astype(np.int32).view(np.uint32)
    place = triples.parts[0] / pitch_factor
    inside = (place >= LOW - 0.5) & (place < HIGH + 0.5)
    at = np.rint(triples.frame * time_factor).astype(np.int64)
    made = [_encode(cell)]
    if doubts:
        rest = exact - cell.view(np.int32)
        beside = np.where(rest > 0, 1, -1).astype(np.int32).view(np.uint32)
        doubtful = np.argsort(-np.abs(rest), axis=0)
        made += [_encode(_moved(cell, beside, doubtful, moved)) for moved in DOUBTS[1 : doubts + 1]]
    kept = [np.flatnonzero(inside & (_scatter(word) == 0)) for word in made]
    word = np.concatenate([one[keep] for one, keep in zip(made, kept, strict=True)])
    return Words(word.astype(np.int64), np.concatenate([at[keep] for keep in kept]))


def _moved(cell: Cells, beside: Cells, doubtful: Integers, ranks: tuple[int, ...]) -> Cells:
    moved = cell.copy()
    every = np.arange(cell.shape[1])
    for rank in ranks:
        moved[doubtful[rank], every] += beside[doubtful[rank], every]
    return moved


def _encode(cell: Cells) -> Cells:
    """Five numbers as one; their ranges are bounded by FAN's limits and the largest change that is looked for.

    Cells are unsigned so that arithmetic wraps: the offset makes every one of them small and positive again.
    """
    word = np.zeros(cell.shape[1], np.uint32)
    for part, size, offset in zip(cell, SIZES, OFFSETS, strict=True):
        word = word * np.uint32(size) + (part + np.uint32(offset))
    return word


def _scatter(word: Cells) -> Cells:
    """Fibonacci hashing (Knuth, The Art of Computer Programming 3, section 6.4) to 0 … KEEP − 1, blind to content."""
    return np.asarray((word * np.uint32(0x9E3779B1)) >> np.uint32(32 - (KEEP - 1).bit_length()), np.uint32)

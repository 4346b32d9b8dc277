"""Stretches: whether a recording is made of several stretches of another one, in their order.

Whoever cuts pauses out of a film, or shows parts of it between other pictures, leaves stretches that lie at offsets of
their own: no single one fits them all. Their path through the agreement of every moment of one with every moment of the
other is a local alignment (Smith and Waterman, J. Mol. Biol. 147, 1981) whose gaps cost the same whatever their length.
"""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from capture_validation.duplicates.motion import (
    BESIDE,
    LEAST_LUCK,
    Moves,
    Shared,
    Singles,
    change,
    paced,
    participation,
)

#: A new recording may begin between two quarter seconds of the held one: parts of a step that are tried.
PHASES = (0.0, 0.5)
#: Correlation from which a step belongs to a stretch, and what it costs to begin one: as much as so many steps of mean
#: energy earn that agree fully. Shorter stretches are left out, quarter seconds.
AGREES, ENTRY, SHORTEST = 0.5, 1.5, 5
#: Pairs of moments that are looked at, which bounds memory to 65 MB: six and a half minutes beside as many. What is
#: longer than that is compared as a whole only.
MOST_PAIRS = 2_500_000


class Stretch(Struct, frozen=True):
    """One stretch, in quarter seconds: where it begins in the new and in the held recording, and how long it lasts."""

    new: float
    held: float
    length: int


class Cut(Struct, frozen=True):
    """Stretches in their order, and how they agree taken together; `moves` has the offset of the first of them."""

    moves: Moves
    stretches: tuple[Stretch, ...]


class Compared(Struct, frozen=True):
    """The same stretch of both motions, float64 (steps, points), and what it correlates with the held one elsewhere.

    `next_best`, `elsewhere`: the largest correlation at other offsets, at least 0, and their mean square.
    """

    new: NDArray[np.float64]
    held: NDArray[np.float64]
    next_best: float
    elsewhere: float

    @property
    def weight(self) -> float:
        """Its energy: what it would contribute if it agreed fully."""
        return float(np.sqrt((self.new**2).sum() * (self.held**2).sum()))


def in_stretches(pair: Shared) -> Cut | None:
    """The stretches that both motions have in common, None where there are none or the recordings are too long."""
    if len(pair.held) * len(pair.new) > MOST_PAIRS or min(len(pair.held), len(pair.new)) <= SHORTEST:
        return None
    held = change(pair.held)
    new = [change(paced(pair.new, 1.0, phase)) for phase in PHASES]
    places = [place for place in _path(*_scores(held, new)) if place[3] >= SHORTEST]
    if not places:
        return None
    compared = [_compared(held, new[phase], i, j, length) for phase, i, j, length in places]
    stretches = tuple(Stretch(i + PHASES[phase], j, length) for phase, i, j, length in places)
    return Cut(_together(compared, stretches, pair), stretches)


def _scores(held: Singles, new: list[Singles]) -> tuple[Singles, float]:
    """What each step of the new motion earns beside each of the held one, (phases, new, held); the price of entry."""
    energy = np.sqrt((held**2).sum(axis=1))
    scores = np.zeros((len(new), len(new[0]), len(held)), np.float32)
    own = [np.sqrt((one**2).sum(axis=1)) for one in new]
    for score, one, power in zip(scores, new, own, strict=True):
        score[: len(one)] = one @ held.T - AGREES * power[:, None] * energy
    return scores, ENTRY * (1 - AGREES) * float(own[0].mean() * energy.mean())


def _path(scores: Singles, price: float) -> list[tuple[int, int, int, int]]:
    """The stretches of the best path, in order: (phase, step of the new motion, of the held one, steps)."""
    total, goes_on = _totals(scores, price)
    found = []
    while total.size:
        phase, i, j = (int(index) for index in np.unravel_index(int(total.argmax()), total.shape))
        if total[phase, i, j] <= 0:
            break
        length = 1
        while goes_on[phase, i - length + 1, j - length + 1]:
            length += 1
        found.append((phase, i - length + 1, j - length + 1, length))
        # What comes before is the best path that ends before both.
        total = total[:, : i - length + 1, : j - length + 1]
    return found[::-1]


def _totals(scores: Singles, price: float) -> tuple[Singles, NDArray[np.bool_]]:
    """What the best path that ends at each pair of steps has earned, and whether it comes along the same offset."""
    phases, _, width = scores.shape
    total, goes_on = np.empty_like(scores), np.zeros(scores.shape, np.bool_)
    # The best path that ended anywhere before each step of the held motion; none at all has earned nothing.
    before = np.zeros(width + 1, np.float32)
    along = np.full((phases, width), -np.inf, np.float32)
    for step in range(scores.shape[1]):
        entered = before[:width] - price
        goes_on[:, step] = along > entered
        total[:, step] = scores[:, step] + np.maximum(along, entered)
        along[:, 1:] = total[:, step, :-1]
        np.maximum(before[1:], np.maximum.accumulate(total[:, step].max(axis=0)), out=before[1:])
    return total, goes_on


def _compared(held: Singles, new: Singles, i: int, j: int, length: int) -> Compared:
    own, there = new[i : i + length].astype(np.float64), held.astype(np.float64)
    products = own @ there.T
    count = len(held) - length + 1
    cross = np.sum([products[step, step : step + count] for step in range(length)], axis=0)
    power = np.concatenate(([0.0], np.cumsum((there**2).sum(axis=1))))
    energy = (power[length:] - power[:count]) * (own**2).sum()
    value = (cross / (np.sqrt(np.maximum(energy, 0)) + 1e-6))[np.abs(np.arange(count) - j) > BESIDE]
    best, square = (max(0.0, float(value.max())), float(np.mean(value**2))) if len(value) else (0.0, 0.0)
    return Compared(own, there[j : j + length], best, square)


def _together(compared: list[Compared], stretches: tuple[Stretch, ...], pair: Shared) -> Moves:
    """How the stretches agree, each by its energy; by luck, each of them could lie anywhere."""
    weights = np.array([one.weight for one in compared])
    all_of_it = max(float(weights.sum()), np.finfo(np.float64).tiny)
    new, held = (np.concatenate([getattr(one, side) for one in compared]) for side in ("new", "held"))
    products = (new * held).sum(axis=1)
    correlation = float(products.sum() / max(np.sqrt((new**2).sum() * (held**2).sum()), np.finfo(np.float64).tiny))
    luck = float(np.sqrt(np.sum(weights**2 * [one.elsewhere for one in compared]))) / all_of_it
    next_best = float(np.sum(weights * [one.next_best for one in compared])) / all_of_it
    return Moves(
        correlation=correlation,
        offset=stretches[0].held - stretches[0].new,
        pace=1.0,
        overlap=len(products),
        activity=float(np.abs(np.diff(pair.held, axis=0)).mean()),
        above_luck=correlation / max(LEAST_LUCK, luck),
        next_best=next_best,
        moments=participation(products),
    )

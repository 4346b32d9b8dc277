"""Alignment: whether two textures agree along one straight line of time, judged against the pair's own strangers.

A copy runs along the original: the lag between the two is one straight line over the whole overlap, sloped when a
clock or the tempo differs. How much two recordings agree by chance depends on what they are (two speakers, two
engines, two rooms), so the agreement on the line is measured in standard deviations of the agreement at lags where
nothing can match, in this very pair.
"""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from capture_validation.duplicates.compiled import WORTH_IT
from capture_validation.duplicates.texture import Words

Seconds = NDArray[np.float32]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

EVERY_BIT = np.uint64(0xFFFFFFFFFFFFFFFF)

#: Frames (16 ms) of one second, the unit in which agreement is judged by itself.
SEGMENT = 62
#: Lags around the proposed one that a line may run through.
AROUND = 8
#: Lags at which nothing can match; the more, the steadier the judgement.
STRANGERS = 64
#: A sloped line has more ways to be lucky; so many standard deviations per unit of slope.
SLOPE_COST = 250.0
#: A recording of a second or two has few chances to disagree; its share is counted out of at least two seconds that say
#: as much as the fullest one does.
FEWEST_SECONDS = 2
#: A second agrees by itself when it is this many standard deviations above its strangers.
AGREES = 2.0
#: A stretch goes on over a second that is so many standard deviations above, and over a pause if more than makes up for
#: it agrees behind: strangers, who are at none, end it.
GOES_ON = 1.0


class Line(Struct, frozen=True):
    """The best line and what speaks for it.

    `strength`: agreement of the whole overlap in standard deviations. `share`: how much of what the overlap says it
    says in seconds that agree by themselves, 0…1; a pause says nothing, and cannot agree. `slope`: by how much the copy
    runs faster, relative. `lag`: reference frame minus query frame at `centre`. `first` and `last`: the frames of the
    query between which agreement is densest; `begin` and `end`: those and what agrees on either side, which is what was
    copied.
    """

    strength: float
    share: float
    slope: float
    lag: int
    centre: float
    first: int
    last: int
    begin: int
    end: int


class Texture(Struct, frozen=True):
    """A new recording every 16 ms, as far as it takes part: `bits` and `firm`, uint64 (frames,)."""

    bits: Words
    firm: Words


class Held(Struct, frozen=True):
    """A stored recording every 32 ms: `bits` uint64 (half frames,), `loud` bool (half frames,)."""

    bits: Words
    loud: Flags


def align(new: Texture, held: Held, lag: int, slopes: NDArray[np.float64]) -> Line | None:
    """The line near a proposed lag along which a new recording agrees best with a held one.

    `lag`: frames of 16 ms, held minus new. `slopes`: relative changes of pace to try, in order. None with less than a
    second of overlap. Deterministic: the same pair gives the same line.
    """
    frames = len(new.bits) // 2 * 2
    reach = AROUND + int(max(-slopes[0], slopes[-1]) * frames / 2) + 1
    overlap = min(2 * len(held.bits), lag + frames) - max(0, lag)
    if overlap < SEGMENT or frames < SEGMENT:
        return None
    if WORTH_IT.is_set():
        from capture_validation.duplicates import aligning

        return aligning.align(new, held, lag, reach, slopes)
    cuts = np.arange(0, frames // 2, SEGMENT // 2)
    near = _near(new, held, lag, reach, cuts)
    chance = _strangers(new, held, lag, reach, cuts)
    spread = np.maximum(chance.std(axis=1), _coin_tosses(new, held, lag, cuts)) + 1.0
    return _line(near, (chance, spread), slopes, lag, (frames, 2 * len(held.bits)))


def _near(new: Texture, held: Held, lag: int, reach: int, cuts: Integers) -> Seconds:
    """Agreement of every second at every lag in reach, float32 (seconds, 2·reach + 1)."""
    half = len(new.bits) // 2
    lags = np.arange(lag - reach, lag + reach + 1)
    low = (lag - reach) // 2
    bits, heard = _cut(held, low, (lag + reach + 1) // 2 + 1 + half)
    out = np.empty((len(cuts), len(lags)), np.float32)
    for odd in (0, 1):
        # New frame plus lag has to be a frame that was kept, an even one; odd lags read the odd frames.
        chosen = np.flatnonzero(lags % 2 == odd)
        start = (lags[chosen] + odd) // 2 - low
        rows, mask = _windows(bits, half)[start], _windows(heard, half)[start]
        out[:, chosen] = _agreement(Texture(new.bits[odd::2][:half], new.firm[odd::2][:half]), rows, mask, cuts)
    return out


def _windows(part: Words, size: int) -> Words:
    """Every stretch of so many, (n, size), uncopied: NumPy's sliding_window_view takes as long as a comparison."""
    return np.ndarray((len(part) - size + 1, size), part.dtype, part, strides=2 * part.strides)


def _cut(held: Held, low: int, high: int) -> tuple[Words, Words]:
    """Half frames low … high of a held recording and a mask of what is loud; silence where there are none."""
    bits, heard = np.zeros((2, high - low), np.uint64)
    first, last = (min(max(edge, 0), len(held.bits)) for edge in (low, high))
    bits[first - low : last - low] = held.bits[first:last]
    heard[first - low : last - low] = np.where(held.loud[first:last], EVERY_BIT, np.uint64(0))
    return bits, heard


def _agreement(new: Texture, rows: Words, mask: Words, cuts: Integers) -> Seconds:
    """Equal minus unequal firm bits of every second, float32 (seconds, rows): at most 31 × 64, which an int16 holds."""
    used = mask & new.firm
    unequal = np.bitwise_count((rows ^ new.bits) & used).astype(np.int16)
    equal = np.bitwise_count(used).astype(np.int16) - 2 * unequal
    return np.add.reduceat(equal, cuts, axis=1, dtype=np.int16).T.astype(np.float32)


def _coin_tosses(new: Texture, held: Held, lag: int, cuts: Integers) -> Seconds:
    """How much agreement would scatter if every bit that is compared were a coin, float32 (seconds,).

    No strangers scatter less; where they seem to, the held recording is a word in silence, and silence was compared.
    """
    half = len(new.bits) // 2
    _, heard = _cut(held, lag // 2, lag // 2 + half)
    used = np.bitwise_count(heard & new.firm[0::2][:half])
    return np.sqrt(np.add.reduceat(used, cuts, dtype=np.float32))


def _strangers(new: Texture, held: Held, lag: int, reach: int, cuts: Integers) -> Seconds:
    """Agreement of every second at lags where nothing matches, float32 (seconds, STRANGERS).

    The held recording is read in a circle.
    """
    half, size = len(new.bits) // 2, len(held.bits)
    start = strange_places(size, lag, reach)
    circle = np.resize(held.bits, size + half), np.resize(np.where(held.loud, EVERY_BIT, np.uint64(0)), size + half)
    rows, mask = (_windows(part, half)[start] for part in circle)
    return _agreement(Texture(new.bits[0::2][:half], new.firm[0::2][:half]), rows, mask, cuts)


def strange_places(size: int, lag: int, reach: int) -> Integers:
    """Where in a held recording of so many half frames nothing can match, int64 (STRANGERS,).

    The lags are spread evenly, not drawn, so that a comparison is repeatable.
    """
    guard = min((reach + 12) // 2, size // 4)
    apart = ((np.arange(STRANGERS) + 0.5) * (size - 2 * guard) / STRANGERS).astype(np.int64)
    return (lag // 2 + guard + apart) % size


def _line(
    near: Seconds, strangers: tuple[Seconds, Seconds], slopes: NDArray[np.float64], lag: int, sizes: tuple[int, int]
) -> Line | None:
    """The slope and lag with the largest summed score, and what it is worth.

    `strangers`: what they agree, and how much that scatters. `sizes` are both lengths in frames.
    """
    (chance, spread), (frames, held) = strangers, sizes
    score = (near - chance.mean(axis=1)[:, None]) / spread[:, None]
    second, reach = np.arange(len(near)), near.shape[1] // 2
    tilt = slopes[:, None, None] * ((second - (len(near) - 1) / 2) * SEGMENT)
    path = np.rint(tilt + np.arange(-AROUND, AROUND + 1)[:, None]).astype(np.int64) + reach
    total = score[second, path].sum(axis=2) - SLOPE_COST * np.abs(slopes)[:, None]
    a, b = np.unravel_index(int(total.argmax()), total.shape)
    on = path[a, b]
    middle = second * SEGMENT + np.minimum(SEGMENT, frames - second * SEGMENT) / 2 + on - reach + lag
    inside = np.flatnonzero((middle >= 0) & (middle < held))
    if not len(inside):
        return None
    strange = chance[inside].sum(axis=0)
    # What a second says is the variance that it brings into the sum.
    said = spread[inside] ** 2
    scale = max(float(strange.std()), 0.8 * float(np.sqrt(said.sum())))
    own = score[second, on]
    first, last = _densest(own)
    begin, end = _extent(own, first, last)
    return Line(
        strength=(float(near[inside, on[inside]].sum()) - float(strange.mean())) / scale,
        share=float(said[own[inside] > AGREES].sum()) / max(float(said.sum()), FEWEST_SECONDS * float(said.max())),
        slope=float(slopes[a]),
        lag=int(b) - AROUND + lag,
        centre=(len(near) - 1) / 2 * SEGMENT,
        first=first * SEGMENT,
        last=min(last * SEGMENT, frames),
        begin=begin * SEGMENT,
        end=min(end * SEGMENT, frames),
    )


def _densest(score: Seconds) -> tuple[int, int]:
    """The run of seconds whose summed score is largest for its length, as (first, one past the last)."""
    total = np.concatenate(([0.0], np.cumsum(score)))
    edge = np.arange(len(total))
    length = edge[None] - edge[:, None]
    value = np.where(length >= 1, (total[None] - total[:, None]) / np.sqrt(np.maximum(length, 1)), -np.inf)
    first, last = np.unravel_index(int(value.argmax()), value.shape)
    return int(first), int(last)


def _extent(score: Seconds, first: int, last: int) -> tuple[int, int]:
    """A run of seconds and what agrees on either side of it, as (first, one past the last)."""
    before = np.cumsum((score[:first] - GOES_ON)[::-1])
    behind = np.cumsum(score[last:] - GOES_ON)
    return first - _gained(before), last + _gained(behind)


def _gained(total: Seconds) -> int:
    """How many seconds further a stretch is worth most, where `total` is what each end is worth."""
    return int(total.argmax()) + 1 if len(total) and total.max() > 0 else 0

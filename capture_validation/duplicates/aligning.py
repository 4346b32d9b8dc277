"""Aligning in a process with a large index: the loops of `alignment`, compiled.

A window is compared with a held recording at a hundred lags: ten thousand exclusive-ors, which take ten microseconds,
and dozens of calls of NumPy, which took a thousand. They find the same line.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from capture_validation.duplicates.alignment import (
    AGREES,
    AROUND,
    FEWEST_SECONDS,
    GOES_ON,
    SEGMENT,
    SLOPE_COST,
    STRANGERS,
    Flags,
    Held,
    Line,
    Texture,
    strange_places,
)
from capture_validation.duplicates.compiled import loop, part
from capture_validation.duplicates.texture import Words

Floats = NDArray[np.float64]

#: Words of one second of texture, of which every other frame is kept.
SECOND = SEGMENT // 2
_strange_places = part(strange_places)
_PAIRS, _FOURS, _EIGHTS, _ONES = (
    np.uint64(bits) for bits in (0x5555555555555555, 0x3333333333333333, 0x0F0F0F0F0F0F0F0F, 0x0101010101010101)
)


def align(new: Texture, held: Held, lag: int, reach: int, slopes: Floats) -> Line | None:
    """The line near a proposed lag along which both agree best: see `alignment.align`."""
    half = len(new.bits) // 2
    strength, share, slope, around, *edges = line_of(new.bits, new.firm, held.bits, held.loud, lag, reach, slopes)
    if share < 0:
        return None
    stretches = (min(int(edge) * SEGMENT, 2 * half) for edge in edges)
    middle = (-(-half // SECOND) - 1) / 2 * SEGMENT
    return Line(strength, share, float(slopes[int(slope)]), int(around) + lag, middle, *stretches)


@part
def ones(bits: Any) -> Any:
    """How many bits are set (Warren, Hacker's Delight, section 5-1): the compiler has one instruction for this form."""
    bits = bits - ((bits >> np.uint64(1)) & _PAIRS)
    bits = (bits & _FOURS) + ((bits >> np.uint64(2)) & _FOURS)
    bits = (bits + (bits >> np.uint64(4))) & _EIGHTS
    return np.int64((bits * _ONES) >> np.uint64(56))


@part
def agreement(bits: Any, firm: Any, held: Any, loud: Any) -> Any:
    """How many more of the firm bits are equal than are not, of frames side by side that are loud.

    Four slices of one length, read from their beginning: the compiler counts four frames at once.
    """
    total = 0
    for i in range(len(bits)):
        used = firm[i] & (np.uint64(0) - np.uint64(loud[i]))
        total += ones(used) - 2 * ones((bits[i] ^ held[i]) & used)
    return total


@part
def compare(bits: Any, firm: Any, held: Any, loud: Any, low: Any, out: Any) -> Any:
    """Agreement of every second at every lag from `low` on; `bits`, `firm`: (2, half frames), the even and the odd."""
    for column in range(out.shape[1]):
        odd = (low + column) % 2
        start = (low + column + odd) // 2
        for second in range(out.shape[0]):
            first = max(second * SECOND, -start)
            last = max(first, min((second + 1) * SECOND, bits.shape[1], len(held) - start))
            there = slice(start + first, start + last)
            out[second, column] = agreement(bits[odd, first:last], firm[odd, first:last], held[there], loud[there])


@part
def compare_in_circle(bits: Any, firm: Any, held: Any, loud: Any, start: Any, out: Any) -> Any:
    """Agreement of every second from each `start` on; the held recording is read in a circle."""
    out[:] = 0
    for column in range(len(start)):
        for second in range(out.shape[0]):
            first, last = second * SECOND, min((second + 1) * SECOND, len(bits))
            while first < last:
                there = (start[column] + first) % len(held)
                few = min(last - first, len(held) - there)
                own, other = slice(first, first + few), slice(there, there + few)
                out[second, column] += agreement(bits[own], firm[own], held[other], loud[other])
                first += few


@part
def compared_bits(firm: Any, loud: Any, start: Any, out: Any) -> Any:
    """How many bits of every second are compared from half frame `start` of the held recording on."""
    out[:] = 0
    for i in range(max(0, -start), min(len(firm), len(loud) - start)):
        out[i // SECOND] += ones(firm[i]) * loud[start + i]


@part
def passed(slope: Any, around: Any, second: Any, seconds: Any) -> Any:
    """The lag, from the proposed one, at which a line passes a second."""
    return int(np.rint(slope * ((second - (seconds - 1) / 2) * SEGMENT) + around))


@part
def straightest(score: Any, slopes: Any) -> Any:
    """Which slope, and how many lags beside the proposed one, have the largest sum of scores, (seconds, lags)."""
    most, slope, around = -np.inf, 0, 0
    for one in range(len(slopes)):
        for beside in range(-AROUND, AROUND + 1):
            total = -SLOPE_COST * abs(slopes[one])
            for second in range(len(score)):
                total += score[second, passed(slopes[one], beside, second, len(score)) + score.shape[1] // 2]
            if total > most:
                most, slope, around = total, one, beside
    return slope, around


@part
def densest(score: Any) -> Any:
    """The run of seconds whose summed score is largest for its length, as (first, one past the last)."""
    most, first, last = -np.inf, 0, 1
    for begin in range(len(score)):
        total = 0.0
        for end in range(begin + 1, len(score) + 1):
            total += score[end - 1]
            if total / np.sqrt(end - begin) > most:
                most, first, last = total / np.sqrt(end - begin), begin, end
    return first, last


@part
def gained(score: Any, start: Any, step: Any) -> Any:
    """How many seconds further, one way or the other, a stretch is worth most."""
    total, most, further = 0.0, 0.0, 0
    second = start
    while 0 <= second < len(score):
        total += score[second] - GOES_ON
        if total > most:
            most, further = total, abs(second - start) + 1
        second += step
    return further


@part
def mean_and_spread(values: Any) -> Any:
    """Mean and standard deviation."""
    total, squares = 0.0, 0.0
    for one in range(len(values)):
        total += values[one]
        squares += values[one] ** 2
    mean = total / len(values)
    return mean, np.sqrt(max(0.0, squares / len(values) - mean * mean))


@part
def strangers(chance: Any, used: Any, mean: Any, spread: Any) -> Any:
    """Mean and standard deviation of every second's agreement with strangers, who scatter no less than coins do."""
    for second in range(len(chance)):
        mean[second], own = mean_and_spread(chance[second])
        spread[second] = max(own, np.sqrt(used[second])) + 1.0


@part
def find_line(near: Any, score: Any, mean: Any, spread: Any, slopes: Any) -> Any:
    """The best line: its slope's index, its lag from the proposed one, its densest seconds, and all that agree.

    `score`: where agreement is written down in standard deviations above that of strangers.
    """
    for second in range(len(near)):
        for column in range(near.shape[1]):
            score[second, column] = (near[second, column] - mean[second]) / spread[second]
    slope, around = straightest(score, slopes)
    own = np.empty(len(near))
    for second in range(len(near)):
        own[second] = score[second, passed(slopes[slope], around, second, len(near)) + near.shape[1] // 2]
    first, last = densest(own)
    begin, end = first - gained(own, first - 1, -1), last + gained(own, last, 1)
    return slope, around, first, last, begin, end


@part
def judge(near: Any, score: Any, chance: Any, spread: Any, slope: Any, around: Any, lag: Any, sizes: Any) -> Any:
    """Strength and share of a line; the share is −1 where it passes outside of what is held."""
    frames, held = sizes
    other = np.zeros(chance.shape[1])
    agreed, fullest, said, doubt = 0.0, 0.0, 0.0, 0.0
    for second in range(len(near)):
        at = passed(slope, around, second, len(near))
        middle = second * SEGMENT + min(SEGMENT, frames - second * SEGMENT) / 2 + at + lag
        if 0 <= middle < held:
            own = spread[second] ** 2
            agreed += own * (score[second, at + near.shape[1] // 2] > AGREES)
            fullest, doubt = max(fullest, own), doubt + own
            said += near[second, at + near.shape[1] // 2]
            for one in range(len(other)):
                other[one] += chance[second, one]
    if fullest == 0.0:
        return 0.0, -1.0
    strange, apart = mean_and_spread(other)
    return (said - strange) / max(apart, 0.8 * np.sqrt(doubt)), agreed / max(doubt, FEWEST_SECONDS * fullest)


@loop("UniTuple(float64, 8)(uint64[:], uint64[:], uint64[::1], boolean[::1], int64, int64, float64[::1])")
def line_of(
    bits: Words, firm: Words, held: Words, loud: Flags, lag: int, reach: int, slopes: Floats
) -> tuple[float, ...]:
    """The best line: strength, share, index of its slope, lag from the proposed one, its seconds: see `find_line`."""
    half = len(bits) // 2
    seconds = (half + SECOND - 1) // SECOND
    halves, firms = np.empty((2, half), np.uint64), np.empty((2, half), np.uint64)
    for odd in range(2):
        for i in range(half):
            halves[odd, i], firms[odd, i] = bits[2 * i + odd], firm[2 * i + odd]
    near, score = np.empty((seconds, 2 * reach + 1)), np.empty((seconds, 2 * reach + 1))
    chance, used = np.empty((seconds, STRANGERS)), np.empty(seconds)
    mean, spread = np.empty(seconds), np.empty(seconds)
    compare(halves, firms, held, loud, lag - reach, near)
    compare_in_circle(halves[0], firms[0], held, loud, _strange_places(len(held), lag, reach), chance)
    compared_bits(firms[0], loud, lag // 2, used)
    strangers(chance, used, mean, spread)
    slope, around, first, last, begin, end = find_line(near, score, mean, spread, slopes)
    strength, share = judge(near, score, chance, spread, slopes[slope], around, lag, (2 * half, 2 * len(held)))
    return strength, share, float(slope), float(around), float(first), float(last), float(begin), float(end)

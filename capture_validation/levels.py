"""Levels over time: the 20 ms levels of a whole recording, in a byte each.

Where silence begins depends on how loud the rest is, which is known only at the end. Half a decibel in one byte keeps
the loudness of an hour in 180 kB, and an hour is the longest recording that is taken (`capacity`).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from capture_validation.grid import from_bytes
from capture_validation.sound import LEVEL_S, Sound

#: Under this level a phone records nothing but its own noise.
INAUDIBLE = -60.0
#: A pause is this far below the loudest moments.
PAUSE_BELOW = 38.0
#: In eight bits, and where a recorder has amplified little to much, quiet sound has only a few values. What moves by no
#: more than this many steps of the recording's own resolution proves nothing about single samples.
COARSE = 2.5
SIGNLESS, NOTHING_BUT_ZERO = np.uint32(0x7FFFFFFF), np.uint32(0xFFFFFFFF)


class Levels:
    """The 20 ms levels (dBFS, loudest channel, any constant offset removed) heard so far."""

    def __init__(self) -> None:
        self._cells = bytearray()
        self.step_s = LEVEL_S

    def add(self, sound: Sound) -> None:
        """Take the levels of the next stretch."""
        self.step_s = sound.level_samples.shape[2] / sound.rate
        self._cells += sound.level_bytes

    def all(self) -> NDArray[np.float32]:
        """Every level so far in dBFS, shape (steps,), to half a decibel."""
        return from_bytes(self._cells)

    def pauses(self, shortest_s: float) -> list[tuple[float, float]]:
        """Stretches (start, end) in seconds of at least `shortest_s` in which nothing is heard: what is `quiet`."""
        levels = self.all()
        if not len(levels):
            return []
        return [
            (start * self.step_s, end * self.step_s)
            for start, end in runs(levels < self.quiet())
            if (end - start) * self.step_s >= shortest_s
        ]

    def quiet(self) -> float:
        """Under what level (dBFS) nothing is heard: 38 dB under the loudest hundredth of the recording, or −60 dBFS."""
        return max(INAUDIBLE, float(np.percentile(self.all(), 99)) - PAUSE_BELOW)

    @property
    def duration_s(self) -> float:
        """Seconds covered by whole steps."""
        return len(self._cells) * self.step_s


def resolution(samples: NDArray[np.float32], so_far: float) -> float:
    """The recording's step: its smallest sample but zero, in these samples or before (`so_far`, at first infinite)."""
    # Without their sign floats are ordered as their bits are, and one less than zero is the largest of all.
    bits = (np.ascontiguousarray(samples).view(np.uint32) & SIGNLESS) - np.uint32(1)
    least = bits.min(initial=NOTHING_BUT_ZERO)
    return so_far if least == NOTHING_BUT_ZERO else min(so_far, float((least + np.uint32(1)).view(np.float32)))


def runs(marked: NDArray[np.bool_], shortest: int = 1) -> Iterator[tuple[int, int]]:
    """Start and end (exclusive) of every run of True that is long enough, and of one that reaches the end."""
    around = np.concatenate(([False], marked, [False]))
    edges = np.flatnonzero(around[1:] != around[:-1])
    starts, ends = edges[::2], edges[1::2]
    kept = (ends - starts >= shortest) | (ends == len(marked))
    return zip(starts[kept].tolist(), ends[kept].tolist(), strict=True)

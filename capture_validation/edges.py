"""Edges: how loud the first and the last moments of a recording are, against its loud parts.

Somebody who starts to speak before the recorder runs, or stops it on the last syllable, leaves an edge as loud as the
speech itself; who waits for a moment leaves the room.
"""

import numpy as np
from numpy.typing import NDArray

from capture_validation.grid import Samples, decibel
from capture_validation.levels import Levels
from capture_validation.sound import Sound

#: The length of an edge: shorter than any syllable.
EDGE_S = 0.03
#: The outermost part of it, a period of a deep voice, and how far that may lie under the whole edge (dB): a word that
#: begins inside the recording rises from nothing, however tightly it was trimmed; the rest of one is there at once.
OUTERMOST_S, RISE_DB = 0.01, 6.0
#: A vowel that is cut into repeats itself from its first moment on: so much of these (s) is the same after one period
#: of a voice (s).
VOWEL_S, PERIODS_S, REPEATED = 0.04, (0.0025, 0.0125), 0.8
#: Periods are tried in steps of this rate (Hz), or of single samples.
FINEST_HZ = 16000
#: Shorter recordings are nothing but edges.
SHORTEST_S = 1.0
#: Where even the loud parts are quieter (dBFS), nothing was said that could be cut off.
QUIET = -60.0


class Edges:
    """The first 40 and the last 30 ms of a recording, and the levels between them."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._length = max(round(rate * EDGE_S), 1)
        self._opening = max(round(rate * VOWEL_S), 1)
        self._outermost = max(round(rate * OUTERMOST_S), 1)
        self._first: Samples | None = None
        self._last: Samples | None = None
        self._levels = Levels()

    def add(self, sound: Sound) -> None:
        """Take the next stretch."""
        self._levels.add(sound)
        if self._first is None or self._first.shape[1] < self._opening:
            self._first = _joined(self._first, sound.channels)[:, : self._opening]
        if sound.channels.shape[1] >= self._length:
            self._last = sound.channels[:, -self._length :].copy()
        else:
            self._last = _joined(self._last, sound.channels)[:, -self._length :]

    def start_db(self) -> float | None:
        """Level of the first 30 ms in dB over the loudest tenth of the recording; None where that says nothing."""
        first = None if self._first is None else self._first[:, : self._length]
        return self._against(first, slice(None, self._outermost))

    def end_db(self) -> float | None:
        """Level of the last 30 ms in dB over the loudest tenth of the recording; None where that says nothing."""
        return self._against(self._last, slice(-self._outermost, None))

    def begins_in_vowel(self) -> bool:
        """Whether the first 40 ms repeat themselves as a voice does: a noise, a door or a hand does not."""
        if self._first is None or self._first.shape[1] < self._opening:
            return False
        wave = self._first.mean(axis=0, dtype=np.float64)
        wave -= wave.mean()
        shortest, longest = (round(self._rate * period) for period in PERIODS_S)
        lags = range(max(shortest, 1), longest, max(self._rate // FINEST_HZ, 1))
        return max((_alike(wave[:-lag], wave[lag:]) for lag in lags), default=0.0) >= REPEATED

    @property
    def duration_s(self) -> float:
        """Seconds covered by whole steps."""
        return self._levels.duration_s

    def _against(self, edge: Samples | None, outermost: slice) -> float | None:
        if edge is None or self.duration_s < SHORTEST_S:
            return None
        loud = float(np.percentile(self._levels.all(), 90))
        whole, part = (float(decibel(of.var(axis=1).max()[None])[0]) for of in (edge, edge[:, outermost]))
        return min(whole, part + RISE_DB) - loud if loud > QUIET else None


def _joined(before: Samples | None, after: Samples) -> Samples:
    return after if before is None else np.concatenate((before, after), axis=1)


def _alike(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Normalised correlation of two stretches, −1…1."""
    return float(one @ other / np.sqrt((one @ one) * (other @ other) + 1e-12))

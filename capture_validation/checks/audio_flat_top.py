"""Flat top: distortion that was turned down or encoded afterwards, so that no two samples are equal any more."""

import numpy as np
from numpy.typing import NDArray

from capture_validation.check import AudioCheck, Measurement, at_least, information
from capture_validation.decode import AudioTrack
from capture_validation.grid import Samples
from capture_validation.sound import Sound

#: The upper 15 bits of a float32 without its sign: cells of a 64th of an octave, 0.13 dB at the widest.
SHIFT, CELLS = 17, 1 << 14
#: Every sample is not needed for two quantiles; about this many a second are.
RATE = 24000
QUIET = 0.01
SHORTEST_S = 1.0
#: Samples are counted in bands of 1 dB that begin every half decibel under the loudest thousandth. An encoder rings up
#: to 2 dB over the flat tops it was given; two bands further down lies what was not cut off.
BAND, DOWN, HIGHEST = 2, 4, 5
#: A half-wave as high as this share of the loudest thousandth shows what happened there; longer ones (s) are no sound.
HIGH, LONGEST_S = 0.85, 0.05
#: How long it stays over the first share of its own top, of the time over the second: a sine 56 %, a flat top all.
NEAR, OVER, SINE = 0.8, 0.4, 0.555
#: Nothing is measured where the loudest thousandth is quiet, so no half-wave is high that stays under this. It is less
#: by 0.3 dB, because they are counted in cells.
LOWEST = 0.97 * HIGH * QUIET
EDGES = (10 ** (-np.arange(HIGHEST + DOWN + BAND) / 2 / 20)).astype(np.float32)


class FlatTop(AudioCheck):
    """How far the loudest thousandth of the samples stands above the loudest hundredth, less where samples pile up.

    Clipping leaves no room above what is loud. An encoder or a volume control afterwards hides the flat tops from any
    meter that looks for equal samples, but the room does not come back. The very last samples do not count: an encoder
    rings above what it was given. A limiter leaves little room, too, but thins out what comes near its ceiling, where
    clipping piles it up: so the room is divided by how many times more samples lie within a decibel at the top than in
    one two decibels lower. And a limiter leaves waves round, where clipping makes them stay at their tops: so it is
    divided, too, by the square of how much longer high half-waves stay near their tops than a sine does.

    Block: float32 (samples, channels), −1…1. Result: 0 dB and more, the worst channel. Nothing under 1 s or −40 dBFS.
    """

    name = "audio.flat_top"
    version = 4
    title = "Room above the loud parts"
    unit = "dB"
    profiles = {
        "speech": at_least(1.35),
        "conversation": at_least(1.35),
        "ambient": information(),
        "music": information(),
    }
    sentences = {
        "passed": "The loud parts have room above them.",
        "too-low": "The sound was overdriven and then turned down: {value} dB of room; {minimum} dB are normal.",
    }
    fix = "Record anew with more distance or a lower recording level; turning it down later does not help."
    false_alarms = "Strongly compressed broadcast speech; pure tones."
    source = (
        "20·log10(q99.9 ÷ q99) ÷ pile-up ÷ flatness²: AUC 1.0 for clipping turned down and encoded, on the 99 clips of "
        "its choice, the worst good one 2.8 times the best overdriven one (1.8 without flatness)."
    )

    def start(self, track: AudioTrack) -> None:
        self.counts = np.zeros((track.channels, CELLS), np.int64)
        self.every = max(track.sample_rate // RATE, 1)
        self.waves = [HalfWaves(round(LONGEST_S * track.sample_rate / self.every)) for _ in range(track.channels)]
        self.samples = 0
        self.rate = track.sample_rate
        self.waiting: list[Samples] = []
        self.waited = 0

    def feed(self, sound: Sound) -> None:
        self.samples += len(sound.samples)
        thinned = sound.channels[:, -sound.first % self.every :: self.every]
        self.waiting.append(thinned)
        self.waited += thinned.shape[1]
        if self.waited >= RATE:
            self._count()

    def _count(self) -> None:
        """Count what waits: going through all cells costs the same for a block as for a second."""
        if not self.waited:
            return
        thinned = np.concatenate(self.waiting, axis=1)
        self.waiting, self.waited = [], 0
        for channel, count, waves in zip(thinned, self.counts, self.waves, strict=True):
            count += np.bincount(_cells(channel), minlength=CELLS)
            waves.add(channel)

    def measure(self) -> Measurement:
        self._count()
        rooms = [
            room / waves.flatness(high) ** 2
            for count, waves in zip(self.counts, self.waves, strict=True)
            for room, high in _room(count)
        ]
        if self.samples < SHORTEST_S * self.rate or not rooms:
            return Measurement(None)
        return Measurement(min(rooms))


class HalfWaves:
    """How long waves stay near their tops: the stretches between two changes of sign, by how high their tops are."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._kept: Samples = np.zeros(0, np.float32)
        self._times = np.zeros((2, CELLS), np.int64)

    def add(self, samples: Samples) -> None:
        """Take the next samples of one channel."""
        joined = np.concatenate((self._kept, samples))
        below = np.signbit(joined)
        changes = np.flatnonzero(below[1:] != below[:-1]) + 1
        # One that is too long does not count, so no more than its last samples need to be kept.
        self._kept = joined[changes[-1] if len(changes) else 0 :][-self._longest - 1 :]
        if not len(changes):
            return
        sizes, lengths = _high(np.abs(joined[: changes[-1]]), np.diff(changes, prepend=0), self._longest)
        if not len(lengths):
            return
        tops = np.maximum.reduceat(sizes, lengths.cumsum() - lengths)
        each, cells = np.repeat(tops, lengths), np.repeat(_cells(tops), lengths)
        for share, times in zip((NEAR, OVER), self._times, strict=True):
            times += np.bincount(cells[sizes > share * each], minlength=CELLS)

    def flatness(self, high: float) -> float:
        """How many times longer than a sine high waves stay near their tops; 1 where there are none."""
        lowest = int(_cells(np.array([HIGH * high], np.float32))[0])
        near, over = self._times[:, lowest:].sum(axis=1)
        return float(near / over / SINE) if over else 1.0


def _cells(samples: Samples) -> NDArray[np.int64]:
    """The cell of each sample by its size."""
    bits = np.ascontiguousarray(samples).view(np.uint32) & np.uint32(0x7FFFFFFF)
    return (bits >> np.uint32(SHIFT)).astype(np.int64)


def _high(sizes: Samples, lengths: NDArray[np.intp], longest: int) -> tuple[Samples, NDArray[np.intp]]:
    """The samples and lengths of the half-waves that may ever be asked for: most of a pause is none of them."""
    loud = np.zeros(len(lengths), np.bool_)
    loud[np.repeat(np.arange(len(lengths)), lengths)[sizes > LOWEST]] = True
    counted = loud & (lengths <= longest)
    return sizes[np.repeat(counted, lengths)], lengths[counted]


def _room(counts: NDArray[np.int64]) -> list[tuple[float, float]]:
    """Decibels between the two percentiles of one channel, by how samples pile up, and the upper one; none if quiet."""
    below = counts.cumsum()
    # The middle of a cell; the last shift bit makes it.
    levels = ((np.arange(CELLS, dtype=np.uint32) << np.uint32(SHIFT)) | np.uint32(1 << (SHIFT - 1))).view(np.float32)
    high, loud = (levels[np.searchsorted(below, share * below[-1])] for share in (0.999, 0.99))
    if high <= QUIET:
        return []
    above = below[-1] - below[np.searchsorted(levels, high * EDGES) - 1]
    # All that is louder than the loudest thousandth belongs to the topmost band.
    above[0] = 0
    within = above[BAND:] - above[:-BAND]
    piled = (within[:HIGHEST] / np.maximum(within[DOWN : DOWN + HIGHEST], 1)).max()
    return [(20 * float(np.log10(high / loud)) / float(piled), float(high))]

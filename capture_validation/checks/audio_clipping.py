"""Clipping: the microphone or converter was driven over its limit, and the tops of the waves are cut off."""

import math

import numpy as np

from capture_validation.check import AudioCheck, Measurement, at_most
from capture_validation.decode import AudioTrack
from capture_validation.grid import Samples
from capture_validation.sound import Sound
from capture_validation.spans import Spans

#: Two samples are at the same height when they lie within this factor.
TOP = 0.998
#: Below −40 dBFS the steps of 16 bit are so coarse that equal neighbours mean nothing.
QUIET = 0.01


class Side:
    """One side (up or down) of one channel: how many samples lie flat at its highest level, and where.

    The highest level is only known at the end, so levels are cells of a ladder of 0.2 % and the two highest rungs are
    counted. When a higher one appears, what was flat below it was never the top.
    """

    def __init__(self) -> None:
        self.rung = -math.inf
        self.counts = [0, 0]
        self.spans = [Spans(), Spans()]
        self.last = np.full(2, -1.0, np.float32)

    def take(self, samples: Samples, first: int, rate: int) -> None:
        """Take the next samples, turned so that this side is up."""
        joined = np.concatenate((self.last, samples))
        self.last = joined[-2:]
        highest = float(samples.max(initial=0.0))
        if highest < QUIET:
            return
        self._climb(math.floor(math.log(highest) / -math.log(TOP)))
        for rung in range(2):
            floor = TOP ** -(self.rung - rung)
            if highest >= floor:
                self._count(rung, joined >= floor, first, rate)

    def _climb(self, rung: int) -> None:
        steps = rung - self.rung
        if steps == 1:
            self.counts = [0, self.counts[0]]
            self.spans = [Spans(), self.spans[0]]
        elif steps > 1:
            self.counts = [0, 0]
            self.spans = [Spans(), Spans()]
        self.rung = max(rung, self.rung)

    def _count(self, rung: int, high: np.ndarray[tuple[int], np.dtype[np.bool_]], first: int, rate: int) -> None:
        # Two neighbours at the top make a run; the first pair of a run brings two samples, each further pair one.
        # Looking two samples back is all the memory that takes.
        pair = high[1:] & high[:-1]
        at = (first + np.flatnonzero(pair[1:])) / rate
        self.counts[rung] += len(at) + int(np.count_nonzero(pair[1:] & ~pair[:-1]))
        starts = np.flatnonzero(np.diff(at, prepend=-1.0) > 0.05)
        ends = np.append(starts[1:] - 1, len(at) - 1) if len(at) else starts
        self.spans[rung].extend((float(at[s]), float(at[e]) + 1 / rate) for s, e in zip(starts, ends, strict=True))


class Clipping(AudioCheck):
    """Share of samples that lie flat at the highest level of their side, the worst channel and side.

    A cut-off top is distortion no one can remove; it is the first thing a listener hears. Measured against the
    recording's own highest level, so clipping that was turned down afterwards is found too. Only runs of two samples
    and more count, so a single honest peak counts nothing.

    Block: float32 (samples, channels), −1…1. Result: 0…100 %.
    """

    name = "audio.clipping"
    title = "Clipping"
    unit = "%"
    profiles = {
        "speech": at_most(0.05, reject=1.0, requirement="required"),
        "conversation": at_most(0.05, reject=1.0, requirement="required"),
        "ambient": at_most(0.05, reject=1.0, requirement="required"),
        "music": at_most(0.05, reject=1.0, requirement="required"),
        "video": at_most(0.05),
    }
    sentences = {
        "passed": "Nothing is cut off at the top.",
        "too-high": "The sound is overdriven: {value} % of it is cut off; at most {maximum} % may be.",
    }
    fix = "Move the phone further away or speak more softly, and record again: overdriven sound cannot be repaired."
    false_alarms = "Square waves and other synthetic sounds, which are flat by nature."
    source = "Flat runs at the signed peak; after the flat factor of ffmpeg's astats. AUC .98 at 1 % clipping."
    uncertainty = 0.1

    def start(self, track: AudioTrack) -> None:
        self.sides = [(Side(), Side()) for _ in range(track.channels)]
        self.samples = 0

    def feed(self, sound: Sound) -> None:
        self.samples += len(sound.samples)
        for channel, (up, down) in zip(sound.channels, self.sides, strict=True):
            up.take(channel, sound.first, sound.rate)
            down.take(-channel, sound.first, sound.rate)

    def measure(self) -> Measurement:
        if not self.samples:
            return Measurement(None)
        worst = max((side for pair in self.sides for side in pair), key=lambda side: side.counts[1])
        return Measurement(100 * worst.counts[1] / self.samples, worst.spans[1].spans())

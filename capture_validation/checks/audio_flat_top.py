"""Flat top: distortion that was turned down or encoded afterwards, so that no two samples are equal any more."""

import numpy as np

from capture_validation.check import AudioCheck, Measurement, at_least, information
from capture_validation.decode import AudioTrack
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
EDGES = (10 ** (-np.arange(HIGHEST + DOWN + BAND) / 2 / 20)).astype(np.float32)


class FlatTop(AudioCheck):
    """How far the loudest thousandth of the samples stands above the loudest hundredth, less where samples pile up.

    Clipping leaves no room above what is loud. An encoder or a volume control afterwards hides the flat tops from any
    meter that looks for equal samples, but the room does not come back. The very last samples do not count: an encoder
    rings above what it was given. A limiter leaves little room, too, but thins out what comes near its ceiling, where
    clipping piles it up: so the room is divided by how many times more samples lie within a decibel at the top than in
    one two decibels lower.

    Block: float32 (samples, channels), −1…1. Result: 0 dB and more, the worst channel. Nothing under 1 s or −40 dBFS.
    """

    name = "audio.flat_top"
    version = 3
    title = "Room above the loud parts"
    unit = "dB"
    profiles = {
        "speech": at_least(1.2),
        "conversation": at_least(1.2),
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
        "20·log10(q99.9 ÷ q99) ÷ pile-up: AUC 1.0 for clipping turned down and encoded, on the 124 clips of its choice."
    )

    def start(self, track: AudioTrack) -> None:
        self.counts = np.zeros((track.channels, CELLS), np.int64)
        self.every = max(track.sample_rate // RATE, 1)
        self.samples = 0
        self.rate = track.sample_rate

    def feed(self, sound: Sound) -> None:
        self.samples += len(sound.samples)
        thinned = sound.channels[:, -sound.first % self.every :: self.every]
        cells = (np.ascontiguousarray(thinned).view(np.uint32) & np.uint32(0x7FFFFFFF)) >> np.uint32(SHIFT)
        for channel, count in zip(cells, self.counts, strict=True):
            count += np.bincount(channel.astype(np.int64), minlength=CELLS)

    def measure(self) -> Measurement:
        rooms = [room for count in self.counts if (room := _room(count)) is not None]
        if self.samples < SHORTEST_S * self.rate or not rooms:
            return Measurement(None)
        return Measurement(min(rooms))


def _room(counts: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> float | None:
    """Decibels between the two percentiles of one channel, by how samples pile up, or nothing when it is too quiet."""
    below = counts.cumsum()
    # The middle of a cell; the last shift bit makes it.
    levels = ((np.arange(CELLS, dtype=np.uint32) << np.uint32(SHIFT)) | np.uint32(1 << (SHIFT - 1))).view(np.float32)
    high, loud = (levels[np.searchsorted(below, share * below[-1])] for share in (0.999, 0.99))
    if high <= QUIET:
        return None
    above = below[-1] - below[np.searchsorted(levels, high * EDGES) - 1]
    # All that is louder than the loudest thousandth belongs to the topmost band.
    above[0] = 0
    within = above[BAND:] - above[:-BAND]
    piled = (within[:HIGHEST] / np.maximum(within[DOWN : DOWN + HIGHEST], 1)).max()
    return 20 * float(np.log10(high / loud)) / float(piled)

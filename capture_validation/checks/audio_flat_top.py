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


class FlatTop(AudioCheck):
    """How far the loudest thousandth of the samples stands above the loudest hundredth.

    Clipping leaves no room above what is loud. An encoder or a volume control afterwards hides the flat tops from any
    meter that looks for equal samples, but the room does not come back. The very last samples do not count: an encoder
    rings above what it was given.

    Block: float32 (samples, channels), −1…1. Result: 0…40 dB, the worst channel. Nothing under 1 s or −40 dBFS peak.
    """

    name = "audio.flat_top"
    version = 2
    title = "Room above the loud parts"
    unit = "dB"
    profiles = {
        "speech": at_least(0.9),
        "conversation": at_least(0.9),
        "ambient": information(),
        "music": information(),
    }
    sentences = {
        "passed": "The loud parts have room above them.",
        "too-low": "The sound was overdriven and then turned down: {value} dB of room; {minimum} dB are normal.",
    }
    fix = "Record anew with more distance or a lower recording level; turning it down later does not help."
    false_alarms = "Strongly compressed broadcast speech; pure tones."
    source = "20·log10(q99.9 ÷ q99): AUC 1.0 for clipping turned down and encoded, on the 188 clips of its choice."

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
    """Decibels between the two percentiles of one channel, or nothing when it is too quiet."""
    below = counts.cumsum()
    # The middle of a cell; the last shift bit makes it.
    levels = ((np.arange(CELLS, dtype=np.uint32) << np.uint32(SHIFT)) | np.uint32(1 << (SHIFT - 1))).view(np.float32)
    high, loud = (levels[np.searchsorted(below, share * below[-1])] for share in (0.999, 0.99))
    return 20 * float(np.log10(high / loud)) if high > QUIET else None

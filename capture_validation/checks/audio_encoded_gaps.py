"""Gaps in encoded sound: the sound collapses for a moment and comes back at once."""

import numpy as np
from numpy.typing import NDArray

from capture_validation.check import AudioCheck, Measurement, at_most, information
from capture_validation.decode import AudioTrack
from capture_validation.grid import LOWEST, Grid, from_bytes, in_bytes, mean_square
from capture_validation.levels import runs
from capture_validation.sound import Sound
from capture_validation.spans import Spans

#: Levels every 4 ms, a byte each: 900 kB an hour.
STEP_S = 0.004
#: How far the level falls and rises (dB), within two steps.
EDGE_DB, EDGE = 25.0, 2
#: What the sound falls from and comes back to is at least this loud (dBFS).
AUDIBLE = -50.0
#: A gap, in steps: longer than the closure of a p or t is abrupt, shorter than a pause between words.
SHORTEST, LONGEST = 2, 75
#: Exact silence is the matter of `audio.dropouts` and `audio.noise_gate`.
NOTHING = -110.0


class EncodedGaps(AudioCheck):
    """Moments of 8 to 300 ms whose level falls by 25 dB within 8 ms and rises as fast again.

    Packets that a call or a stream lost leave holes of exact zero; encoded afterwards they are zero no more, but their
    edges stay steeper than those of any sound. A voice that closes for a p fades before it bursts.

    Block: levels of 4 ms, loudest channel, offset removed. Result: number of gaps.
    """

    name = "audio.encoded_gaps"
    title = "Gaps in encoded sound"
    unit = "gaps"
    profiles = {
        "speech": at_most(2),
        "conversation": at_most(2),
        "ambient": information(),
        "music": information(),
        "video": information(),
    }
    sentences = {
        "passed": "The sound does not drop out.",
        "too-high": "The sound drops out for a moment, {value} × in all, as in a bad call.",
    }
    fix = "Record with the recorder app instead of a call or stream, with other apps closed and power saving off."
    false_alarms = "Drum machines and other sounds cut together; one or two such moments are therefore let pass."
    source = (
        "Level falls and rises 25 dB within 8 ms, twice: AUC .97 in speech for gaps then Opus (silencedetect: .58)."
    )

    def start(self, track: AudioTrack) -> None:
        length = max(round(track.sample_rate * STEP_S), 1)
        self.step_s = length / track.sample_rate
        self.grid = Grid(length, length)
        self.cells = bytearray()

    def feed(self, sound: Sound) -> None:
        _, whole = self.grid.take(sound.channels)
        frames = whole.reshape(len(whole), -1, self.grid.length)
        powers = np.maximum(mean_square(frames) - frames.mean(axis=2) ** 2, 0).max(axis=0, initial=0)
        self.cells += in_bytes(powers)

    def measure(self) -> Measurement:
        levels = from_bytes(self.cells)
        spans = Spans(gap_s=0.0)
        found = gaps(levels)
        spans.extend((first * self.step_s, last * self.step_s) for first, last in found)
        return Measurement(len(found), spans.spans())


def gaps(levels: NDArray[np.float32]) -> list[tuple[int, int]]:
    """The first step and the one after the last of every gap in levels (dBFS) of 4 ms."""
    before, after = np.full((2, len(levels)), LOWEST, np.float32)
    before[EDGE:], after[:-EDGE] = levels[:-EDGE], levels[EDGE:]
    falls = [start for start, _ in runs((before - levels >= EDGE_DB) & (before > AUDIBLE))]
    rises = np.array([end for _, end in runs((after - levels >= EDGE_DB) & (after > AUDIBLE))])
    # Of every fall the next rise is looked at; where there is none, the sound did not come back at once.
    ends = np.searchsorted(rises, falls, side="right")
    pairs = [(start, int(rises[end])) for start, end in zip(falls, ends, strict=True) if end < len(rises)]
    return [(start, end) for start, end in pairs if SHORTEST <= end - start <= LONGEST and _low(levels, start, end)]


def _low(levels: NDArray[np.float32], start: int, end: int) -> bool:
    """Whether it stays quiet in between, without being exact silence from edge to edge."""
    inside = levels[start:end]
    return bool(NOTHING < inside.max() <= levels[start - EDGE] - EDGE_DB / 2)

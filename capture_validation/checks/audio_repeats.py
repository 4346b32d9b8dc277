"""Repeats: a few milliseconds are heard twice."""

import math
from array import array

import numpy as np
from numpy.typing import NDArray

from capture_validation.check import AudioCheck, Measurement, at_most
from capture_validation.decode import AudioTrack
from capture_validation.grid import Grid
from capture_validation.levels import COARSE, Levels, resolution
from capture_validation.sound import Sound
from capture_validation.spans import Spans

LONGEST_LAG_S = 0.2
#: Quieter frames repeat by themselves, because few values are left.
LOUD = 1e-3
#: When more than this share repeats, the sound is a synthetic tone and not a faulty transmission.
PERIODIC = 0.2


class Repeats(AudioCheck):
    """Frames of 5 ms that are equal, bit for bit, to one of the 200 ms before.

    A call over a bad network fills lost packets with the last one, which makes a voice sound like a robot. Two frames
    of a microphone are never equal to the last bit, unless they are too quiet for the recording's resolution. What
    repeats where nothing is heard counts for nothing: a decoder fills the pauses of a call with the same packet, too.

    Block: float32 (samples, channels). Result: number of repeated stretches. Finds lags that are a multiple of 5 ms
    (10 ms at 44.1 kHz, 6.7 ms at 22.05 kHz), as packets have; not what was encoded with loss afterwards. Keeps the
    number of each repeated frame, 4 bytes, and 50 bytes a second.
    """

    name = "audio.repeats"
    version = 4
    title = "Repeated pieces"
    unit = "repeats"
    profiles = {name: at_most(0) for name in ("speech", "conversation", "ambient", "music", "video")}
    sentences = {
        "passed": "No piece of the sound is repeated.",
        "too-high": "Small pieces of the sound are repeated, {value} × in all, as in a bad phone call.",
    }
    fix = "Record with the recorder app instead of a call or stream, with other apps closed."
    false_alarms = "Music put together from loops; synthetic tones are recognised and left out."
    source = (
        "Equal hashes of 5 ms at lags of 5 to 200 ms: AUC 1.0, no false alarm in 128 clips. Of 115 others one was told "
        "of four frames at −65 dBFS that a decoder had repeated in a pause; since then pauses do not count."
    )

    def start(self, track: AudioTrack) -> None:
        rate = track.sample_rate
        length = _frame(rate)
        self.step_s = length / rate
        self.grid = Grid(length, length)
        self.lags = round(LONGEST_LAG_S / self.step_s)
        self.weights = np.random.default_rng(1).integers(1, 2**63, (length + 1) // 2, np.uint64) | np.uint64(1)
        self.recent = np.zeros(self.lags, np.uint64)
        self.step = math.inf
        self.frames = 0
        self.repeated = array("I")
        self.levels = Levels()

    def feed(self, sound: Sound) -> None:
        self.levels.add(sound)
        first, samples = self.grid.take(sound.channels[:1])
        frames = samples.reshape(-1, self.grid.length)
        if not len(frames):
            return
        self.step = resolution(frames, self.step)
        hashes = self._hashes(frames)
        known = np.concatenate((self.recent, hashes))
        before = np.lib.stride_tricks.sliding_window_view(known, self.lags)[: len(hashes)]
        twice = np.flatnonzero((before == hashes[:, None]).any(axis=1) & (hashes != 0))
        self.recent = known[-self.lags :]
        self.frames += len(frames)
        self.repeated.extend((first + twice).tolist())

    def _hashes(self, frames: NDArray[np.float32]) -> NDArray[np.uint64]:
        """A number for each frame that equal frames share; 0 for a frame too quiet to say anything."""
        loud = np.ptp(frames, axis=1) > max(LOUD, COARSE * self.step)
        if frames.shape[1] % 2:
            frames = np.pad(frames, ((0, 0), (0, 1)))
        pairs = np.ascontiguousarray(frames).view(np.uint64)
        return np.where(loud, np.einsum("fn,n->f", pairs, self.weights), np.uint64(0))

    def measure(self) -> Measurement:
        if len(self.repeated) > PERIODIC * self.frames:
            return Measurement(None)
        repeated = self._heard(np.frombuffer(self.repeated, np.uint32).astype(np.int64))
        spans = Spans()
        spans.extend_steps(repeated.tolist(), self.step_s)
        stretches = int(np.count_nonzero(np.diff(repeated, prepend=-2) != 1))
        return Measurement(stretches, spans.spans())

    def _heard(self, frames: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of some frames that do not lie in a pause."""
        levels = self.levels.all()
        if not len(levels) or not len(frames):
            return frames
        steps = np.minimum((frames + 0.5) * self.step_s / self.levels.step_s, len(levels) - 1).astype(np.int64)
        return np.asarray(frames[levels[steps] >= self.levels.quiet()], np.int64)


def _frame(rate: int) -> int:
    """Samples of a frame: 2.5…6.7 ms, and a whole number of them in the packets of 10 or 20 ms that this rate has.

    Where 20 ms are a number of samples that cannot be divided, as at 35,467 Hz, frames last 5 ms and miss what packets
    repeat: a frame for each sample would be compared with thousands and cost gigabytes.
    """
    if rate % 100 == 0:
        return rate // 200 if rate % 200 == 0 else rate // 100
    packet = rate // 50
    return next((length for length in range(packet // 3, packet // 8, -1) if packet % length == 0), packet // 4)

"""DC offset: the waveform does not swing around zero."""

import numpy as np

from capture_validation.check import AudioCheck, Measurement, at_most
from capture_validation.decode import AudioTrack
from capture_validation.grid import Grid, Samples
from capture_validation.sound import Sound

#: How much the mean of such a stretch differs from one to the next says how well the mean of all is known.
STRETCH_S = 0.25


class DcOffset(AudioCheck):
    """Mean of all samples less its standard error, the worst channel: 0 where it wanders as far as it lies off zero.

    Very deep sound moves the waveform, too, but back and forth: then the means of single stretches differ, and so the
    mean of all is not known well enough to be called an offset. Nor does more count than half of the stretches lie off
    zero by: a converter that settles in the first half second is no constant offset.

    A constant offset eats headroom and clicks at every cut. Phones do not produce it; cheap adapters do, so it is worth
    a word to the contributor although it can be repaired.

    Block: float32 (samples, channels), −1…1. Result: 0…100 % of full scale.
    """

    name = "audio.dc_offset"
    version = 4
    title = "Constant offset"
    unit = "% of full scale"
    profiles = {
        "speech": at_most(0.5, reject=5.0, requirement="required"),
        "conversation": at_most(0.5, reject=5.0, requirement="required"),
        "ambient": at_most(0.5),
        "music": at_most(2.0),
        "video": at_most(2.0),
    }
    sentences = {
        "passed": "The sound swings around zero.",
        "too-high": "The sound is shifted by {value} % of full scale; at most {maximum} % is allowed.",
    }
    fix = "Use the phone's own microphone, or another adapter."
    false_alarms = "Takes of less than a second, in which a single deep sound looks like an offset."
    source = (
        "Arithmetic mean less its standard error. At 0.5 % every cut clicks at −46 dBFS, louder than a quiet room; 5 % "
        "cost half a dB."
    )
    uncertainty = 0.05

    def start(self, track: AudioTrack) -> None:
        self.total = np.zeros(track.channels)
        self.samples = 0
        length = max(round(track.sample_rate * STRETCH_S), 1)
        self.grid = Grid(length, length)
        self.means: list[Samples] = []

    def feed(self, sound: Sound) -> None:
        self.total += sound.channels.sum(axis=1, dtype=np.float64)
        self.samples += len(sound.samples)
        _, whole = self.grid.take(sound.channels)
        self.means.append(whole.reshape(len(whole), -1, self.grid.length).mean(axis=2))

    def measure(self) -> Measurement:
        if not self.samples:
            return Measurement(None)
        means = np.abs(self.total / self.samples)
        stretches = np.concatenate(self.means, axis=1)
        count = stretches.shape[1]
        if count > 1:
            error = stretches.std(axis=1, ddof=1) / np.sqrt(count)
            means = np.minimum(means - error, np.abs(np.median(stretches, axis=1)))
        return Measurement(100 * max(float(means.max()), 0.0))

"""DC offset: the waveform does not swing around zero."""

import numpy as np

from capture_validation.check import AudioCheck, Measurement, at_most
from capture_validation.decode import AudioTrack
from capture_validation.sound import Sound


class DcOffset(AudioCheck):
    """Mean of all samples, the worst channel.

    A constant offset eats headroom and clicks at every cut. Phones do not produce it; cheap adapters do, so it is worth
    a word to the contributor although it can be repaired.

    Block: float32 (samples, channels), −1…1. Result: 0…100 % of full scale.
    """

    name = "audio.dc_offset"
    title = "Constant offset"
    unit = "% of full scale"
    profiles = {
        "speech": at_most(0.5, reject=2.0, requirement="required"),
        "conversation": at_most(0.5, reject=2.0, requirement="required"),
        "ambient": at_most(0.5),
        "music": at_most(2.0),
        "video": at_most(2.0),
    }
    sentences = {
        "passed": "The sound swings around zero.",
        "too-high": "The sound is shifted by {value} % of full scale; at most {maximum} % is allowed.",
    }
    fix = "Use the phone's own microphone, or another adapter."
    false_alarms = "Strongly asymmetric sources below 20 Hz (whale song, thunder), and takes of less than a second."
    source = "Arithmetic mean; limits measured on 128 real clips."
    uncertainty = 0.05

    def start(self, track: AudioTrack) -> None:
        self.total = np.zeros(track.channels)
        self.samples = 0

    def feed(self, sound: Sound) -> None:
        self.total += sound.channels.sum(axis=1, dtype=np.float64)
        self.samples += len(sound.samples)

    def measure(self) -> Measurement:
        if not self.samples:
            return Measurement(None)
        return Measurement(100 * float(np.abs(self.total / self.samples).max()))

"""Wind: air that hits the microphone and rumbles."""

import numpy as np
import scipy

from capture_validation.check import AudioCheck, Measurement, at_most, information
from capture_validation.decode import AudioTrack
from capture_validation.rumble import Rumble
from capture_validation.sound import Sound, level_length
from capture_validation.spans import Spans

#: Steps of 20 ms that a gust lasts at least.
GUST = 5


class Wind(AudioCheck):
    """How far the rumble below 120 Hz rises above everything else and above its own usual level, at its worst.

    Wind and breath press on the membrane itself: the rumble is louder than any voice and comes in gusts. It cannot be
    filtered out, because it drives the microphone over its limit.

    Block: levels of 20 ms below and above 120 Hz. Result: −60…60 dB. Spans: the gusts.
    """

    name = "audio.wind"
    version = 2
    title = "Wind and breath"
    unit = "dB"
    profiles = {
        "speech": at_most(6.0),
        "conversation": at_most(6.0),
        "ambient": information(),
        "music": information(),
        "video": information(),
    }
    sentences = {
        "passed": "No wind is heard.",
        "too-high": "Wind or breath rumbles {value} dB over everything else; at most {maximum} dB is normal.",
    }
    fix = "Turn your back to the wind, hold the phone beside your mouth instead of in front of it, or go indoors."
    false_alarms = "Very deep voices close to the microphone; trucks passing by."
    source = "Low band over the rest and its own median: AUC .97 mild, .99 strong on 48 clips it was chosen on."
    uncertainty = 1.0

    def start(self, track: AudioTrack) -> None:
        self.rumble = Rumble()
        self.step_s = level_length(track.sample_rate) / track.sample_rate

    def feed(self, sound: Sound) -> None:
        self.rumble.add(sound.rumble)

    def measure(self) -> Measurement:
        low, rest = self.rumble.low(), self.rumble.rest()
        if len(low) < 25:
            return Measurement(None)
        # A gust outlasts the deep hum of an m and the pop of a p, so only what stays for a tenth of a second counts.
        above = scipy.ndimage.minimum_filter1d(low - np.maximum(np.maximum(rest, float(np.median(low))), -60.0), GUST)
        limit = self.rule.limit.maximum
        spans = Spans(gap_s=0.5)
        if limit is not None:
            spans.extend_steps(np.flatnonzero(above > limit).tolist(), self.step_s)
        return Measurement(float(above.max()), spans.spans())

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
#: What the voice is loud at (percentile), and how far under that a rumble in a pause is no gust (dB).
LOUD, UNHEARD = 95, 18.0


class Wind(AudioCheck):
    """How far the rumble below 80 Hz rises above the voice and above its own usual level, at its worst.

    Wind and breath press on the membrane itself: the rumble is louder than any voice and comes in gusts. It cannot be
    filtered out, because it drives the microphone over its limit. In a pause, a far-off engine is louder than a voice
    that is silent; so what lies 18 dB under the loudest twentieth of the voice is no gust.

    Block: levels of 20 ms below 80 Hz and above 150 Hz. Result: −60…60 dB. Spans: the gusts.
    """

    name = "audio.wind"
    version = 4
    title = "Wind and breath"
    unit = "dB"
    profiles = {
        "speech": at_most(8.0),
        "conversation": at_most(8.0),
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
    source = "Low band over the voice and its own median: AUC 1.0 mild and strong, on the 202 clips of its choice."
    uncertainty = 1.0

    def start(self, track: AudioTrack) -> None:
        self.rumble = Rumble()
        self.step_s = level_length(track.sample_rate) / track.sample_rate

    def feed(self, sound: Sound) -> None:
        self.rumble.add(sound.rumble)

    def measure(self) -> Measurement:
        deep, voice = self.rumble.deep(), self.rumble.voice()
        if len(deep) < 25:
            return Measurement(None)
        # A gust outlasts the deep hum of an m and the pop of a p, so only what stays for a tenth of a second counts.
        usual = max(float(np.median(deep)), float(np.percentile(voice, LOUD)) - UNHEARD, -60.0)
        above = scipy.ndimage.minimum_filter1d(deep - np.maximum(voice, usual), GUST)
        limit = self.rule.limit.maximum
        spans = Spans(gap_s=0.5)
        if limit is not None:
            spans.extend_steps(np.flatnonzero(above > limit).tolist(), self.step_s)
        return Measurement(float(above.max()), spans.spans())

"""Channel difference: whether stereo is stereo, or the same sound twice."""

import numpy as np

from capture_validation.check import AudioCheck, Measurement, information
from capture_validation.decode import AudioTrack
from capture_validation.grid import decibel
from capture_validation.sound import Sound


class ChannelDifference(AudioCheck):
    """Level of left minus right under the level of left plus right, any constant offset left out.

    Many phones write one microphone into both channels. That harms nothing and doubles the file, but a campaign that
    pays for stereo gets none. Shown as a fact; a campaign may set a minimum, such as −60 dB.

    Block: 20 ms frames, float32. Result: −120…120 dB; −120 is the same sound twice. Only stereo is judged.
    """

    name = "audio.channel_difference"
    title = "Stereo width"
    unit = "dB"
    profiles = {name: information() for name in ("speech", "conversation", "ambient", "music", "video")}
    sentences = {
        "passed": "The difference between left and right lies at {value} dB of what they share.",
        "too-low": "Left and right hold the same sound ({value} dB of difference; at least {minimum} dB is asked for).",
        "too-high": "Left and right share too little: {value} dB of difference; at most {maximum} dB is wanted.",
    }
    fix = "Choose stereo in your recorder's settings, hold the phone sideways, and record again."
    false_alarms = "One distant source right in the middle, recorded with two very good microphones."
    source = "Level of the side signal over the mid signal, as in mid-side stereo."

    def start(self, track: AudioTrack) -> None:
        self.powers = np.zeros(2)

    def feed(self, sound: Sound) -> None:
        frames = sound.level_samples
        if len(frames) == 2:
            left, right = frames
            for number, mixed in enumerate((left - right, left + right)):
                self.powers[number] += mixed.var(axis=1, dtype=np.float64).sum()

    def measure(self) -> Measurement:
        if not self.powers.any():
            return Measurement(None)
        side, mid = decibel(self.powers / self.powers.max())
        return Measurement(float(side - mid))

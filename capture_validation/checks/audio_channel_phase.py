"""Channel phase: the two channels cancel each other."""

import numpy as np

from capture_validation.check import AudioCheck, Measurement, at_least
from capture_validation.decode import AudioTrack
from capture_validation.sound import Sound


class ChannelPhase(AudioCheck):
    """Correlation of left and right over the whole recording, any constant offset left out.

    With one side upside down a phone's single loudspeaker adds both to nothing: the voice disappears. Wrongly wired
    adapters do that, and "voice removal" effects.

    Block: float32 (samples, 2). Result: −1…1; 1 means equal, 0 unrelated, −1 upside down. Only stereo is judged.
    """

    name = "audio.channel_phase"
    title = "Agreement of the channels"
    unit = "of 1"
    profiles = {name: at_least(-0.3) for name in ("speech", "conversation", "ambient", "music", "video")}
    sentences = {
        "passed": "Left and right go together.",
        "too-low": "Left and right cancel each other: their agreement is {value}; at least {minimum} is needed.",
    }
    fix = "Use the phone's own microphone or another adapter, without sound effects, or record in mono."
    false_alarms = "Artificially widened stereo."
    source = "Pearson correlation below −0.3: AUC 1.0 for an inverted channel."

    def start(self, track: AudioTrack) -> None:
        self.sums = np.zeros(2)
        self.products = np.zeros((2, 2))
        self.samples = 0

    def feed(self, sound: Sound) -> None:
        if len(sound.channels) == 2:
            pair = sound.channels.astype(np.float64)
            self.sums += pair.sum(axis=1)
            self.products += pair @ pair.T
            self.samples += pair.shape[1]

    def measure(self) -> Measurement:
        if not self.samples:
            return Measurement(None)
        means = self.sums / self.samples
        spread = self.products / self.samples - np.outer(means, means)
        if spread[0, 0] < 1e-9 or spread[1, 1] < 1e-9:
            return Measurement(None)
        return Measurement(float(spread[0, 1] / np.sqrt(spread[0, 0] * spread[1, 1])))

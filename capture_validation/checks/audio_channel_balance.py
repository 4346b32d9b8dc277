"""Channel balance: one side of a stereo recording is dead or far too quiet."""

import numpy as np

from capture_validation.check import AudioCheck, Measurement, at_most
from capture_validation.decode import AudioTrack
from capture_validation.grid import decibel
from capture_validation.sound import Sound


class ChannelBalance(AudioCheck):
    """Level between the loudest and the quietest channel, any constant offset left out.

    A finger over one of two microphones, or a plug that is not quite in, leaves one side almost silent. On headphones
    such a recording sits in one ear.

    Block: float32 (samples, channels). Result: 0…120 dB. Mono has nothing to compare, nor has a silent recording; in
    surround sound the bass channel may be empty, so more than two channels are not judged.
    """

    name = "audio.channel_balance"
    title = "Difference between the channels"
    unit = "dB"
    profiles = {name: at_most(12.0) for name in ("speech", "conversation", "ambient", "music", "video")}
    sentences = {
        "passed": "Both sides are about equally loud.",
        "too-high": "One side is {value} dB quieter than the other; at most {maximum} dB is normal.",
    }
    fix = "Check that no finger or case covers a microphone and that the plug sits firmly, or record in mono."
    false_alarms = "A source right beside one of two distant microphones."
    source = "Level difference over 12 dB: AUC 1.0 for a dead channel."

    def start(self, track: AudioTrack) -> None:
        self.powers = np.zeros(track.channels)

    def feed(self, sound: Sound) -> None:
        self.powers += sound.levels.sum(axis=0, dtype=np.float64)

    def measure(self) -> Measurement:
        if len(self.powers) != 2 or not self.powers.any():
            return Measurement(None)
        loud, quiet = float(self.powers.max()), float(self.powers.min())
        return Measurement(float(decibel(np.array([1.0]))[0] - decibel(np.array([quiet / loud]))[0]))

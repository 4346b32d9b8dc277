"""Sample rate of the file."""

from capture_validation.check import AudioCheck, Measurement, at_least
from capture_validation.decode import AudioTrack
from capture_validation.sound import Sound


class SampleRate(AudioCheck):
    """How many samples a second the file holds.

    It bounds what can be heard: half of it is the highest frequency. Whether that bandwidth is really used is another
    check, because a file can be blown up.

    Result: Hz, 8000…192000.
    """

    name = "audio.sample_rate"
    title = "Sample rate"
    unit = "Hz"
    profiles = {
        "speech": at_least(16000.0),
        "conversation": at_least(16000.0),
        "ambient": at_least(16000.0),
        "music": at_least(22050.0),
        "video": at_least(16000.0),
    }
    sentences = {
        "passed": "The file holds {value} samples a second, which is enough.",
        "too-low": "The file holds only {value} samples a second; at least {minimum} are wanted.",
    }
    fix = "Choose 44.1 or 48 kHz, or the highest quality, in your recorder's settings."
    false_alarms = "None known."
    source = "The decoder's own output rate."

    def start(self, track: AudioTrack) -> None:
        self.rate = track.sample_rate

    def feed(self, sound: Sound) -> None:
        """Nothing to hear: the rate is known from the start."""

    def measure(self) -> Measurement:
        return Measurement(self.rate)

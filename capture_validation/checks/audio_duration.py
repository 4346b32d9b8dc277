"""Duration of the sound."""

from capture_validation.check import AudioCheck, Measurement, at_least
from capture_validation.decode import AudioTrack
from capture_validation.sound import Sound


class AudioDuration(AudioCheck):
    """How long the sound lasts, counted in decoded samples and not in what the file claims.

    A word cut in half and a microphone opened by mistake both show first in the length; and a phone that died leaves a
    claim that no longer holds.

    Result: seconds, 0…3600 (the longest that is taken, see `capacity`).
    """

    name = "audio.duration"
    title = "Length of the recording"
    unit = "s"
    profiles = {
        "speech": at_least(1.0, reject=0.3, requirement="required"),
        "conversation": at_least(5.0, reject=1.0, requirement="required"),
        "ambient": at_least(2.0, reject=0.5, requirement="required"),
        "music": at_least(2.0, reject=0.5, requirement="required"),
    }
    sentences = {
        "passed": "Your recording is {value} s long.",
        "too-low": "Your recording is only {value} s long; at least {minimum} s are needed.",
        "too-high": "Your recording is {value} s long; at most {maximum} s are wanted.",
    }
    fix = "Press record, wait a moment, then begin; stop only after you have finished."
    false_alarms = "None known."
    source = "Count of decoded samples over the sample rate."
    uncertainty = 0.02

    def start(self, track: AudioTrack) -> None:
        self.samples = 0
        self.rate = track.sample_rate

    def feed(self, sound: Sound) -> None:
        self.samples += len(sound.samples)

    def measure(self) -> Measurement:
        return Measurement(self.samples / self.rate)

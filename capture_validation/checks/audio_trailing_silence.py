"""Trailing silence: the wait after the last sound."""

from capture_validation.check import AudioCheck, Measurement, at_most
from capture_validation.decode import AudioTrack
from capture_validation.levels import Levels
from capture_validation.report import Span
from capture_validation.sound import Sound


class TrailingSilence(AudioCheck):
    """Seconds of silence after the last thing that is heard.

    A long wait at the end means that the recorder ran on; cutting it off is easy, but somebody has to.

    Block: 20 ms levels, dBFS, loudest channel, offset removed. Result: seconds. See `levels` for what counts as quiet.
    """

    name = "audio.trailing_silence"
    title = "Silence at the end"
    unit = "s"
    profiles = {"speech": at_most(2.5), "conversation": at_most(5.0), "music": at_most(5.0)}
    sentences = {
        "passed": "Your recording ends without a long wait.",
        "too-high": "Nothing is heard for the last {value} s; at most {maximum} s are wanted.",
    }
    fix = "Stop recording within two seconds after you finish."
    false_alarms = "Sounds that fade out slowly."
    source = "Levels against the 99th percentile; finds padding of 50 and 90 % with AUC 1.0."

    def start(self, track: AudioTrack) -> None:
        self.levels = Levels()

    def feed(self, sound: Sound) -> None:
        self.levels.add(sound)

    def measure(self) -> Measurement:
        duration_s = self.levels.duration_s
        if not duration_s:
            return Measurement(None)
        start_s, end_s = next(reversed(self.levels.pauses(0.0)), (0.0, 0.0))
        if end_s < duration_s - self.levels.step_s / 2:
            return Measurement(0.0)
        return Measurement(end_s - start_s, (Span(round(start_s, 2), round(end_s, 2)),))

"""Longest pause: the longest silence between two sounds."""

from capture_validation.check import AudioCheck, Measurement, at_most
from capture_validation.decode import AudioTrack
from capture_validation.levels import Levels
from capture_validation.report import Span
from capture_validation.sound import Sound


class LongestPause(AudioCheck):
    """Seconds of the longest silence in the midst of the recording; the wait at its start and end counts elsewhere.

    A reader who stops for long has lost the place, and the take sounds like two. It is also what a phone leaves behind
    that muted its microphone for a call.

    Block: 20 ms levels, dBFS, loudest channel, offset removed. Result: seconds. See `levels` for what counts as quiet.
    """

    name = "audio.longest_pause"
    title = "Longest pause"
    unit = "s"
    profiles = {"speech": at_most(2.5), "conversation": at_most(10.0)}
    sentences = {
        "passed": "There is no long pause in your recording.",
        "too-high": "There is a pause of {value} s; at most {maximum} s are wanted.",
    }
    fix = "Read the text once before you record, then read it in one go."
    false_alarms = "Prompts that ask for a pause; dramatic reading."
    source = "Levels against the 99th percentile; longest run over 2.5 s finds padding with AUC 1.0."

    def start(self, track: AudioTrack) -> None:
        self.levels = Levels()

    def feed(self, sound: Sound) -> None:
        self.levels.add(sound)

    def measure(self) -> Measurement:
        duration_s, step_s = self.levels.duration_s, self.levels.step_s
        inner = [(start, end) for start, end in self.levels.pauses(0.1) if start > 0 and end < duration_s - step_s / 2]
        if not duration_s:
            return Measurement(None)
        if not inner:
            return Measurement(0.0)
        longest = max(end - start for start, end in inner)
        allowed = self.rule.limit.maximum
        shown = [pause for pause in inner if pause[1] - pause[0] > (longest / 2 if allowed is None else allowed)]
        return Measurement(longest, tuple(Span(round(start, 2), round(end, 2)) for start, end in shown[:24]))

"""Silence: how much of the recording holds nothing."""

from capture_validation.check import AudioCheck, Measurement, at_most
from capture_validation.decode import AudioTrack
from capture_validation.levels import Levels
from capture_validation.report import Span
from capture_validation.sound import Sound

#: Shorter pauses belong to speech and music.
SHORTEST_S = 0.5
#: What a contributor is asked to wait before beginning and before stopping, so that no word is cut off.
WAIT_S = 1.0


class Silence(AudioCheck):
    """Share of the recording that lies in pauses of half a second and longer, a second of waiting at each end left out.

    Nobody pays for silence, and a recording that is mostly silent was usually a mistake: the microphone was covered,
    or the recorder ran on in a pocket. Quiet is 38 dB under the loudest moments, or −60 dBFS, after any constant
    offset is taken away: with the offset left in, a silent file does not look silent at all. Whoever waits for a second
    before a short sentence and after it does what is asked for, although half of that recording is silent.

    Block: 20 ms levels, dBFS, loudest channel. Result: 0…100 %. Spans: the pauses.
    """

    name = "audio.silence"
    version = 2
    title = "Silence"
    unit = "%"
    profiles = {
        "speech": at_most(50.0, reject=95.0, requirement="required"),
        "conversation": at_most(50.0, reject=95.0, requirement="required"),
        "music": at_most(50.0, reject=95.0, requirement="required"),
    }
    sentences = {
        "passed": "But for a second at each end, {value} % of your recording is silent, which is fine.",
        "too-high": "But for a second at each end, {value} % of your recording is silent; at most {maximum} % may be.",
    }
    fix = "Start recording a second before you begin and stop a second after you finish."
    false_alarms = "Single words spoken into a long recording; very dynamic music."
    source = (
        "Levels against the 99th percentile; finds padding of 50 and 90 % with AUC 1.0. With the waiting counted, 35 "
        "of 244 clips of speech were said to be too silent, most of them a sentence with a second on either side."
    )
    uncertainty = 1.0

    def start(self, track: AudioTrack) -> None:
        self.levels = Levels()

    def feed(self, sound: Sound) -> None:
        self.levels.add(sound)

    def measure(self) -> Measurement:
        if not self.levels.duration_s:
            return Measurement(None)
        pauses = self.levels.pauses(SHORTEST_S)
        silent, whole = sum(end - start for start, end in pauses), self.levels.duration_s
        waiting = sum(min(seconds, WAIT_S) for seconds in self._at_ends(pauses)) if silent < whole else 0.0
        longest = sorted(sorted(pauses, key=lambda pause: pause[0] - pause[1])[:24])
        share = max(silent - waiting, 0.0) / (whole - waiting)
        return Measurement(100 * share, tuple(Span(round(start, 2), round(end, 2)) for start, end in longest))

    def _at_ends(self, pauses: list[tuple[float, float]]) -> list[float]:
        """How long the pauses are with which the recording begins and ends."""
        step_s, whole = self.levels.step_s, self.levels.duration_s
        return [end - start for start, end in pauses if start < step_s or end > whole - step_s]

"""Cut end: the recording stopped while somebody was still speaking."""

from capture_validation.check import AudioCheck, Measurement, at_most
from capture_validation.decode import AudioTrack
from capture_validation.edges import EDGE_S, Edges
from capture_validation.report import Span
from capture_validation.sound import Sound
from capture_validation.speech import Speech


class CutEnd(AudioCheck):
    """Level of the last 30 ms against the loudest tenth of the recording, where the last 10 ms are as loud.

    Whoever presses stop on the last syllable loses it. A missing end is heard at once and cannot be mended.

    Block: float32 (samples, channels), any constant offset left out. Result: −120…20 dB. Nothing under 1 s,
    nor where nobody speaks at that edge.
    """

    name = "audio.cut_end"
    version = 2
    title = "End of speech"
    unit = "dB"
    only_in_speech = True
    profiles = {"speech": at_most(-6.0)}
    sentences = {
        "passed": "The recording ends after you have finished.",
        "too-high": "The last word seems to be cut off: the recording stops right in the sound.",
    }
    fix = "Finish speaking, wait for one second, then press stop."
    false_alarms = "A noise of its own at the very end, such as a breath or the button; clips cut from longer ones."
    source = "Last 30 ms against the 90th percentile of levels; 8 of 53 clean clips exceed −10 dB: limit higher."
    uncertainty = 1.0

    #: What the profile heard there, where it listened.
    speaking = True

    def start(self, track: AudioTrack) -> None:
        self.edges = Edges(track.sample_rate)
        self.samples = 0
        self.rate = track.sample_rate

    def spoken(self, speech: Speech, prompt: str | None) -> None:
        self.speaking = speech.at_end()

    def feed(self, sound: Sound) -> None:
        self.edges.add(sound)
        self.samples += len(sound.samples)

    def measure(self) -> Measurement:
        if not self.speaking:
            return Measurement(None)
        end_s = self.samples / self.rate
        return Measurement(self.edges.end_db(), (Span(round(max(end_s - EDGE_S, 0.0), 3), round(end_s, 3)),))

"""Cut start: somebody was already speaking when the recording began."""

from capture_validation.check import AudioCheck, Measurement, at_most
from capture_validation.decode import AudioTrack
from capture_validation.edges import EDGE_S, Edges
from capture_validation.report import Span
from capture_validation.sound import Sound
from capture_validation.speech import Speech


class CutStart(AudioCheck):
    """Level of the first 30 ms against the loudest tenth of the recording, where the first 10 ms are as loud.

    A first word without its first sound is useless for whoever learns to read from it, and nobody notices while
    recording: the recorder started a moment after the button was pressed.

    Somebody speaks at that edge where a voice is sure within 0.2 s, or within 0.4 s after a first 40 ms that repeat
    themselves with the period of a voice: the network needs a moment, and a vowel that was cut into does not.

    Block: float32 (samples, channels), any constant offset left out. Result: −120…20 dB. Nothing under 1 s,
    nor where nobody speaks at that edge.
    """

    name = "audio.cut_start"
    version = 3
    title = "Start of speech"
    unit = "dB"
    only_in_speech = True
    profiles = {"speech": at_most(-6.0)}
    sentences = {
        "passed": "The recording starts before you speak.",
        "too-high": "The first word seems to be cut off: the recording starts right in the sound.",
    }
    fix = "Press record, wait for one second, then start to speak."
    false_alarms = "A noise of its own at the very start, such as a breath or the button; clips cut from longer ones."
    source = (
        "First 30 ms against the 90th percentile of levels, on 168 clean clips of strangers and games: none is told. "
        "Of those begun in a loud moment 82 to 96 % are (at −2 dB, with a voice sure within 0.2 s: 74 to 91 %). "
        "With a voice within 0.3 s and no vowel, a door that slams before a word is told, too."
    )
    uncertainty = 1.0

    #: What the profile heard there, where it listened: at once, or soon.
    speaking = soon = True

    def start(self, track: AudioTrack) -> None:
        self.edges = Edges(track.sample_rate)

    def spoken(self, speech: Speech, prompt: str | None) -> None:
        self.speaking, self.soon = speech.at_start(), speech.soon_after_start()

    def feed(self, sound: Sound) -> None:
        self.edges.add(sound)

    def measure(self) -> Measurement:
        if not (self.speaking or (self.soon and self.edges.begins_in_vowel())):
            return Measurement(None)
        return Measurement(self.edges.start_db(), (Span(0.0, EDGE_S),))

"""Share of speech: how much of the recording is spoken."""

from capture_validation.check import AudioCheck, Measurement, at_least
from capture_validation.sound import Sound
from capture_validation.speech import Speech


class SpeechShare(AudioCheck):
    """Share of the recording in which somebody speaks, but for up to a second of waiting before and after.

    A campaign for voices pays for voices: a minute of street with one sentence in it is an ambient recording. Silence
    has a check of its own; this one also counts music, engines and rustling as what they are, not speech.

    Block: probabilities of a voice every 32 ms (see `voice`). Result: 0…100 %. Not measured where nobody speaks.
    """

    name = "audio.speech_share"
    version = 2
    title = "Share of speech"
    unit = "%"
    about_speech = only_in_speech = True
    profiles = {"speech": at_least(20.0), "conversation": at_least(30.0)}
    sentences = {
        "passed": "Speech fills {value} % of your recording.",
        "too-low": "Speech fills only {value} % of your recording; at least {minimum} % are wanted.",
    }
    fix = "Start right before you speak, stop right after, and record where nothing else is heard."
    false_alarms = "A single word and a long wait; whispering and singing, which may count as none."
    source = "Silero VAD 6.2; over 30 %: 98 % of 53 speech clips, 3 % of 32 with music, 2 % of 43 with other sound."
    uncertainty = 3.0

    speech: Speech | None = None

    def feed(self, sound: Sound) -> None:
        """Nothing to hear: the pass listens for everybody."""

    def spoken(self, speech: Speech, prompt: str | None) -> None:
        self.speech = speech

    def measure(self) -> Measurement:
        share = self.speech.share() if self.speech is not None else None
        return Measurement(None if share is None else 100 * share)

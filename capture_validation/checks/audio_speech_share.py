"""Share of speech: how much of the recording is spoken."""

import numpy as np

from capture_validation.check import AudioCheck, Measurement, at_least
from capture_validation.decode import AudioTrack
from capture_validation.levels import Levels
from capture_validation.sound import Sound
from capture_validation.speech import STEP_S, Speech

#: Whoever waits is quiet: so far under the loud moments of the voice (dB).
WAITING_DB = 10.0
#: What the network may take for a pause of a voice that begins or ends slowly (s): it hears a start .1 and an end up to
#: .4 s away from where they are. Of a word in five seconds that is a twentieth, of a minute nothing.
ERROR_S = 0.25


class SpeechShare(AudioCheck):
    """Share of the recording in which somebody speaks, but for up to a second of quiet waiting before and after.

    A campaign for voices pays for voices: a minute of street with one sentence in it is an ambient recording. Silence
    has a check of its own; this one also counts music, engines and rustling as what they are, not speech.

    A second of noise nearly as loud as the voice is no waiting, and counts. A quarter of a second is added, which the
    network may have missed: a word spelt sound by sound has as many starts and ends as sounds.

    Block: probabilities of a voice every 32 ms (see `voice`), levels of 20 ms. Result: 0…100 %. Not measured
    where nobody speaks.
    """

    name = "audio.speech_share"
    version = 4
    title = "Share of speech"
    unit = "%"
    about_speech = only_in_speech = True
    profiles = {"speech": at_least(30.0), "conversation": at_least(30.0)}
    sentences = {
        "passed": "Speech fills {value} % of your recording.",
        "too-low": "Speech fills only {value} % of your recording; at least {minimum} % are wanted.",
    }
    fix = "Start right before you speak, stop right after, and record where nothing else is heard."
    false_alarms = "A single word and a long wait; whispering and singing, which may count as none."
    source = "Silero VAD 6.2; over 30 %: 98 % of 53 speech clips, 3 % of 32 with music, 2 % of 43 with other sound."
    uncertainty = 3.0

    speech: Speech | None = None

    def start(self, track: AudioTrack) -> None:
        self.levels = Levels()

    def feed(self, sound: Sound) -> None:
        self.levels.add(sound)

    def spoken(self, speech: Speech, prompt: str | None) -> None:
        self.speech = speech

    def measure(self) -> Measurement:
        if self.speech is None:
            return Measurement(None)
        speaking, levels = self.speech.steps(), self.levels.all()
        if not speaking.any() or not len(levels):
            return Measurement(None if not len(speaking) else 0.0)
        middles = (np.arange(len(speaking)) + 0.5) * STEP_S / self.levels.step_s
        heard = levels[np.minimum(middles.astype(int), len(levels) - 1)]
        quiet = heard < np.percentile(heard[speaking], 90) - WAITING_DB
        missed = ERROR_S / self.speech.duration_s
        return Measurement(100 * min((self.speech.share(quiet) or 0.0) + missed, 1.0))

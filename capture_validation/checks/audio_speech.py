"""Speech: whether anybody speaks at all."""

from capture_validation.check import AudioCheck, Measurement, at_least
from capture_validation.curves import GrowingCurve
from capture_validation.report import Curve
from capture_validation.sound import Sound
from capture_validation.speech import STEP_S, Speech

#: Less than this is over before the network has heard who speaks.
SHORTEST_S = 0.3


class SpeechPresent(AudioCheck):
    """Seconds in which somebody speaks.

    A microphone that was covered, the wrong file, or a recorder that listened to another device give a recording with
    sound and without a voice. Everything else that is said about a voice needs one, so where none is found those
    checks are not applicable.

    Block: probabilities of a voice every 32 ms (see `voice`). Result: seconds; pauses under 0.13 s count as speech,
    voices under 0.13 s as none. Nothing under 0.3 s. Curve: where somebody speaks.
    """

    name = "audio.speech"
    title = "Speech"
    unit = "s"
    about_speech = True
    profiles = {
        "speech": at_least(0.16, reject=0.12, requirement="required"),
        "conversation": at_least(1.0, reject=0.2, requirement="required"),
    }
    sentences = {
        "passed": "Somebody speaks for {value} s.",
        "too-low": "Hardly any speech is heard: {value} s; at least {minimum} s are needed.",
        "no-speech": "Nobody is heard speaking in your recording.",
    }
    fix = "Speak clearly towards the microphone, check that you send the right file, and record again."
    false_alarms = "Whispering, singing, very young children, and a voice far below loud noise."
    source = "Silero VAD 6.2, 16 kHz, with its own thresholds of .5 and .35: AUC .999 for speech against other sound."
    uncertainty = 0.1

    speech: Speech | None = None

    def feed(self, sound: Sound) -> None:
        """Nothing to hear: the pass listens for everybody."""

    def spoken(self, speech: Speech, prompt: str | None) -> None:
        self.speech = speech

    def measure(self) -> Measurement:
        if self.speech is None or self.speech.duration_s < SHORTEST_S:
            return Measurement(None)
        return Measurement(self.speech.spoken_s, code=None if self.speech.spoken_s else "no-speech")

    def curves(self) -> tuple[Curve, ...]:
        if self.speech is None:
            return ()
        curve = GrowingCurve("speech", "", STEP_S)
        curve.add_steps(0, self.speech.steps().astype(float))
        return (curve.curve(),)

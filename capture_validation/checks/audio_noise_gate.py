"""Noise gate: the room disappears between the words."""

import numpy as np

from capture_validation.check import AudioCheck, Measurement, at_most
from capture_validation.decode import AudioTrack
from capture_validation.levels import Levels, runs
from capture_validation.sound import Sound
from capture_validation.spans import Spans

#: Quieter than the last bit of 16: no microphone in a room is.
NOTHING = -100.0
#: What a gate cuts off from is at least this loud (dBFS); a fade to nothing is quieter before it ends.
AUDIBLE = -75.0
#: A pause between words, in steps of 20 ms; shorter ones are dropouts, which are another check's.
SHORTEST = 2
#: Steps beside a pause in which the sound must be audible.
EDGE = 2


class NoiseGate(AudioCheck):
    """Pauses of 40 ms and more that hold nothing at all, right beside sound that can be heard.

    Noise suppression and gates in apps and headsets shut the microphone between words. Word endings are cut off with
    it, the room comes and goes, and who learns from such a voice learns the gate.

    Block: 20 ms levels, dBFS, loudest channel, offset removed. Result: number of such pauses, those at the very
    start and end left out.
    """

    name = "audio.noise_gate"
    version = 2
    title = "Cut-out pauses"
    unit = "gaps"
    only_in_speech = True
    profiles = {"speech": at_most(1), "conversation": at_most(1)}
    sentences = {
        "passed": "The room is heard in the pauses, as it should be.",
        "too-high": "Between words the microphone was shut off, {value} times in all.",
    }
    fix = (
        "Switch off noise suppression and voice isolation, and record with the phone's own recorder, without a headset."
    )
    false_alarms = "Synthetic speech; speech that was edited in a studio; encoders that drop what nobody hears."
    source = "Pauses that fall and rise abruptly in 20 ms levels; its accuracy on other recordings is not measured yet."

    def start(self, track: AudioTrack) -> None:
        self.levels = Levels()

    def feed(self, sound: Sound) -> None:
        self.levels.add(sound)

    def measure(self) -> Measurement:
        levels = self.levels.all()
        if not len(levels):
            return Measurement(None)
        found, spans = 0, Spans()
        for start, end in runs(levels <= NOTHING, shortest=SHORTEST):
            if start == 0 or end == len(levels):
                continue
            beside = np.concatenate((levels[max(start - EDGE, 0) : start], levels[end : end + EDGE]))
            if beside.max() > AUDIBLE:
                found += 1
                spans.add(start * self.levels.step_s, end * self.levels.step_s)
        return Measurement(found, spans.spans())

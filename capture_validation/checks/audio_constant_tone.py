"""Constant tone: a test signal or a beep instead of a recording."""

import numpy as np

from capture_validation.check import AudioCheck, Measurement, at_most
from capture_validation.decode import AudioTrack
from capture_validation.sound import SPECTRUM_S, Sound
from capture_validation.spectrum import CALM

#: A tone fills its line of the spectrum and, through the window, one on either side; nothing else is left.
SHARE = 0.97
SHORTEST_S = 1.0
#: Below about 90 Hz lie offsets and rumble, which are no tones.
FIRST_LINE = 3
QUIET_DB = -80.0


class ConstantTone(AudioCheck):
    """Share of the time in which nearly all of the sound is one tone of one pitch.

    A test tone, a dial tone or a whistle of feedback is no recording of anything. Voices and instruments have
    overtones, and no pitch of theirs stays within 30 Hz for long.

    Block: spectra of 32 ms averaged over eight. Result: 0…100 % of the time that is not silent. Nothing under 1 s.
    """

    name = "audio.constant_tone"
    title = "Constant tone"
    unit = "%"
    profiles = {
        "speech": at_most(30.0, reject=80.0, requirement="required"),
        "conversation": at_most(30.0, reject=80.0, requirement="required"),
        "ambient": at_most(50.0),
        "music": at_most(50.0),
        "video": at_most(80.0),
    }
    sentences = {
        "passed": "The recording is no test tone.",
        "too-high": "For {value} % of the time only a single tone is heard; at most {maximum} % is plausible.",
    }
    fix = "Check that your recorder records the microphone, away from loudspeakers that play it back."
    false_alarms = "Flutes, whistles and sirens held for most of the recording."
    source = "Share of power in three neighbouring lines of the spectrum, counted at its most frequent line."
    uncertainty = 2.0

    def start(self, track: AudioTrack) -> None:
        self.heard = 0
        self.lines: dict[int, int] = {}

    def feed(self, sound: Sound) -> None:
        levels = sound.calmed
        levels = levels[levels[:, FIRST_LINE:].max(axis=1, initial=-200.0) > QUIET_DB]
        if not len(levels):
            return
        powers = 10 ** (levels[:, FIRST_LINE:].astype(np.float64) / 10)
        top = powers.argmax(axis=1).clip(1, powers.shape[1] - 2)
        tone = sum(powers[np.arange(len(top)), top + beside] for beside in (-1, 0, 1))
        self.heard += len(levels)
        for line in top[tone > SHARE * powers.sum(axis=1)].tolist():
            self.lines[line] = self.lines.get(line, 0) + 1

    def measure(self) -> Measurement:
        if self.heard * CALM * SPECTRUM_S / 2 < SHORTEST_S:
            return Measurement(None)
        return Measurement(100 * max(self.lines.values(), default=0) / self.heard)

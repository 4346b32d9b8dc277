"""Constant tone: a test signal or a beep instead of a recording."""

from collections import Counter

import numpy as np

from capture_validation.check import AudioCheck, Measurement, at_most
from capture_validation.decode import AudioTrack
from capture_validation.grid import decibel
from capture_validation.sound import SPECTRUM_S, Sound
from capture_validation.spectrum import CALM

#: A tone fills its line of the spectrum and, through the window, one on either side; nothing else is left.
SHARE = 0.97
#: A decibel of power in natural units, in which its inverse takes a fifth of the time.
DECIBEL = np.float32(np.log(10) / 10)
#: The centre of a tone that stays the same is always in one of so many parts of a line (2 Hz), or in two where it lies
#: between them; that of a vowel that is held, however pure, wanders.
PARTS = 16
#: What stays the same is as loud all the time, in one of these cells (dB) or in two where its level lies between them:
#: a note that is struck or plucked dies away, and a breath swells.
LOUDNESS_DB = 1.0
SHORTEST_S = 1.0
#: Below about 90 Hz lie offsets and rumble, which are no tones.
FIRST_LINE = 3
QUIET_DB = -80.0


class ConstantTone(AudioCheck):
    """Share of the time in which nearly all of the sound is one tone of one pitch and one loudness.

    A test tone, a dial tone or a whistle of feedback is no recording of anything. Voices and instruments have
    overtones, no pitch of theirs stays within 4 Hz for long - not even that of an "oo" that a child holds - and no note
    within 2 dB.

    Block: spectra of 32 ms averaged over eight. Result: 0…100 % of the time that is not silent. Nothing under 1 s.
    """

    name = "audio.constant_tone"
    version = 2
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
    false_alarms = "Flutes, whistles and sirens held for most of the recording, as steadily as a machine."
    source = (
        "Share of power in three neighbouring lines of the spectrum, counted at their most frequent centre and level."
    )
    uncertainty = 2.0

    def start(self, track: AudioTrack) -> None:
        self.heard = 0
        self.tones: Counter[tuple[int, int]] = Counter()

    def feed(self, sound: Sound) -> None:
        levels = sound.calmed
        levels = levels[levels[:, FIRST_LINE:].max(axis=1, initial=-200.0) > QUIET_DB]
        if not len(levels):
            return
        powers = np.exp(levels[:, FIRST_LINE:] * DECIBEL)
        top = powers.argmax(axis=1).clip(1, powers.shape[1] - 2)
        below, own, above = (powers[np.arange(len(top)), top + beside] for beside in (-1, 0, 1))
        tone = below + own + above
        centres = np.floor(PARTS * (top + (above - below) / tone)).astype(int)
        self.heard += len(levels)
        loudness = np.floor(decibel(tone) / LOUDNESS_DB).astype(int)
        alone = tone > SHARE * powers.sum(axis=1)
        self.tones.update(zip(centres[alone].tolist(), loudness[alone].tolist(), strict=True))

    def measure(self) -> Measurement:
        if self.heard * CALM * SPECTRUM_S / 2 < SHORTEST_S:
            return Measurement(None)
        together = (
            sum(self.tones[centre + beside, level + louder] for beside in (0, 1) for louder in (0, 1))
            for centre, level in self.tones
        )
        return Measurement(100 * max(together, default=0) / self.heard)

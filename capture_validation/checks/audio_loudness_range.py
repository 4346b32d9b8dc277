"""Loudness range: how far the quiet passages lie under the loud ones."""

import numpy as np
from numpy.typing import NDArray

from capture_validation import loudness
from capture_validation.check import AudioCheck, Measurement, at_most, information
from capture_validation.decode import AudioTrack
from capture_validation.sound import Sound

#: In less than this the range of windows of 3 s says how two words were stressed, not that somebody turned away.
SHORTEST_S = 30.0


class LoudnessRange(AudioCheck):
    """The 95th over the 10th percentile of the loudness of all 3 s windows, background left out by gating.

    A reader who turns away, or a phone that lies down half-way, makes a recording that is too quiet in one place and
    too loud in another: no single volume setting suits it.

    Result: 0…60 LU. Nothing under 30 s, and nothing for silence.
    """

    name = "audio.loudness_range"
    version = 2
    title = "Range of loudness"
    unit = "LU"
    profiles = {
        "speech": at_most(20.0),
        "conversation": information(),
        "ambient": information(),
        "music": information(),
        "video": information(),
    }
    sentences = {
        "passed": "Loud and quiet passages lie {value} LU apart.",
        "too-low": "Everything is equally loud: the passages differ by {value} LU; at least {minimum} LU are wanted.",
        "too-high": "Loud and quiet passages lie {value} LU apart; at most {maximum} LU are wanted.",
    }
    fix = "Keep the phone at the same distance and speak evenly from beginning to end."
    false_alarms = "Readings with a whispered part; a recording that begins or ends with a long stretch of room noise."
    source = "EBU Tech 3342 (2023), section 3. The limit is a judgement."
    uncertainty = 1.0

    def start(self, track: AudioTrack) -> None:
        self.parts: list[NDArray[np.float64]] = []

    def feed(self, sound: Sound) -> None:
        self.parts.append(sound.weighted)

    def measure(self) -> Measurement:
        steps = loudness.steps(self.parts)
        if len(steps) * loudness.STEP_S < SHORTEST_S:
            return Measurement(None)
        return Measurement(loudness.loudness_range(steps))

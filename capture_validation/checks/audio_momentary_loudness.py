"""Momentary maximum: how loud the loudest moment is to the ear."""

import numpy as np
from numpy.typing import NDArray

from capture_validation import loudness
from capture_validation.check import AudioCheck, Measurement, information
from capture_validation.decode import AudioTrack
from capture_validation.report import Span
from capture_validation.sound import Sound


class MomentaryLoudness(AudioCheck):
    """Loudness of the loudest 0.4 s, every channel measured by itself.

    A shout, a laugh or a slammed door: too short for the loudness of a passage, and what a listener remembers. Shown as
    a fact; a campaign whose listeners wear headphones may set a maximum.

    Result: −70…+5 LUFS; −70 is silence. Nothing under 0.4 s. The span is the loudest window, to 20 ms.
    """

    name = "audio.momentary_loudness"
    title = "Loudest moment"
    unit = "LUFS"
    profiles = {name: information() for name in ("speech", "conversation", "ambient", "music", "video")}
    sentences = {
        "passed": "The loudest moment is at {value} LUFS.",
        "too-low": "Even the loudest moment is quiet: {value} LUFS; at least {minimum} LUFS are wanted.",
        "too-high": "One moment is very loud: {value} LUFS; at most {maximum} LUFS are wanted.",
    }
    fix = "Keep the same distance to the phone, turn away for loud words and laughter, and record again."
    false_alarms = "None known: it is measured, not estimated."
    source = "EBU Tech 3341 (2023), section 2.2 (momentary); ITU-R BS.1770-5, Annex 1."
    uncertainty = 0.1

    def start(self, track: AudioTrack) -> None:
        self.parts: list[NDArray[np.float64]] = []

    def feed(self, sound: Sound) -> None:
        self.parts.append(sound.weighted)

    def measure(self) -> Measurement:
        found = loudness.momentary_maximum(self.parts)
        if found is None:
            return Measurement(None)
        value, start_s = found
        window_s = loudness.MOMENT * loudness.STEP_S / loudness.PARTS
        return Measurement(value, (Span(round(start_s, 2), round(start_s + window_s, 2)),))

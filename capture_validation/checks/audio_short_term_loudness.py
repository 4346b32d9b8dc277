"""Short-term maximum: how loud the loudest three seconds are."""

import numpy as np
from numpy.typing import NDArray

from capture_validation import loudness
from capture_validation.check import AudioCheck, Measurement, at_most, information
from capture_validation.decode import AudioTrack
from capture_validation.report import Span
from capture_validation.sound import Sound


class ShortTermLoudness(AudioCheck):
    """Loudness of the loudest window of 3 s, every channel measured by itself.

    A recording of good loudness on the whole may hold a passage where someone shouted or came too close. There the
    phone's limiter presses the voice together, and no later processing takes that back.

    Result: −70…+5 LUFS; −70 is silence. Nothing under 3 s. The span is the loudest window.
    """

    name = "audio.short_term_loudness"
    title = "Loudest passage"
    unit = "LUFS"
    profiles = {
        "speech": at_most(-7.0),
        "conversation": at_most(-7.0),
        "ambient": information(),
        "music": information(),
        "video": information(),
    }
    sentences = {
        "passed": "The loudest passage is at {value} LUFS, which is good.",
        "too-low": "Even the loudest passage is quiet: {value} LUFS; at least {minimum} LUFS are wanted.",
        "too-high": "One passage is very loud: {value} LUFS; at most {maximum} LUFS are wanted.",
    }
    fix = "Keep the same distance to the phone all the time, a little more for loud words, and record again."
    false_alarms = "Speech that was heavily compressed for broadcast."
    source = "EBU Tech 3341, section 2.2 (short-term); ITU-R BS.1770-5, Annex 1. The limit is a judgement."
    uncertainty = 0.1

    def start(self, track: AudioTrack) -> None:
        self.parts: list[NDArray[np.float64]] = []

    def feed(self, sound: Sound) -> None:
        self.parts.append(sound.weighted)

    def measure(self) -> Measurement:
        found = loudness.short_term_maximum(loudness.steps(self.parts))
        if found is None:
            return Measurement(None)
        value, start_s = found
        window_s = loudness.SHORT_TERM * loudness.STEP_S
        return Measurement(value, (Span(round(start_s, 1), round(start_s + window_s, 1)),))

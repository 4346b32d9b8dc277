"""Integrated loudness: how loud the whole recording is to the ear."""

import numpy as np

from capture_validation import loudness
from capture_validation.check import AudioCheck, Measurement, Rule
from capture_validation.decode import AudioTrack
from capture_validation.report import Limit
from capture_validation.sound import Sound


def _rule(minimum: float, reject_minimum: float) -> Rule:
    """Quieter than `reject_minimum` nothing can be made of it; only a test signal is louder than −3 LUFS."""
    return Rule(Limit(minimum, -9.0, reject_minimum, -3.0), "required")


class IntegratedLoudness(AudioCheck):
    """Loudness of the whole recording, pauses left out by gating, every channel measured by itself.

    Too quiet, and raising it raises the noise of the phone with it; too loud, and the phone's limiter has been at work.
    A mix to mono would make a recording in opposite phase silent and dual mono 3 LU too quiet, so nothing is mixed.

    Result: −70…+5 LUFS; −70 is silence. Nothing under 0.4 s. Within 0.1 LU of ffmpeg's ebur128.
    """

    name = "audio.loudness"
    title = "Loudness"
    unit = "LUFS"
    profiles = {
        "speech": _rule(-40.0, -55.0),
        "conversation": _rule(-40.0, -55.0),
        "ambient": _rule(-50.0, -69.0),
        "music": _rule(-35.0, -55.0),
        "video": Rule(Limit(minimum=-50.0, maximum=-9.0)),
    }
    sentences = {
        "passed": "Your recording is {value} LUFS loud, which is good.",
        "silent": "Nothing can be heard in your recording.",
        "too-low": "Your recording is very quiet: {value} LUFS; at least {minimum} LUFS are needed.",
        "too-high": "Your recording is very loud: {value} LUFS; at most {maximum} LUFS are wanted.",
    }
    fix = "Hold the phone a hand's width from what you record, with nothing over its microphone, and record again."
    false_alarms = "Heavily produced music and speech are meant to be louder than −9 LUFS; no phone makes them."
    source = "ITU-R BS.1770-5, Annex 1; EBU Tech 3341."
    uncertainty = 0.1

    def start(self, track: AudioTrack) -> None:
        self.parts: list[np.ndarray[tuple[int], np.dtype[np.float64]]] = []

    def feed(self, sound: Sound) -> None:
        self.parts.append(sound.weighted)

    def measure(self) -> Measurement:
        value = loudness.integrated(loudness.steps(self.parts))
        return Measurement(value, code="silent" if value == loudness.SILENCE_LUFS else None)

"""Sound of a video: it is there, and somebody could hear it."""

import numpy as np

from capture_validation.check import AudioCheck, Measurement, at_least
from capture_validation.decode import AudioTrack
from capture_validation.sound import Sound

#: Quieter than any room that a phone hears: below −70 dBFS a track was muted or its microphone was off.
SILENT = 10**-7.0


class VideoSound(AudioCheck):
    """Share of the recording in which the sound track carries anything at all.

    A muted microphone, a covered permission dialogue or a screen recorder leaves a video without sound; half of its
    worth is gone, and nobody notices while filming.

    Result: 0 … 100 % of all 20 ms stretches above −70 dBFS; 0 where there is no sound track.
    """

    name = "video.sound"
    title = "Sound of the video"
    unit = "%"
    profiles = {"video": at_least(50.0)}
    sentences = {
        "missing": "The video has no sound.",
        "too-low": "Only {value} % of the video has any sound; at least {minimum} % is wanted.",
        "too-high": "{value} % of the video has sound; at most {maximum} % is wanted.",
    }
    fix = "Allow the camera app to use the microphone, keep your fingers off it, and record again."
    false_alarms = "Scenes that were muted on purpose, to protect who speaks."
    source = "Variance of 20 ms stretches; threshold by the self-noise of phone microphones, about −65 dBFS."

    measures_absence = True

    started = False

    def start(self, track: AudioTrack) -> None:
        self.started = True
        self.heard = self.all = 0

    def feed(self, sound: Sound) -> None:
        self.heard += int(np.count_nonzero(sound.loudest > SILENT))
        self.all += len(sound.loudest)

    def measure(self) -> Measurement:
        if not self.started or not self.all:
            return Measurement(0.0, code="missing")
        return Measurement(100 * self.heard / self.all)

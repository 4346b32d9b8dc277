"""Uneven frames: a frame rate that wanders."""

import numpy as np

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Pixels
from capture_validation.spans import Spans
from capture_validation.timing import Timing

#: A step that is off by more than this share of the typical step is uneven. Containers that count milliseconds round
#: the steps of 30 frames a second to 33 and 34, and phones jitter by a few percent: neither can be seen.
UNEVEN = 0.25


class VideoUnevenFrames(VideoCheck):
    """Share of the frames that come a quarter of a step too early or too late.

    Phones lengthen exposure in poor light and slow down; screen recorders write when something moves. Motion then
    speeds up and slows down where the scene did not, and tools that assume a constant rate drift against the sound.

    Result: 0 … 100 % of the steps between frames.
    """

    name = "video.uneven_frames"
    title = "Uneven frame rate"
    unit = "%"
    profiles = {"video": at_most(10.0)}
    sentences = {
        "too-high": "{value} % of the frames come too early or too late; at most {maximum} % should.",
    }
    fix = "Add light, so that the camera can keep its rhythm, and switch off “auto frame rate” in its settings."
    false_alarms = "None known; a screen recording is found rightly."
    source = "Steps between presentation times."
    uncertainty = 1.0
    frames_per_second = 0.0
    times_only = True

    def start(self, track: VideoTrack) -> None:
        self.timing = Timing()

    def feed(self, pixels: Pixels) -> None:
        self.timing.add(pixels.at_s)

    def measure(self) -> Measurement:
        typical_s = self.timing.typical_step_s
        if typical_s is None:
            return Measurement(None)
        at_s, steps_s = self.timing.at_s, self.timing.steps_s
        uneven = np.abs(steps_s - typical_s) > UNEVEN * typical_s
        value = 100 * float(uneven.mean())
        spans = Spans(gap_s=1.0)
        if self.rule.limit.maximum is not None and value > self.rule.limit.maximum:
            spans.extend((float(at_s[i]), float(max(at_s[i], at_s[i + 1]))) for i in np.flatnonzero(uneven))
        return Measurement(value, spans.spans())

"""Dropped frames: pictures that are missing from an otherwise regular rhythm."""

import numpy as np

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Pixels
from capture_validation.spans import Spans
from capture_validation.timing import Timing


class VideoDroppedFrames(VideoCheck):
    """Share of the pictures that should be there and are not.

    A hot or busy phone skips pictures; motion then jumps, and whoever labels it frame by frame counts wrong. A step of
    more than 1.5 typical steps misses as many pictures as further typical steps fit into it.

    Result: 0 … 100 % of the expected pictures.
    """

    name = "video.dropped_frames"
    title = "Dropped frames"
    unit = "%"
    profiles = {"video": at_most(2.0, reject=20.0, requirement="required")}
    sentences = {
        "too-high": "Missing pictures: {missing}, {value} % of all; at most {maximum} % may be.",
    }
    fix = "Close other apps, let the phone cool down, free some storage, and record again."
    false_alarms = "Recorders that skip pictures while nothing moves, such as screen recorders and some webcams."
    source = "Steps between presentation times."
    uncertainty = 0.2
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
        at_s, steps = self.timing.at_s, self.timing.steps_s / typical_s
        missing = np.where(steps > 1.5, np.round(steps) - 1, 0)
        spans = Spans()
        for index in np.flatnonzero(missing):
            spans.add(float(at_s[index]), float(at_s[index + 1]))
        count = int(missing.sum())
        return Measurement(100 * count / (count + len(at_s)), spans.spans(), {"missing": count})

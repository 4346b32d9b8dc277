"""Pauses: the picture stands still because no frame arrives, or its clock jumps."""

import numpy as np

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Pixels
from capture_validation.spans import Spans
from capture_validation.timing import Timing


class VideoPauses(VideoCheck):
    """The longest time between two frames, or by which the clock runs backwards.

    A call or an app switch stops the camera while the file goes on; a wrapped clock leaves a hole of hours. Either way
    sound and picture no longer belong together afterwards.

    Result: seconds, 0 … the length of the recording.
    """

    name = "video.pauses"
    title = "Pauses in the picture"
    unit = "s"
    profiles = {"video": at_most(0.5, reject=2.0, requirement="required")}
    sentences = {
        "too-high": "The picture pauses for {value} s; at most {maximum} s are allowed.",
        "backwards": "The clock of the video jumps back by {value} s; at most {maximum} s are allowed.",
    }
    fix = "Switch on flight mode so that no call interrupts, keep the camera app open, and record in one go."
    false_alarms = "Time-lapses, and screen recorders that write nothing while nothing moves."
    source = "Steps between presentation times."
    uncertainty = 0.02
    frames_per_second = 0.0
    times_only = True

    def start(self, track: VideoTrack) -> None:
        self.timing = Timing()

    def feed(self, pixels: Pixels) -> None:
        self.timing.add(pixels.at_s)

    def measure(self) -> Measurement:
        at_s, steps_s = self.timing.at_s, self.timing.steps_s
        if not steps_s.size:
            return Measurement(None)
        longest = int(np.argmax(np.abs(steps_s)))
        maximum = self.rule.limit.maximum
        spans = Spans()
        for index in np.flatnonzero(np.abs(steps_s) > (np.inf if maximum is None else maximum)):
            spans.add(*sorted((float(at_s[index]), float(at_s[index + 1]))))
        backwards = steps_s[longest] < 0 and bool(spans.spans())
        return Measurement(float(abs(steps_s[longest])), spans.spans(), code="backwards" if backwards else None)

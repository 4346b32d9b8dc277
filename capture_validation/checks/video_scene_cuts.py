"""Scene cuts: what should be one take was put together from several."""

from array import array

import cv2
import numpy as np
from numpy.typing import NDArray

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Gray, Pixels
from capture_validation.report import Span
from capture_validation.timing import Timing

#: Mean change, levels of 255, that a cut has at least, and how many times the changes around it.
LEAST = 12.0
TIMES = 3.5
AROUND = 4


class VideoSceneCuts(VideoCheck):
    """How many hard cuts there are.

    A campaign that buys takes wants them uncut: a cut hides what happened between, and often means that the material is
    somebody's film. A cut is one step between neighbouring frames that changes far more than the four before and after;
    a pan changes all of them, a flash two in a row.

    Result: a count.
    """

    name = "video.scene_cuts"
    title = "One uncut take"
    unit = "count"
    profiles = {"video": at_most(0.0)}
    sentences = {"too-high": "Your video is cut {value} times; it should be one take."}
    fix = "Record in one go and send the original; send each take as a recording of its own."
    false_alarms = (
        "A door or a person that covers the whole lens from one frame to the next; dropped frames in a fast pan."
    )
    source = "Mean absolute difference against its surroundings, as the scene score of FFmpeg's scdet."
    frames_per_second = 0.0

    def start(self, track: VideoTrack) -> None:
        self.timing = Timing()
        self.changes = array("d")
        self.before: Gray | None = None

    def feed(self, pixels: Pixels) -> None:
        comparable = self.before is not None and self.before.shape == pixels.small.shape
        self.changes.append(float(cv2.absdiff(self.before, pixels.small).mean()) if comparable else 0.0)
        self.timing.add(pixels.at_s)
        self.before = pixels.small

    def measure(self) -> Measurement:
        if not self.changes:
            return Measurement(None)
        at_s = self.timing.at_s[cuts(np.array(self.changes))]
        return Measurement(float(len(at_s)), tuple(Span(float(at), float(at)) for at in at_s.round(3)[:24]))


def cuts(changes: NDArray[np.float64]) -> NDArray[np.intp]:
    """Numbers of the frames that begin a new shot, from the change (levels of 255) since the frame before."""
    around = np.pad(changes, AROUND)
    windows = np.lib.stride_tricks.sliding_window_view(around, 2 * AROUND + 1).copy()
    windows[:, AROUND] = 0
    found: NDArray[np.intp] = np.flatnonzero((changes > LEAST) & (changes > TIMES * windows.max(axis=1)))
    return found

"""Scene cuts: what should be one take was put together from several."""

from array import array
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Gray, Pixels
from capture_validation.report import Span
from capture_validation.timing import Timing

#: Share of a quarter's pixels that change their brightness class at a cut, at the least, and how many times as many as
#: in the frames around it.
LEAST = 0.26
TIMES = 2.5
AROUND = 4
#: What is so alike, in the mean and in its shape, is one scene under other light: a lamp, or the camera's exposure.
ALIKE = 0.93
#: Frames that a shot has at the least: some recorders begin with a black one.
SHORTEST = 3
#: Frames that lie further apart than this are no neighbours: much happens in the meantime, and video.pauses tells it.
APART_S = 0.5
#: Classes of brightness, and how far a level is shifted to become one.
CLASSES, SHIFT = 16, 4


class VideoSceneCuts(VideoCheck):
    """How many hard cuts there are.

    A campaign that buys takes wants them uncut: a cut hides what happened between, and often means that the material is
    somebody's film. A cut is one step between neighbouring frames that changes the brightness of far more pixels than
    the four steps before and after; a pan moves pixels but keeps their brightness, and a flash makes two steps. Light
    that changes at once, and a bare wall that crosses from one class of brightness into the next, keep the shapes.

    Result: a count.
    """

    name = "video.scene_cuts"
    version = 4
    title = "Cuts"
    unit = "cuts"
    profiles = {"video": at_most(0.0)}
    sentences = {"too-high": "Cuts in your video: {value}. It should be one take."}
    fix = "Record in one go and send the original; send each take as a recording of its own."
    false_alarms = (
        "A door or a person that covers the whole lens from one frame to the next; dropped frames in a fast pan."
    )
    source = "Histogram difference of quarters: Boreczky and Rowe 1996, Comparison of video shot boundary detection."
    frames_per_second = 0.0
    glances = True
    full_tier_only = True

    def start(self, track: VideoTrack) -> None:
        self.timing = Timing()
        self.changes = array("d")
        self.same = array("q")
        self.before: tuple[float, Gray, NDArray[np.float32]] | None = None

    def feed(self, pixels: Pixels) -> None:
        small, classes = pixels.small, quarters(pixels.small)
        change = 0.0
        if self.before is not None:
            before_s, picture, others = self.before
            # Half of what one class loses another gains, and there are four quarters.
            change = cv2.norm(classes, others, cv2.NORM_L1) / 8
            if change > LEAST and (pixels.at_s - before_s > APART_S or alike(picture, small)):
                self.same.append(len(self.changes))
        self.changes.append(change)
        self.timing.add(pixels.at_s)
        self.before = pixels.at_s, small, classes

    def measure(self) -> Measurement:
        if not self.changes:
            return Measurement(None)
        at_s = self.timing.at_s[np.setdiff1d(cuts(np.array(self.changes)), self.same)]
        return Measurement(float(len(at_s)), tuple(Span(float(at), float(at)) for at in at_s.round(3)[:24]))


def quarters(picture: Gray) -> NDArray[np.float32]:
    """Share of the pixels in each of 16 classes of brightness, for each quarter of the picture, float32 (64,)."""
    places, weights = _places(*picture.shape)
    counts = cv2.calcHist([(picture >> SHIFT) | places], [0], None, [4 * CLASSES], [0, 4 * CLASSES])
    shares: NDArray[np.float32] = counts.ravel() * weights
    return shares


@lru_cache(maxsize=8)
def _places(height: int, width: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Sixteen times the number of the quarter that each pixel lies in, and one over the size of a quarter by class."""
    lower, right = np.arange(height) >= height - height // 2, np.arange(width) >= width - width // 2
    places = (CLASSES * (2 * lower[:, None] + right[None])).astype(np.uint8)
    sizes = np.bincount(places.ravel() // CLASSES, minlength=4).repeat(CLASSES)
    return places, (1 / np.maximum(sizes, 1)).astype(np.float32)


def alike(one: Gray, other: Gray) -> bool:
    """Whether two pictures show the same shapes, whatever the light."""
    if one.shape != other.shape:
        return False
    likeness = cv2.matchTemplate(one, other, cv2.TM_CCOEFF_NORMED)
    return float(likeness[0, 0]) > ALIKE


def cuts(changes: NDArray[np.float64]) -> NDArray[np.intp]:
    """Numbers of the frames that begin a new shot, from the share of pixels (0 … 1) that changed since the last."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(changes, AROUND), 2 * AROUND + 1).copy()
    windows[:, AROUND] = 0
    found: NDArray[np.intp] = np.flatnonzero((changes > LEAST) & (changes > TIMES * windows.max(axis=1)))
    return found[(found >= SHORTEST) & (found <= len(changes) - SHORTEST)]

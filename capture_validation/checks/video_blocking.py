"""Blocking: the codec's 8 × 8 squares show."""

import cv2
import numpy as np

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Gray, Pixels
from capture_validation.readings import Readings


class VideoBlocking(VideoCheck):
    """Mean step across the borders of 8 × 8 squares over the mean step elsewhere, in the worst quarter.

    Messengers and low quality settings squeeze a picture until its squares show; what they took away cannot be
    restored, and a model learns the squares. Looked for at the recording's own resolution, because scaling hides them,
    and at all eight offsets, because a crop moves them. Some encoders squeeze the first picture of each group more than
    those after it, so the instant tier, which sees no others, says nothing: of 145 films it complained of seven more.

    Result: a ratio, about 1 in clean clips (at most 1.15), 1.4 … 3.5 at JPEG quality 10. The weaker of the two
    directions counts, so that a fence does not pass for squares.
    """

    name = "video.blocking"
    version = 2
    title = "Compression squares"
    unit = "×"
    profiles = {"video": at_most(1.3)}
    sentences = {
        "too-high": "Compression squares show: {value} times the normal step, at most {maximum} is wanted.",
    }
    fix = "Choose the highest quality in the camera's settings, and send the original file, not a messenger's copy."
    false_alarms = "Tiles and windows that happen to lie on a grid of eight pixels."
    source = "Wang, Bovik and Evans 2000, Blind measurement of blocking artifacts in images, in its spatial form."
    uncertainty = 0.03
    frames_per_second = 1.0
    full_tier_only = True

    def start(self, track: VideoTrack) -> None:
        self.readings = Readings(self.rule.limit)

    def feed(self, pixels: Pixels) -> None:
        self.readings.add(pixels.at_s, blocking(pixels.centre))

    def measure(self) -> Measurement:
        return self.readings.measurement()


def blocking(luma: Gray) -> float | None:
    """The weaker ratio of both directions, or None for a picture of fewer than four squares a side."""
    return min(_steps(luma), _steps(np.ascontiguousarray(luma.T))) if min(luma.shape) >= 32 else None


def _steps(luma: Gray) -> float:
    change = cv2.reduce(cv2.absdiff(luma[:, 1:], luma[:, :-1]), 0, cv2.REDUCE_AVG, dtype=cv2.CV_64F)[0]
    offsets = change[: len(change) // 8 * 8].reshape(-1, 8).mean(axis=0)
    # Half a level keeps a bare wall, whose steps are all near nothing, from dividing by nothing.
    return float((offsets.max() + 0.5) / (np.median(offsets) + 0.5))

"""Repeated frames: more pictures a second than the camera took."""

from array import array

import numpy as np
from numpy.typing import NDArray

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Pixels
from capture_validation.spans import Spans
from capture_validation.timing import Timing

#: Mean change, levels of 255, that the frames around must have, so that a still scene is not taken for repetition.
MOVING = 0.5
#: A repeated frame changes less than this share of what the frames around it change.
REPEATED = 0.1
AROUND = 3


class VideoRepeatedFrames(VideoCheck):
    """Share of the frames that show the frame before them once more while the scene moves.

    A recording of 15 pictures a second that was written out as 30 has every picture twice: the frame rate is a fake,
    and motion stutters. Only frames whose neighbours move are judged; a picture that stands still is video.frozen.

    Result: 0 … 100 % of the frames; 50 where every frame is doubled.
    """

    name = "video.repeated_frames"
    version = 3
    title = "Repeated frames"
    unit = "%"
    profiles = {"video": at_most(10.0)}
    sentences = {"too-high": "{value} % of the pictures only repeat the one before; at most {maximum} % may."}
    fix = "Send the original from the camera; add light so that it keeps its frame rate, and close other apps."
    false_alarms = "Animation, which is drawn in twos and threes."
    source = "Mean absolute difference as in FFmpeg's mpdecimate, against the frames around."
    uncertainty = 1.0
    frames_per_second = 0.0
    glances = True
    full_tier_only = True

    def start(self, track: VideoTrack) -> None:
        self.timing = Timing()
        self.changes = array("d")

    def feed(self, pixels: Pixels) -> None:
        self.changes.append(pixels.change)
        self.timing.add(pixels.at_s)

    def measure(self) -> Measurement:
        if len(self.changes) < 2 * AROUND + 1:
            return Measurement(None)
        again, at_s = repeated(np.array(self.changes)), self.timing.at_s
        spans = Spans(gap_s=0.5)
        spans.extend((float(at_s[i - 1]), float(at_s[i])) for i in np.flatnonzero(again))
        return Measurement(100 * float(again.mean()), spans.spans())


def repeated(changes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which frames repeat the one before, from the change (levels of 255) since then; inf where nothing compares."""
    finite = np.where(np.isfinite(changes), changes, 0)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(finite, AROUND, mode="edge"), 2 * AROUND + 1)
    moving = np.percentile(windows, 70, axis=1)
    result: NDArray[np.bool_] = (moving > MOVING) & (changes < REPEATED * moving)
    return result

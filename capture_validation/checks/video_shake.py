"""Shake: the picture jerks because the hand does."""

import itertools

import cv2
import numpy as np
from numpy.typing import NDArray

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Gray, Pixels
from capture_validation.readings import Readings

#: Frames looked at in a row, twice a second: five frames give four movements and three changes of movement.
BURST = 5
BURSTS_PER_S = 2
#: Below this the two pictures do not fit each other anywhere, so the movement found means nothing.
LEAST_FIT = 0.15
#: A frame that changes this much less than its neighbours only repeats the one before; that is no shake.
REPEATED = 0.1


class VideoShake(VideoCheck):
    """How much the movement of the whole picture changes from one frame to the next, in the worst quarter.

    Walking and trembling jerk the picture to and fro, which no later step fully calms. A pan moves just as far but
    evenly, so not the movement counts but its change. Seen only at full frame rate: at 4 frames a second a jerk and a
    pan look alike.

    Result: percent of the long side, at 30 pictures a second. Hand-held clips have at most .6; jerks of 2 % read 1 …
    3.6, of 5 % 3 and more. Read every half second.
    """

    name = "video.shake"
    version = 3
    title = "Shake"
    unit = "%"
    profiles = {"video": at_most(0.9)}
    sentences = {
        "too-high": "The picture jerks by {value} % of its length from frame to frame; at most {maximum} % is wanted.",
    }
    fix = "Hold the phone with both hands, elbows at your body, switch on stabilisation, or lean it on something."
    false_alarms = "Somebody who fills the picture and moves; screens that scroll."
    source = "Phase correlation (Kuglin and Hines 1975) on 160 pixels, second difference of the shift."
    uncertainty = 0.1
    frames_per_second = 0.0
    glances = True
    full_tier_only = True

    def start(self, track: VideoTrack) -> None:
        self.readings = Readings(self.rule.limit)
        self.burst: list[tuple[float, Gray]] = []
        self.due_s = -np.inf

    def feed(self, pixels: Pixels) -> None:
        if not self.burst and pixels.at_s < self.due_s:
            return
        self.burst.append((pixels.at_s, pixels.small))
        if len(self.burst) == BURST:
            self.readings.add(self.burst[0][0], jerk(self.burst))
            self.due_s = (np.floor(self.burst[0][0] * BURSTS_PER_S + 1e-6) + 1) / BURSTS_PER_S - 1e-6
            self.burst = []

    def measure(self) -> Measurement:
        return self.readings.measurement()


def jerk(burst: list[tuple[float, Gray]]) -> float | None:
    """Median change of movement within a burst in percent of the long side per (1/30 s)², None where nothing fits."""
    shape = burst[0][1].shape
    step_s = (burst[-1][0] - burst[0][0]) / (len(burst) - 1)
    if step_s <= 0 or any(picture.shape != shape for _, picture in burst) or min(shape) < 16:
        return None
    window = cv2.createHanningWindow((shape[1], shape[0]), cv2.CV_32F)
    pictures = [picture.astype(np.float32) for _, picture in burst]
    changed = [float(cv2.absdiff(one, next_one).mean()) for one, next_one in itertools.pairwise(pictures)]
    if min(changed) < REPEATED * max(changed):
        return None
    moves = [cv2.phaseCorrelate(one, next_one, window) for one, next_one in itertools.pairwise(pictures)]
    if min(fit for _, fit in moves) < LEAST_FIT:
        return None
    shifts: NDArray[np.float64] = np.array([shift for shift, _ in moves]) / max(shape)
    changes = np.linalg.norm(np.diff(shifts, axis=0), axis=1)
    return 100 * float(np.median(changes)) / (30 * step_s) ** 2

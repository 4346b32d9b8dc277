"""Flicker: brightness pulses from frame to frame."""

from array import array

import cv2
import numpy as np
from numpy.typing import NDArray

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Pixels
from capture_validation.readings import Readings, breaks
from capture_validation.timing import Timing

AROUND = 4
#: Slower than this, a frame lasts as long as the pulse and swallows it, while ordinary motion looks like one.
SLOWEST_FPS = 20.0
#: Parts of the picture along each side: what light does, most of them do.
PARTS = 3
#: A step of less than this share of the larger ones is none: the picture before is shown once more.
REPEATED, LARGER = 0.1, 70
#: Darker than this a level is no measure of a change; levels of 255.
DARK = 20
#: A pulse of the whole picture that is less than this share of what its pixels change is motion.
PULSE = 0.15


class VideoFlicker(VideoCheck):
    """How far each frame's brightness lies from the mean of its two neighbours, in the worst quarter.

    Lamps pulse with the mains, and a camera set for the other mains frequency shows it as a slow throb or rolling
    bands. It tires viewers and misleads everything that compares frames. Light is everywhere: the whole picture has to
    pulse, and so has the middle one of nine parts, which a butterfly's wings do not reach.

    Where single pixels change many times as much as the whole, what moves explains it.

    Result: 0 … 100 % of the brightness. Clean clips of 24 and more pictures a second have at most .25; a pulse
    of 2 % at 10 Hz reads 2. Slower recordings cannot be judged, nor such that repeat pictures to seem faster: motion
    goes by leaps there, and pulses.
    """

    name = "video.flicker"
    version = 4
    title = "Flicker"
    unit = "%"
    profiles = {"video": at_most(0.8)}
    sentences = {"too-high": "The brightness flickers by {value} % from frame to frame; at most {maximum} % is wanted."}
    fix = (
        "Set the camera's anti-flicker to your mains (50 Hz in most countries, 60 Hz in the Americas), or use daylight."
    )
    false_alarms = "Strobes, welding, fire close by, and screens or fans in the picture."
    source = (
        "Second difference of mean luma, median of nine frames; aliasing of mains light as in IEEE 1789-2015, annex A."
    )
    uncertainty = 0.05
    frames_per_second = 0.0
    glances = True
    full_tier_only = True

    def start(self, track: VideoTrack) -> None:
        self.timing = Timing()
        self.sums = array("i")
        self.changes = array("d")
        self.pixels = 0

    def feed(self, pixels: Pixels) -> None:
        height, width = (side // PARTS for side in pixels.small.shape)
        if not height or not width:
            return
        self.timing.add(pixels.at_s)
        self.changes.append(pixels.change)
        self.pixels = self.pixels or height * width
        corners = cv2.integral(pixels.small)[::height, ::width][: PARTS + 1, : PARTS + 1]
        self.sums.frombytes(corners.tobytes())

    def measure(self) -> Measurement:
        step_s = self.timing.typical_step_s
        if step_s is None or step_s > 1 / SLOWEST_FPS or len(self.timing.at_s) < 2 * AROUND + 1:
            return Measurement(None)
        levels = self._levels()
        readings = Readings(self.rule.limit)
        whirls = whirling(levels, np.array(self.changes))
        for at_s, value, whirl in zip(self.timing.at_s, flicker(levels), whirls, strict=True):
            readings.add(float(at_s), None if whirl and breaks(self.rule.limit, value) else float(value))
        if readings.judged() < len(levels) / 2:
            return Measurement(None)
        found = readings.measurement()
        slow = new_share(levels) < SLOWEST_FPS * step_s
        return Measurement(None) if slow and found.value and breaks(self.rule.limit, found.value) else found

    def _levels(self) -> NDArray[np.float64]:
        """Mean brightness of each part of each frame, float64 (frames, 9), 0 … 255."""
        corners = np.array(self.sums, np.float64).reshape(-1, PARTS + 1, PARTS + 1)
        sums = np.diff(np.diff(corners, axis=1), axis=2)
        levels: NDArray[np.float64] = sums.reshape(len(sums), -1) / self.pixels
        return levels


def flicker(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Flicker around each frame in percent of its brightness, float64 (frames,), from that of its parts."""
    jumps = np.minimum(jumped(levels.mean(axis=1)), np.median(jumped(levels), axis=1))
    return calm(jumps)


def whirling(levels: NDArray[np.float64], changes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where the picture changes by motion so much that its light cannot be read, bool (frames,).

    `changes`: mean change of single pixels since the frame before, levels of 255. A lamp changes them as much as it
    changes the whole picture, and what is swept past the lens far more.
    """
    whole = levels.mean(axis=1)
    pulses = jumped(whole) * np.maximum(whole, DARK) / 100
    result: NDArray[np.bool_] = calm(pulses) < PULSE * calm(np.where(np.isfinite(changes), changes, 0))
    return result


def calm(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The median of each value and the four before and after it."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(values, AROUND, mode="edge"), 2 * AROUND + 1)
    middle: NDArray[np.float64] = np.median(windows, axis=1)
    return middle


def jumped(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each level lies from the mean of those before and after it, in percent of it."""
    around = np.concatenate((levels[1:2], levels, levels[-2:-1]))
    jumps: NDArray[np.float64] = 100 * np.abs(levels - (around[:-2] + around[2:]) / 2) / np.maximum(levels, DARK)
    return jumps


def new_share(levels: NDArray[np.float64]) -> float:
    """Share of the frames, 0 … 1, that do not show the one before once more, as far as their brightness tells."""
    steps = np.abs(np.diff(levels, axis=0)).mean(axis=1)
    return float((steps > REPEATED * np.percentile(steps, LARGER)).mean())

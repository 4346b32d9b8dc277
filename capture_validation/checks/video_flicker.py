"""Flicker: brightness pulses from frame to frame."""

from array import array

import cv2
import numpy as np
from numpy.typing import NDArray

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Pixels
from capture_validation.readings import Readings
from capture_validation.timing import Timing

AROUND = 4
#: Slower than this, a frame lasts as long as the pulse and swallows it, while ordinary motion looks like one.
SLOWEST_FPS = 20.0


class VideoFlicker(VideoCheck):
    """How far each frame's brightness lies from the mean of its two neighbours, in the worst quarter.

    Lamps pulse with the mains, and a camera set for the other mains frequency shows it as a slow throb or rolling
    bands. It tires viewers and misleads everything that compares frames.

    Result: 0 … 100 % of the brightness. Clean clips of 24 and more pictures a second have at most .25; a pulse
    of 2 % at 10 Hz reads 2. Slower recordings cannot be judged.
    """

    name = "video.flicker"
    version = 2
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
        self.levels = array("d")

    def feed(self, pixels: Pixels) -> None:
        self.timing.add(pixels.at_s)
        self.levels.append(float(cv2.mean(pixels.small)[0]))

    def measure(self) -> Measurement:
        step_s = self.timing.typical_step_s
        if step_s is None or step_s > 1 / SLOWEST_FPS or len(self.levels) < 2 * AROUND + 1:
            return Measurement(None)
        readings = Readings(self.rule.limit)
        for at_s, value in zip(self.timing.at_s, pulses(np.array(self.levels)), strict=True):
            readings.add(float(at_s), float(value))
        return readings.measurement()


def pulses(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Flicker around each frame in percent of its brightness, float64 (frames,)."""
    padded = np.pad(levels, 1, mode="reflect")
    jumps = 100 * np.abs(levels - (padded[:-2] + padded[2:]) / 2) / np.maximum(levels, 20)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(jumps, AROUND, mode="edge"), 2 * AROUND + 1)
    calm: NDArray[np.float64] = np.median(windows, axis=1)
    return calm

"""Noise: grain that the camera added, not the scene."""

import math

import cv2
import numpy as np

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Gray, Pixels
from capture_validation.readings import Readings, breaks

#: What the mask's answer is multiplied by before blocks are averaged, so that it still fits into 16 bits.
SCALE = 16
#: A side of a block in pixels, and how often it has to be halved to become one.
BLOCK, HALVINGS = 16, 4
#: What is left of grain at half the size, where four of its pixels are averaged, and what at least of a lawn or gravel.
#: Of 45 takes with grain of 10 levels .45 … .76 is left and .88 once, of three that are all leaves or grass 1.1 … 1.8.
GRAIN, TEXTURE = 0.6, 1.25


class VideoNoise(VideoCheck):
    """Standard deviation of the noise in the smoothest fifth of the picture, in the noisiest quarter of the recording.

    Grain eats detail and bandwidth, and models learn the grain of one phone instead of the scene. Only smooth places
    are read, so that foliage and cloth do not pass for noise. Where no place is smooth, as on a lawn, what is there at
    half the size as well is taken off: grain is a pixel large, and goes when four pixels are averaged.

    Result: levels of 255 at a long side of 640 pixels. Clean clips have 0 … 2, noise of 10 levels reads 4 … 11.
    """

    name = "video.noise"
    version = 3
    title = "Noise"
    unit = "levels"
    profiles = {"video": at_most(4.0)}
    sentences = {
        "too-high": "The picture is grainy: noise of {value} levels, at most {maximum} are wanted.",
    }
    fix = "Add light, use the main lens of the phone, and do not zoom."
    false_alarms = "Sand, and what else is as fine as a pixel and fills the picture."
    source = "Immerkær 1996, Fast noise variance estimation, equation 5, on blocks of 16 × 16 pixels."
    uncertainty = 0.5

    def start(self, track: VideoTrack) -> None:
        self.readings = Readings(self.rule.limit)

    def feed(self, pixels: Pixels) -> None:
        self.readings.add(pixels.at_s, self._grain(pixels.luma))

    def _grain(self, luma: Gray) -> float | None:
        """Noise of one frame; what is there at half the size too is asked for only where it would be complained of."""
        found = noise(luma)
        if found is None or not breaks(self.rule.limit, found):
            return found
        coarse = noise(cv2.resize(luma, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
        return found if coarse is None else fine_part(found, coarse)

    def measure(self) -> Measurement:
        return self.readings.measurement()


def noise(luma: Gray) -> float | None:
    """Noise in levels of 255, or None when fewer than 20 blocks are neither black nor white.

    Clipping to black or white cuts noise off, so such blocks would read as silent.
    """
    rows, columns = (side // BLOCK for side in luma.shape)
    if not rows or not columns:
        return None
    whole = luma[: rows * BLOCK, : columns * BLOCK]
    # Immerkær's mask, the difference of two Laplacians, blind to edges and ramps: [1, -2, 1] down times [1, -2, 1]
    # across, which is a Sobel operator of second order both ways, at a third of the cost of any other mask.
    deviation = np.abs(cv2.Sobel(whole, cv2.CV_16S, 2, 2, ksize=3)) * SCALE
    level = whole
    # Four halvings are the mean of a block, at a third of the cost of one step.
    for _ in range(HALVINGS):
        half = deviation.shape[1] // 2, deviation.shape[0] // 2
        deviation, level = (cv2.resize(one, half, interpolation=cv2.INTER_AREA) for one in (deviation, level))
    usable = deviation[(level > 8) & (level < 247)]
    if usable.size < 20:
        return None
    # NumPy's percentile costs as much as all of the above.
    fifth = usable.size // 5
    return float(np.partition(usable, fifth)[fifth]) * math.sqrt(math.pi / 2) / 6 / SCALE


def fine_part(found: float, coarse: float) -> float:
    """Grain of a picture that has `found` levels of grain and texture together, and `coarse` at half the size.

    Both add up in squares, and of each a known share is left at half the size.
    """
    squared = (TEXTURE**2 * found**2 - coarse**2) / (TEXTURE**2 - GRAIN**2)
    return min(found, math.sqrt(max(squared, 0.0)))

"""Re-captured: the camera filmed a screen."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.decode import VideoTrack
from capture_validation.frequencies import Powers, grid
from capture_validation.pixels import Pixels
from capture_validation.readings import Readings

#: Smaller pictures show no grid.
LEAST = 128
#: Coarser than this is the scene itself, in periods per pixel.
COARSE = 0.06
#: Next to the axes lie walls, shelves and the codec's own squares, in periods per pixel.
ALONG_AXES = 0.012
#: Bins that are wider than any peak, and how many of them one cell stands for.
AROUND, CELL = 15, 3


class VideoRecaptured(VideoCheck):
    """How far the sharpest peak in the picture's spectrum stands out of its surroundings, in the worst quarter.

    Somebody who films a screen sends what somebody else recorded. The grid of the screen and that of the sensor beat
    against each other, which gives narrow peaks at oblique angles that no natural scene has.

    Result: decibels. Real scenes read 6 … 19, drawn test patterns up to 22, screens whose grid shows 25 … 45. A screen
    filmed from so far that its grid melts reads like a scene: about half of all simulated takes. So a high value says
    much, and a low one nothing.
    """

    name = "video.recaptured"
    version = 3
    title = "Filmed from a screen"
    unit = "dB"
    profiles = {"video": at_most(24.0)}
    sentences = {
        "too-high": "The grid of a screen shows ({value} dB, at most {maximum}): was this filmed from a display?",
    }
    fix = "Film the thing itself, not a screen that shows it."
    false_alarms = "A screen that belongs to the scene; mesh, blinds and woven cloth seen from very near."
    source = (
        "Moiré as the sign of a replay: Patel, Han and Jain 2015, Live face video vs. spoof face video; here read as "
        "peaks in the spectrum instead of learned features."
    )
    uncertainty = 1.0
    frames_per_second = 1.0

    def start(self, track: VideoTrack) -> None:
        self.readings = Readings(self.rule.limit)

    def feed(self, pixels: Pixels) -> None:
        self.readings.add(pixels.at_s, peak_db(pixels.frequencies))

    def measure(self) -> Measurement:
        return self.readings.measurement()


def peak_db(powers: Powers | None) -> float | None:
    """Third highest peak over the median around it in dB, or None for a picture too small to show a grid.

    The third, because a peak has at least three bins under this window, and a single bin is chance.
    """
    if powers is None or len(powers) < LEAST:
        return None
    # The floor is the size of sensor noise, so that a flat wall has no peaks of numerical dust.
    level = cv2.log(cv2.sqrt(powers) + np.float32(len(powers) / 2)) * np.float32(20 / np.log(10))
    # The surroundings change slowly: their median is taken of cells of 3 × 3 bins, at an eighth of the cost.
    height, width = level.shape
    cells = cv2.resize(level, (width // CELL, height // CELL), interpolation=cv2.INTER_AREA)
    around = cv2.resize(cv2.medianBlur(cells, AROUND // CELL), (width, height), interpolation=cv2.INTER_LINEAR)
    return third(np.where(oblique(len(powers)), level - around, -np.inf))


def third(level: NDArray[np.float32]) -> float:
    """The third highest value of a table of at least three rows: it lies in one of the three rows with the highest."""
    rows = np.argpartition(level.max(axis=1), -3)[-3:]
    return float(np.partition(level[rows].ravel(), -3)[-3])


@lru_cache(maxsize=8)
def oblique(side: int) -> NDArray[np.bool_]:
    """Which places of a spectrum are fine and off the axes, bool (side, side / 2 − 1)."""
    down, across = grid(side)
    away = (abs(down) > ALONG_AXES) & (across > ALONG_AXES)
    chosen: NDArray[np.bool_] = away & (np.hypot(down, across) > COARSE)
    return chosen

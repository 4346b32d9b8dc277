"""Interlaced: two moments woven into one picture."""

from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Gray, Pixels
from capture_validation.readings import Readings, breaks

#: A side of a cell in pixels, and the fewest lines that a picture is asked about.
CELL, LEAST_LINES = 32, 8
#: Lines over which an alternation has to keep its sign; levels of 255 that keep a bare wall from dividing by nothing.
RUN, FAINT = 8, 0.3


class VideoInterlaced(VideoCheck):
    """How much lines alternate one by one where something moves, over how much they do two by two.

    In an interlaced picture odd and even lines are a fiftieth of a second apart, so everything that moves gets combed
    edges: brighter, darker, brighter, for as long as the edge is. What a lens draws seldom alternates so for eight
    lines. Camcorders and old capture cards comb, phones never; it means that the material is older than it looks.

    Result: a ratio, in the worst quarter of the recording. Progressive pictures have .5 … 1.5; interlaced ones have
    1.5 … 90 where something moves, and nothing is to be seen where nothing does. Read at the recording's own
    resolution: scaling melts the comb.
    """

    name = "video.interlaced"
    version = 4
    title = "Combed lines"
    unit = "×"
    profiles = {"video": at_most(1.7)}
    sentences = {
        "too-high": "Moving edges are combed ({value}, at most {maximum}): the picture is woven from two moments."
    }
    fix = "Record with a phone, or set the camcorder to “progressive” (for example 30p or 25p)."
    false_alarms = "Patterns of single horizontal lines, such as a blind far away."
    source = "Strength of the highest frequency of lines, which FFmpeg's idet looks for, against that of half of it."
    uncertainty = 0.03
    frames_per_second = 1.0

    def start(self, track: VideoTrack) -> None:
        self.readings = Readings(self.rule.limit)

    def feed(self, pixels: Pixels) -> None:
        self.readings.add(pixels.at_s, self._combing(pixels.centre))

    def _combing(self, luma: Gray) -> float | None:
        """Combing of one frame; pixels that were doubled alternate both ways, and are no comb."""
        found = combing(luma)
        if found is None or not breaks(self.rule.limit, found):
            return found
        across = combing(np.ascontiguousarray(luma.T))
        return found / across if across and breaks(self.rule.limit, across) else found

    def measure(self) -> Measurement:
        return self.readings.measurement()


def combing(luma: Gray) -> float | None:
    """Alternation of single lines over that of pairs of lines in the most combed twentieth of the cells.

    None for a picture without lines. Only what moves is combed, and often that is little of the picture, so each cell
    of 32 × 32 pixels is asked by itself.
    """
    height, width = luma.shape
    if height < LEAST_LINES:
        return None
    # Combs are as wide as things have moved; the mean of four pixels keeps them and halves the noise.
    narrow = cv2.resize(luma, (max(1, width // 4), height), interpolation=cv2.INTER_AREA).astype(np.float32)
    bent = narrow[1:-1] - (narrow[:-2] + narrow[2:]) / 2
    cells = max(1, width // CELL), max(1, (height - 2) // CELL)
    single, double = (
        cv2.resize(kept, cells, interpolation=cv2.INTER_AREA) for kept in map(partial(_kept, bent), (1, 2))
    )
    ratios = np.sort(single / (double + FAINT), axis=None)
    return float(ratios[-1 - ratios.size // 20])


def _kept(bent: NDArray[np.float32], lines: int) -> NDArray[np.float32]:
    """How much of what bends from line to line keeps its sign once every other group of so many lines is turned."""
    turned = np.where(np.arange(len(bent)) // lines % 2, np.float32(-1), np.float32(1))
    return np.abs(np.asarray(cv2.blur(bent * turned[:, None], (1, RUN)), np.float32))

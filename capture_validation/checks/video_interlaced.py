"""Interlaced: two moments woven into one picture."""

import cv2
import numpy as np

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Gray, Pixels
from capture_validation.readings import Readings

#: A side of a cell in pixels, and the fewest lines that a picture is asked about.
CELL, LEAST_LINES = 32, 8


class VideoInterlaced(VideoCheck):
    """How much neighbouring lines differ where something moves, over how much every second line does.

    In an interlaced picture odd and even lines are a fiftieth of a second apart, so everything that moves gets combed
    edges. Camcorders and old capture cards do that, phones never; it means that the material is older than it looks.

    Result: a ratio, in the worst quarter of the recording. Progressive pictures have .4 … .7, because near lines
    resemble each other most; interlaced ones have 1 … 60 where something moves, and nothing is to be seen where nothing
    does. Read at the recording's own resolution: scaling melts the comb.
    """

    name = "video.interlaced"
    version = 3
    title = "Combed lines"
    unit = "×"
    profiles = {"video": at_most(0.85)}
    sentences = {
        "too-high": "Moving edges are combed ({value}, at most {maximum}): the picture is woven from two moments."
    }
    fix = "Record with a phone, or set the camcorder to “progressive” (for example 30p or 25p)."
    false_alarms = "Patterns of single horizontal lines, such as a blind far away."
    source = "Ratio of line differences, the measure under the comb tests of FFmpeg's idet."
    uncertainty = 0.03
    frames_per_second = 1.0

    def start(self, track: VideoTrack) -> None:
        self.readings = Readings(self.rule.limit)

    def feed(self, pixels: Pixels) -> None:
        self.readings.add(pixels.at_s, combing(pixels.centre))

    def measure(self) -> Measurement:
        return self.readings.measurement()


def combing(luma: Gray) -> float | None:
    """Change between neighbouring lines over that of every second line in the most combed twentieth of the cells.

    None for a picture without lines. Only what moves is combed, and often that is little of the picture, so each cell
    of 32 × 32 pixels is asked by itself.
    """
    height, width = luma.shape
    if height < LEAST_LINES:
        return None
    # Combs are as wide as things have moved; the mean of four pixels keeps them and halves the noise.
    narrow = cv2.resize(luma, (max(1, width // 4), height), interpolation=cv2.INTER_AREA)
    cells = max(1, width // CELL), max(1, (height - 2) // CELL)
    near, far = (
        cv2.resize(change.astype(np.float32), cells, interpolation=cv2.INTER_AREA)
        for change in (cv2.absdiff(narrow[1:-1], narrow[:-2]), cv2.absdiff(narrow[2:], narrow[:-2]))
    )
    # Noise changes near and far lines alike; the calmest cells tell how much. One level more keeps what is left of it
    # on a bare wall from passing for a comb.
    noise = np.sort(near, axis=None)[near.size // 10]
    ratios = np.sort((near - noise) / (np.maximum(far - noise, 0) + 1), axis=None)
    return max(float(ratios[-1 - near.size // 20]), 0.0)

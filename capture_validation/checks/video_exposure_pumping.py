"""Exposure pumping: the whole picture grows brighter and darker again."""

import cv2
import numpy as np
from numpy.typing import NDArray

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Gray, Pixels
from capture_validation.readings import breaks
from capture_validation.spans import Spans

#: Cells along the long and the short side; one of them is larger than what usually moves.
CELLS = (16, 9)
#: A swing that takes longer there and back is the light of the day, not the camera.
WINDOW_S = 3.0
MOST_CHANGES = round(WINDOW_S * VideoCheck.frames_per_second)
#: Cells nearly black or white have no room to follow the exposure, in levels of 255.
DARKEST, BRIGHTEST = 12, 240
LEAST_CELLS = 20
#: Below this the two pictures do not show the same thing, so their brightness cannot be compared.
LEAST_LIKENESS = 0.8
#: The cells have to agree: their median change counts if it is this much larger than their disagreement.
AGREEMENT = 1.5
#: Added to every cell, so that noise in the dark does not read as a multiple of itself; levels of 255.
FLOOR = 8.0


class VideoExposurePumping(VideoCheck):
    """The largest swing of the whole picture's brightness there and back again within three seconds.

    A camera that hunts for its exposure makes the same wall bright, dark and bright again. No later step can undo it,
    because what was burnt out meanwhile is lost. Light that changes once, such as a lamp switched on, does not come
    back and does not count; neither does what only part of the picture does.

    Result: percent of the brightness. Clean clips have 0, the worst 9; steady swings of ±15 % read 9 … 75.
    """

    name = "video.exposure_pumping"
    version = 3
    title = "Steady exposure"
    unit = "%"
    profiles = {"video": at_most(12.0)}
    sentences = {
        "too-high": "The picture grows {value} % brighter and darker again; at most {maximum} % is wanted.",
    }
    fix = "Tap on your subject and hold until the exposure is locked, and keep lamps and windows out of the picture."
    false_alarms = "Clouds that race past the sun, stage light, and somebody who walks close past the lens."
    source = "Median log ratio of 16 × 9 cells between analysed frames, there and back within 3 s."
    full_tier_only = True
    uncertainty = 1.0

    def start(self, track: VideoTrack) -> None:
        self.before: NDArray[np.float64] | None = None
        self.steps: list[tuple[float, float]] = []

    def feed(self, pixels: Pixels) -> None:
        cells = grid(pixels.small)
        if self.before is not None and self.before.shape == cells.shape:
            self.steps.append((pixels.at_s, change(self.before, cells)))
        self.before = cells

    def measure(self) -> Measurement:
        if len(self.steps) < 2:
            return Measurement(None)
        found = swings(self.steps)
        largest = max((size for _, _, size in found), default=0.0)
        spans = Spans()
        spans.extend((start, end) for start, end, size in found if breaks(self.rule.limit, size))
        return Measurement(largest, spans.spans())


def grid(luma: Gray) -> NDArray[np.float64]:
    """Mean brightness of the cells of a picture, float64 (cells,), 0 … 255."""
    upright = luma.shape[0] > luma.shape[1]
    cells: NDArray[np.float64] = cv2.resize(luma, CELLS[::-1] if upright else CELLS, interpolation=cv2.INTER_AREA)
    return cells.astype(np.float64).ravel()


def change(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    """Natural logarithm of how much brighter the whole picture became; 0 where its cells do not agree on it."""
    usable = (np.minimum(before, after) > DARKEST) & (np.maximum(before, after) < BRIGHTEST)
    if usable.sum() < LEAST_CELLS:
        return 0.0
    old, new = np.log(before[usable] + FLOOR), np.log(after[usable] + FLOOR)
    ratios = new - old
    middle = float(np.median(ratios))
    if abs(middle) <= AGREEMENT * float(np.median(abs(ratios - middle))):
        return 0.0
    spread = old.std() * new.std()
    likeness = float(((old - old.mean()) * (new - new.mean())).mean() / spread) if spread > 1e-6 else 1.0
    return middle if likeness > LEAST_LIKENESS else 0.0


def swings(steps: list[tuple[float, float]]) -> list[tuple[float, float, float]]:
    """From each change on: start and end in seconds, and the swing in percent that goes there and back meanwhile."""
    changes = [(at_s, step) for at_s, step in steps if step]
    found = []
    for index, (start_s, _) in enumerate(changes):
        within = [(at_s, step) for at_s, step in changes[index : index + MOST_CHANGES] if at_s < start_s + WINDOW_S]
        brighter = sum(step for _, step in within if step > 0)
        darker = -sum(step for _, step in within if step < 0)
        found.append((start_s, within[-1][0], 100 * float(np.expm1(min(brighter, darker)))))
    return found

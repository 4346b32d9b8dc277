"""Readable text: where letters are in a picture - number plates, letters, badges, screens - and never what they say.

PP-OCRv6 (small), the detection half of PaddleOCR, an ONNX file of the wheel `rapidocr`; the half that reads is not
loaded. The network gives each point its chance to belong to the middle of a line of text (Liao, Wan, Yao, Chen, Bai:
"Real-time Scene Text Detection with Differentiable Binarization", AAAI 2020); a line is a region of such points, grown
back to its full height.

Known false alarms: railings, brickwork and keyboards without letters. Missed: letters under some 8 pixels in a picture
of 640, and handwriting on a dark ground.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from capture_validation.xray.faces import NOTHING, Picture, Squares, network

#: Chance of a point to be text, and mean chance of a whole line.
POINT, LINE = 0.3, 0.6
#: The network sees lines shrunk by this share of their height (equation 10 of the paper, unclip ratio).
SHRUNK = 1.6
#: Means and deviations of the pictures it was trained on, red, green, blue (ImageNet).
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
#: The network halves a picture five times.
MULTIPLE = 32
SMALLEST = 3


class TextFinder:
    """The network, loaded from its ONNX file."""

    name = "PP-OCRv6-det-small"

    def __init__(self, weights: bytes) -> None:
        """Load the network. Raises cv2.error for bytes that are none."""
        self._network = network(weights)

    def find(self, picture: Picture) -> Squares:
        """Lines of text in a picture, uint8 (height, width, 3) red, green, blue: float64 (n, 5) as of faces."""
        height, width = picture.shape[:2]
        chances = self._chances(picture)
        scale = np.tile([width / chances.shape[1], height / chances.shape[0]], 2)
        lines = [line for outline in outlines(chances) if (line := judged(chances, outline)) is not None]
        if not lines:
            return NOTHING
        rows = np.array(lines)
        return np.column_stack([rows[:, :4] * scale, rows[:, 4]])

    def _chances(self, picture: Picture) -> NDArray[np.float32]:
        height, width = (max(MULTIPLE, round(side / MULTIPLE) * MULTIPLE) for side in picture.shape[:2])
        # Trained on pictures whose first colour is blue, with the statistics of red all the same.
        swapped = cv2.resize(picture, (width, height))[:, :, ::-1].astype(np.float32) / 255
        normal = (swapped - MEAN) / DEVIATION
        self._network.setInput(np.ascontiguousarray(normal.transpose(2, 0, 1)[None]))
        chances: NDArray[np.float32] = self._network.forward()[0, 0]
        return chances


def outlines(chances: NDArray[np.float32]) -> list[NDArray[np.int32]]:
    """The outlines of regions that may be text."""
    found, _ = cv2.findContours((chances > POINT).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    return list(found)


def judged(chances: NDArray[np.float32], outline: NDArray[np.int32]) -> tuple[float, ...] | None:
    """A line's box, grown to the height of its letters, and its mean chance; None for what is too small or unsure."""
    left, top, width, height = cv2.boundingRect(outline)
    if min(width, height) < SMALLEST:
        return None
    mask = np.zeros((height, width), np.uint8)
    cv2.drawContours(mask, [outline - (left, top)], -1, 1, cv2.FILLED)
    chance = float(chances[top : top + height, left : left + width][mask > 0].mean())
    if chance < LINE:
        return None
    more = SHRUNK * width * height / (2 * (width + height))
    bottom, right = chances.shape
    return (
        max(left - more, 0),
        max(top - more, 0),
        min(left + width + more, right),
        min(top + height + more, bottom),
        chance,
    )

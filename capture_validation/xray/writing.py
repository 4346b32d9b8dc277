"""Readable text: where letters are in a picture - number plates, letters, badges, screens - and never what they say.

PP-OCRv6 (small), the detection half of PaddleOCR, an ONNX file of the wheel `rapidocr`; the half that reads is not
loaded. The network gives each point its chance to belong to the middle of a line of text (Liao, Wan, Yao, Chen, Bai:
"Real-time Scene Text Detection with Differentiable Binarization", AAAI 2020); a line is a region of such points, grown
back to its full height.

To such a network a toy on a table looks like a letter on paper. So what is as large as a third of the picture and
hardly longer than high has to be written, too: in one tone on another, with a pen that is thin beside the letter. And
what is longer, and whose middle is as high as a quarter of the picture, is a thing that fills it: a bicycle, a cow.

Known false alarms: railings, brickwork and keyboards without letters. Missed: letters under some 8 pixels in a picture
of 960, handwriting on a dark ground, and a single bold letter that fills the picture.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from capture_validation.xray.faces import NOTHING, Picture, Squares, network

Gray = NDArray[np.uint8]
Floats = NDArray[np.float64]

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
#: The middle of a line is at most this share of the picture's shorter side high, its letters less than twice that; a
#: single letter may be higher. Anything from .15 to .3 does the same to 560 pictures.
HIGHEST = 0.25
#: Both sides of a large thing are at least this share of the picture's shorter side, and the longer one is less than
#: this many times the other.
LARGE, LONG = 1 / 3, 1.6
#: Writing has at least this share of its variance between two tones, and strokes of at most this share of its shorter
#: side. Of 409 pictures of things (tuxpaint's stamps) 62 fewer pass for text than without, and half of the bold single
#: letters among them do no more.
TWO_TONES, STROKE = 0.68, 0.25


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
        rows: Squares = np.array(lines) * np.append(scale, 1.0)
        return rows[[not is_large(row, picture) or written(cut(row, picture)) for row in rows]]

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
    """A line's box, grown to the height of its letters, and its mean chance; None for what is no line or unsure."""
    left, top, width, height = cv2.boundingRect(outline)
    high, wide = sorted(cv2.minAreaRect(outline)[1])
    if min(width, height) < SMALLEST or (high > HIGHEST * min(chances.shape) and wide >= LONG * high):
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


def is_large(line: Floats, picture: Picture) -> bool:
    """Whether a box (left, top, right, bottom) holds one large thing rather than a line of letters."""
    short, long = sorted((line[2] - line[0], line[3] - line[1]))
    return bool(short >= LARGE * min(picture.shape[:2]) and long < LONG * short)


def cut(line: Floats, picture: Picture) -> Gray:
    """What a box holds, in brightness."""
    left, top, right, bottom = line[:4].astype(int)
    return np.asarray(cv2.cvtColor(picture[top:bottom, left:right], cv2.COLOR_RGB2GRAY), np.uint8)


def written(part: Gray) -> bool:
    """Whether a part of a picture, uint8 (height, width), shows strokes of one tone on a ground of another.

    The tones are those that part it best (Otsu, IEEE Transactions on Systems, Man, and Cybernetics 9, 1979, equation
    14); the rarer one is the ink.
    """
    _, light = cv2.threshold(part, 0, 1, cv2.THRESH_OTSU)
    share, bright = float(light.mean()), light > 0
    if not 0 < share < 1:
        return False
    apart = float(part[bright].mean()) - float(part[~bright].mean())
    ink = light if share <= 0.5 else 1 - light
    within = cv2.distanceTransform(ink, cv2.DIST_L2, 3)
    # Nearly the widest stroke: the very widest is where two cross.
    stroke = 2 * float(np.percentile(within[within > 0], 98)) / min(part.shape)
    return share * (1 - share) * apart**2 >= TWO_TONES * float(part.var()) and stroke <= STROKE

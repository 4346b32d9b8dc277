"""Readable text: where letters are in a picture - number plates, letters, badges, screens - and never what they say.

PP-OCRv6 (small), the detection half of PaddleOCR, an ONNX file of the wheel `rapidocr`. The network gives each point
its chance to belong to the middle of a line of text (Liao, Wan, Yao, Chen, Bai: "Real-time Scene Text Detection with
Differentiable Binarization", AAAI 2020); a line is a region of such points, grown back to its full height.

To such a network a toy on a table looks like a letter on paper. This tells them apart:

- A line fills a rectangle, level or slanted, with points that are sure. What does so less well has to be read
  (`reading`), and what hardly does is none: eyes of dogs, kites, baskets.
- A line differs from its ground, by however little.
- What holds most of the picture and reaches three of its sides is its frame.
- What is higher than a fifth of the picture has to be drawn or read better than letters of usual size.
- What is as large as a third of the picture and hardly longer than high has to be written: in one tone on another, with
  a pen that is thin beside the letter; and where it cannot be read, with little ink.
- What is longer, and whose middle is as high as a quarter of the picture, is a thing that fills it: a bicycle, a cow.

Known false alarms: railings, knitting and keyboards without letters. Missed: letters under some 8 pixels in a picture
of 960, handwriting on a dark ground, a single bold letter that fills the picture, and what is blurred so much that it
can hardly be read.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from capture_validation.xray.faces import NOTHING, Picture, Squares
from capture_validation.xray.reading import Reader, Slanted

Gray = NDArray[np.uint8]
Floats = NDArray[np.float64]

#: Chance of a point to be text, and mean chance of a whole line.
POINT, LINE = 0.3, 0.6
#: Mean chance over the smallest rectangle around a line that may be one, that is believed unread, and how sure the
#: reader must be of any other (docs/models.md has the curves).
POSSIBLE, SURE, READ = 0.5, 0.7, 0.5
#: A line is tall from this share of the picture's shorter side on. There, forks and scissors are as sure as letters.
TALL, TALL_SURE, TALL_READ = 0.2, 0.84, 0.9
#: Levels of 255 between the lightest and the darkest point of a line, in the colour that shows it best. Of 525 lines in
#: pictures of strangers the faintest has 31, the specks that the network sees in nothing have none.
FAINTEST = 8
#: Lines that are read in one picture; a page has more, and its others are believed.
MOST_READ = 12
#: The network sees lines shrunk by this share of their height (equation 10 of the paper, unclip ratio).
SHRUNK = 1.6
#: Means and deviations of the pictures it was trained on, red, green, blue (ImageNet).
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
#: The network halves a picture five times.
MULTIPLE = 32
#: Points: the sides of a line, and the shorter side of one that is slanted.
SMALLEST, THINNEST = 3, 2
#: A box as near to a side as this reaches it.
RIM = 2
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
#: The share of a large letter's box that a pen inks at most.
PEN = 0.12


class Line(NamedTuple):
    """A line: left, top, right, bottom and its mean chance; how it lies; the mean chance of the rectangle around it."""

    box: Floats
    lying: Slanted
    filled: float


class TextFinder:
    """The networks, loaded from their ONNX files."""

    name = "PP-OCRv6-det-small"

    def __init__(self, finding: Any, reader: Reader, *, doubting: bool = True) -> None:
        """Find with one network and read with another."""
        self._finding, self._reader, self._doubting = finding, reader, doubting

    def believing(self) -> TextFinder:
        """A finder for whoever hides lines, as one too many does less harm than one too few: it doubts only tall ones.

        Those would hide the half of a picture, and what is that large and text is read easily.
        """
        return TextFinder(self._finding, self._reader, doubting=False)

    def wake(self) -> None:
        """Run the network that reads once: a picture without lines never reaches it."""
        self._reader.certainty(np.zeros((48, 48, 3), np.uint8), ((24, 24), (48, 24), 0))

    def find(self, picture: Picture) -> Squares:
        """Lines of text in a picture, uint8 (height, width, 3) red, green, blue: float64 (n, 5) as of faces."""
        chances = self._chances(picture)
        possible = [line for outline in outlines(chances) if (line := judged(chances, outline)) is not None]
        lines = [scaled(line, chances, picture) for line in possible]
        seen = [line for line in lines if is_seen(line.box, picture)]
        drawn = [line for line in seen if not is_large(line.box, picture) or written(cut(line.box, picture))]
        told = self._told(drawn, picture)
        return np.array([line.box for line in told]) if told else NOTHING

    def _chances(self, picture: Picture) -> NDArray[np.float32]:
        height, width = (max(MULTIPLE, round(side / MULTIPLE) * MULTIPLE) for side in picture.shape[:2])
        # Trained on pictures whose first colour is blue, with the statistics of red all the same.
        swapped = cv2.resize(picture, (width, height))[:, :, ::-1].astype(np.float32) / 255
        normal = (swapped - MEAN) / DEVIATION
        self._finding.setInput(np.ascontiguousarray(normal.transpose(2, 0, 1)[None]))
        chances: NDArray[np.float32] = self._finding.forward()[0, 0]
        return chances

    def _told(self, lines: list[Line], picture: Picture) -> list[Line]:
        """Those that are sure, and those of the others that can be read."""
        told: list[Line] = []
        doubted: list[Line] = []
        for line in lines:
            (doubted if self._doubts(line, picture) else told).append(line)
        possible = sorted((line for line in doubted if line.filled >= POSSIBLE), key=lambda line: -line.filled)
        for line in possible[:MOST_READ]:
            enough = TALL_READ if is_tall(line, picture) else READ
            told += [line] * (self._reader.certainty(picture, line.lying) >= enough)
        return told + possible[MOST_READ:]

    def _doubts(self, line: Line, picture: Picture) -> bool:
        return not is_sure(line, picture) and (self._doubting or is_tall(line, picture))


def outlines(chances: NDArray[np.float32]) -> list[NDArray[np.int32]]:
    """The outlines of regions that may be text."""
    found, _ = cv2.findContours((chances > POINT).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    return list(found)


def judged(chances: NDArray[np.float32], outline: NDArray[np.int32]) -> Line | None:
    """A line in the points of the network, grown to the height of its letters; None for what is no line or unsure."""
    left, top, width, height = cv2.boundingRect(outline)
    lying = cv2.minAreaRect(outline)
    high, wide = sorted(lying[1])
    fills = high > HIGHEST * min(chances.shape) and wide >= LONG * high
    if fills or min(width, height) < SMALLEST or high < THINNEST:
        return None
    chance = mean_within(chances, outline)
    more = SHRUNK * width * height / (2 * (width + height))
    bottom, right = chances.shape
    box = np.array([left - more, top - more, left + width + more, top + height + more, chance])
    box[:4] = np.clip(box[:4], 0, (right, bottom, right, bottom))
    if chance < LINE or is_frame(box, chances):
        return None
    corners = np.clip(np.round(cv2.boxPoints(lying)), 0, (right - 1, bottom - 1)).astype(np.int32)
    return Line(box, grown(lying), mean_within(chances, corners))


def mean_within(chances: NDArray[np.float32], corners: NDArray[np.int32]) -> float:
    """The mean chance of the points within an outline, its own among them."""
    left, top, width, height = cv2.boundingRect(corners)
    mask = np.zeros((height, width), np.uint8)
    cv2.drawContours(mask, [corners.reshape(-1, 1, 2) - (left, top)], -1, 1, cv2.FILLED)
    return float(chances[top : top + height, left : left + width][mask > 0].mean())


def grown(lying: Slanted) -> Slanted:
    """A slanted rectangle that the network shrank, in the height of its letters."""
    middle, (width, height), degrees = lying
    more = SHRUNK * width * height / (width + height)
    return middle, (width + more, height + more), degrees


def is_frame(box: Floats, chances: NDArray[np.float32]) -> bool:
    """Whether a box holds most of the picture and reaches three of its sides; a caption does so, and is low."""
    height, width = chances.shape
    left, top, right, bottom = box[:4]
    reached = int(left <= RIM) + int(top <= RIM) + int(right >= width - RIM) + int(bottom >= height - RIM)
    return bool(reached >= 3 and right - left >= width / 2 and bottom - top >= height / 2)


def scaled(line: Line, chances: NDArray[np.float32], picture: Picture) -> Line:
    """A line in the pixels of the picture, which differ from the network's points by its multiple."""
    height, width = picture.shape[:2]
    across, down = width / chances.shape[1], height / chances.shape[0]
    middle, (wide, high), degrees = line.lying
    mean = (across + down) / 2
    lying = (middle[0] * across, middle[1] * down), (wide * mean, high * mean), degrees
    return Line(line.box * (across, down, across, down, 1.0), lying, line.filled)


def is_sure(line: Line, picture: Picture) -> bool:
    """Whether a line is drawn so well that nobody needs to read it."""
    if not is_tall(line, picture):
        return line.filled >= SURE
    by_pen = is_large(line.box, picture) and written(cut(line.box, picture), PEN)
    return line.filled >= (SURE if by_pen else TALL_SURE)


def is_tall(line: Line, picture: Picture) -> bool:
    """Whether a line is higher than lines of usual size."""
    return bool(min(line.lying[1]) >= TALL * min(picture.shape[:2]))


def is_seen(line: Floats, picture: Picture) -> bool:
    """Whether anything is in a box at all: in white walls and on smooth skin the network sees specks of one colour."""
    left, top, right, bottom = line[:4].round().astype(int)
    part = picture[top : max(bottom, top + 1), left : max(right, left + 1)]
    return bool(part.size and np.ptp(part, axis=(0, 1)).max() >= FAINTEST)


def is_large(line: Floats, picture: Picture) -> bool:
    """Whether a box (left, top, right, bottom) holds one large thing rather than a line of letters."""
    short, long = sorted((line[2] - line[0], line[3] - line[1]))
    return bool(short >= LARGE * min(picture.shape[:2]) and long < LONG * short)


def cut(line: Floats, picture: Picture) -> Gray:
    """What a box holds, in brightness."""
    left, top, right, bottom = line[:4].astype(int)
    return np.asarray(cv2.cvtColor(picture[top:bottom, left:right], cv2.COLOR_RGB2GRAY), np.uint8)


def written(part: Gray, ink_at_most: float = 0.5) -> bool:
    """Whether a part of a picture, uint8 (height, width), shows strokes of one tone on a ground of another.

    The tones are those that part it best (Otsu, IEEE Transactions on Systems, Man, and Cybernetics 9, 1979, equation
    14); the rarer one is the ink, which covers a share of at most `ink_at_most`.
    """
    _, light = cv2.threshold(part, 0, 1, cv2.THRESH_OTSU)
    share, bright = float(light.mean()), light > 0
    if not 0 < min(share, 1 - share) <= ink_at_most:
        return False
    apart = float(part[bright].mean()) - float(part[~bright].mean())
    ink = light if share <= 0.5 else 1 - light
    within = cv2.distanceTransform(ink, cv2.DIST_L2, 3)
    # Nearly the widest stroke: the very widest is where two cross.
    stroke = 2 * float(np.percentile(within[within > 0], 98)) / min(part.shape)
    return share * (1 - share) * apart**2 >= TWO_TONES * float(part.var()) and stroke <= STROKE

"""Bars: borders that carry no picture: black, of one colour, or filled with a blurred copy of it."""

import numpy as np
from numpy.typing import NDArray

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Gray, Pixels

BLACK_LEVEL = 26
#: The picture inside must get clearly brighter than black somewhere, or a night scene would be all border.
LIT = 60
#: A bar on one side alone: so black, all but this share of it, and lit along this share of the line beside it.
PITCH_BLACK, SPECKS, EDGE_LIT = 6, 0.01, 0.5
#: Lines beside an edge that scaling and compression may mix.
MIXED = 2
#: Looks of which one is taken for filled bars, and lines of which one is read.
LOOKS, LINES = 4, 8
#: A filled bar ends in a step of so many levels along this share of the edge; within, hardly a line has such steps.
STEP, EDGE_STEPS, WITHIN = 8, 0.4, 0.05
#: How much brightness bends from pixel to pixel within a filled bar at most, in levels and beside the picture.
BENT, BENT_SHARE = 1.2, 0.4
#: The narrowest and the widest filled bar, as shares of the side.
NARROWEST, WIDEST = 0.04, 0.47


class VideoBars(VideoCheck):
    """Share of the picture covered by bars: black ones that never light up, and such that an app filled.

    Bars come from editing, from filming a screen, or from a portrait take squeezed into landscape: pixels that buyers
    pay for and do not get. A row or column is a bar when it stays black through the whole recording. On one side alone
    it has to be as black as nothing filmed is, up to a straight edge, or the dark half of a scene would be one.

    Apps fill them with a colour, or with the picture itself, enlarged and blurred. Such bars are as wide on both sides,
    have no detail, and end in a straight step from edge to edge, always at the same place.

    Result: 0 … 100 % of the area.
    """

    name = "video.bars"
    version = 3
    title = "Bars"
    unit = "%"
    profiles = {"video": at_most(2.0)}
    sentences = {
        "too-high": "Black bars cover {value} % of the picture; at most {maximum} % may be covered.",
        "filled": "Bars of a colour or a blurred copy cover {value} % of the picture; at most {maximum} % may be so.",
    }
    fix = "Send the original from the camera, without an editing app; hold the phone the way the campaign asks."
    false_alarms = (
        "A dark frame around the whole scene, such as a window at night; a side pitch black up to a straight edge; "
        "a doorway in the middle between two bare walls, from a tripod."
    )
    source = "As FFmpeg's cropdetect, on the brightest value each pixel ever has; second differences of brightness."
    uncertainty = 0.5

    def start(self, track: VideoTrack) -> None:
        self.brightest: Gray | None = None
        self.looks = 0
        self.sides: tuple[Steps, Steps] | None = None

    def feed(self, pixels: Pixels) -> None:
        if self.looks % LOOKS == 0:
            self._read(pixels.luma)
        self.looks += 1
        if self.brightest is None or self.brightest.shape != pixels.luma.shape:
            self.brightest = pixels.luma.copy()
        else:
            np.maximum(self.brightest, pixels.luma, out=self.brightest)

    def _read(self, luma: Gray) -> None:
        """Add a picture to what is known of its columns and rows; after another size everything begins anew."""
        if self.sides is None or (self.sides[1].length, self.sides[0].length) != luma.shape:
            height, width = luma.shape
            self.sides = Steps(width), Steps(height)
        for side, lines in zip(self.sides, (luma[::LINES], luma[:, ::LINES].T), strict=True):
            side.add(lines)

    def measure(self) -> Measurement:
        if self.brightest is None or np.percentile(self.brightest, 90) < LIT:
            return Measurement(None)
        height, width = self.brightest.shape
        rows = height - _borders(self.brightest)
        columns = width - _borders(self.brightest.T)
        black = 1 - rows * columns / (height * width)
        across, down = (1 - 2 * side.filled() / side.length for side in self.sides or ())
        filled = 1 - across * down
        return Measurement(100 * filled, code="filled") if filled > black + NARROWEST else Measurement(100 * black)


class Steps:
    """How brightness goes along one side of the picture, `length` pixels long, over all lines that were read."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.read = 0
        self.steep = np.zeros(max(length - 1, 0))
        self.bent = np.zeros(max(length - 2, 0))

    def add(self, lines: Gray) -> None:
        """Read lines of one picture, uint8 (n, `length`)."""
        self.read += len(lines)
        change = np.diff(lines.astype(np.int16), axis=1)
        self.steep += (abs(change) >= STEP).sum(axis=0)
        self.bent += abs(np.diff(change, axis=1)).sum(axis=0)

    def filled(self) -> int:
        """Pixels that a bar takes on either end; 0 where there is none."""
        widths = range(max(round(NARROWEST * self.length), 2 * MIXED + 1), int(WIDEST * self.length))
        edges = [(self._edge(width), width) for width in widths]
        steps, width = max(edges, default=(0.0, 0))
        return width if steps >= EDGE_STEPS and self._is_empty(width) else 0

    def _edge(self, width: int) -> float:
        """The share of lines that have a step where a bar of that width would end, on the weaker side."""
        near = slice(width - MIXED, width + 1)
        return float(min(self.steep[near].max(), self.steep[::-1][near].max()) / self.read)

    def _is_empty(self, width: int) -> bool:
        """Whether next to nothing is in the bars beside the picture between them."""
        end = width - 2 * MIXED
        steep = np.concatenate([self.steep[1:end], self.steep[::-1][1:end]]) / self.read
        bent = np.concatenate([self.bent[1:end], self.bent[::-1][1:end]]) / self.read
        picture = self.bent[width + MIXED : len(self.bent) - width - MIXED] / self.read
        if not bent.size or not picture.size:
            return False
        quiet = bent.mean() <= min(BENT, BENT_SHARE * picture.mean())
        return bool(quiet and np.percentile(steep, 95) <= WITHIN)


def _borders(brightest: NDArray[np.uint8]) -> int:
    """Rows, at the top and at the bottom, in which 98 of 100 pixels never leave black.

    Bars come in equal pairs, and the dark half of a scene comes alone. So what only one side has is counted where it
    looks drawn.
    """
    lit = np.flatnonzero((brightest > BLACK_LEVEL).mean(axis=1) > 0.02)
    if not lit.size:
        return 0
    above, below = int(lit[0]), len(brightest) - 1 - int(lit[-1])
    if above > below + MIXED and _drawn(brightest, above):
        return above + below
    if below > above + MIXED and _drawn(brightest[::-1], below):
        return above + below
    return 2 * min(above, below)


def _drawn(brightest: NDArray[np.uint8], rows: int) -> bool:
    """Whether the first rows are blacker than what a camera sees in the dark, and end in one line."""
    inside, beyond = brightest[: rows - MIXED], brightest[min(rows + MIXED, len(brightest)) - 1]
    black = inside.size > 0 and float((inside > PITCH_BLACK).mean()) < SPECKS
    return black and float((beyond > BLACK_LEVEL).mean()) > EDGE_LIT

"""Bars: black borders that carry no picture."""

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


class VideoBars(VideoCheck):
    """Share of the picture covered by black bars that never light up, above, below, left and right.

    Bars come from editing, from filming a screen, or from a portrait take squeezed into landscape: pixels that buyers
    pay for and do not get. A row or column is a bar when it stays black through the whole recording. On one side alone
    it has to be as black as nothing filmed is, up to a straight edge, or the dark half of a scene would be one.

    Result: 0 … 100 % of the area.
    """

    name = "video.bars"
    version = 2
    title = "Black bars"
    unit = "%"
    profiles = {"video": at_most(2.0)}
    sentences = {"too-high": "Black bars cover {value} % of the picture; at most {maximum} % may be covered."}
    fix = "Send the original from the camera, without an editing app; hold the phone the way the campaign asks."
    false_alarms = (
        "A dark frame around the whole scene, such as a window at night; a side pitch black up to a straight edge."
    )
    source = "As FFmpeg's cropdetect, on the brightest value each pixel ever has."
    uncertainty = 0.5

    def start(self, track: VideoTrack) -> None:
        self.brightest: Gray | None = None

    def feed(self, pixels: Pixels) -> None:
        if self.brightest is None or self.brightest.shape != pixels.luma.shape:
            self.brightest = pixels.luma.copy()
        else:
            np.maximum(self.brightest, pixels.luma, out=self.brightest)

    def measure(self) -> Measurement:
        if self.brightest is None or np.percentile(self.brightest, 90) < LIT:
            return Measurement(None)
        height, width = self.brightest.shape
        rows = height - _borders(self.brightest)
        columns = width - _borders(self.brightest.T)
        return Measurement(100 * (1 - rows * columns / (height * width)))


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

"""Bars: black borders that carry no picture."""

import numpy as np
from numpy.typing import NDArray

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Gray, Pixels

BLACK_LEVEL = 26
#: The picture inside must get clearly brighter than black somewhere, or a night scene would be all border.
LIT = 60


class VideoBars(VideoCheck):
    """Share of the picture covered by black bars that never light up, above, below, left and right.

    Bars come from editing, from filming a screen, or from a portrait take squeezed into landscape: pixels that buyers
    pay for and do not get. A row or column is a bar when it stays black through the whole recording.

    Result: 0 … 100 % of the area.
    """

    name = "video.bars"
    title = "Black bars"
    unit = "%"
    profiles = {"video": at_most(2.0)}
    sentences = {"too-high": "Black bars cover {value} % of the picture; at most {maximum} % may be covered."}
    fix = "Send the original from the camera, without an editing app; hold the phone the way the campaign asks."
    false_alarms = (
        "A dark frame around the whole scene, such as a window at night. A bar on one side alone is not found."
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
        rows = height - 2 * _border(self.brightest)
        columns = width - 2 * _border(self.brightest.T)
        return Measurement(100 * (1 - rows * columns / (height * width)))


def _border(brightest: NDArray[np.uint8]) -> int:
    """Rows, at the top and at the bottom alike, in which 98 of 100 pixels never leave black.

    Bars come in equal pairs; a dark half of the scene comes alone, so only what both sides share is counted.
    """
    lit = np.flatnonzero((brightest > BLACK_LEVEL).mean(axis=1) > 0.02)
    return min(int(lit[0]), len(brightest) - 1 - int(lit[-1])) if lit.size else 0

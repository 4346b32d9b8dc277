"""Frequencies: how much of each fineness and direction is in the middle of a picture.

What scaling invents or a screen adds is seen here: a picture that was blown up ends early, the grid of a display stands
out as a peak. Two checks read the same spectrum, which is why it is a view that they share (`Pixels.frequencies`).
"""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
Powers = NDArray[np.float32]

#: Side of the square that is read at most and at least, in pixels of the recording, and what it is a multiple of: a
#: side with a large prime factor would cost many times as much.
LARGEST, LEAST, MULTIPLE = 512, 64, 32


def frequencies(luma: Gray) -> Powers | None:
    """Power of each frequency of the middle square of a picture, or None for one of under 64 pixels.

    float32 (side, side / 2 − 1), 0 and more. Rows go from −.5 upwards and columns from 1/side to below .5 periods per
    pixel: what does not change across, or only from pixel to pixel, is left out, and no check reads it. The mean is
    taken away, and a Hann window, squared, hides the skirts of a fence's peak, which would stand out far off the axes.
    """
    side = min(LARGEST, min(luma.shape) // MULTIPLE * MULTIPLE)
    if side < LEAST:
        return None
    top, left = (luma.shape[0] - side) // 2, (luma.shape[1] - side) // 2
    square = luma[top : top + side, left : left + side].astype(np.float32)
    # OpenCV packs the half that a real picture has: pairs of real and imaginary part, between two columns of another
    # kind, which are those left out.
    packed = cv2.dft((square - cv2.mean(square)[0]) * _window(side))[:, 1:-1]
    squares = np.square(packed)
    powers = np.empty((side, side // 2 - 1), np.float32)
    np.add(squares[: side // 2, ::2], squares[: side // 2, 1::2], out=powers[side // 2 :])
    np.add(squares[side // 2 :, ::2], squares[side // 2 :, 1::2], out=powers[: side // 2])
    return powers


@lru_cache(maxsize=8)
def grid(side: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequency down (side, 1) and across (1, side / 2 − 1) of each place of such a spectrum, periods per pixel."""
    return np.arange(-side // 2, side // 2)[:, None] / side, np.arange(1, side // 2)[None] / side


@lru_cache(maxsize=8)
def _window(side: int) -> NDArray[np.float32]:
    squared: NDArray[np.float32] = cv2.createHanningWindow((side, side), cv2.CV_32F) ** 2
    return squared

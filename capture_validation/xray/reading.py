"""Whether a line can be read: how sure a network is that letters are there, and never which.

PP-OCRv6 (small), the half of PaddleOCR that reads, an ONNX file of the wheel `rapidocr`. Step by step along a line it
gives each sign its chance, and one more for "no sign" (Graves, Fernández, Gomez, Schmidhuber: "Connectionist Temporal
Classification", ICML 2006). Only the largest chance of a step is looked at, and whether it is that of a sign. The list
that tells which sign is meant is not loaded: what a line says is known to nobody.

It learned Chinese, Japanese and Latin letters. It is sure of Greek and Armenian too, often of Devanagari and Hebrew,
and seldom of Cyrillic and Arabic, so whoever asks it has to believe well drawn lines unread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from capture_validation.xray.faces import Picture, network

#: Middle, width and height in pixels, and degrees clockwise, as `cv2.minAreaRect` tells them.
Slanted = tuple[Sequence[float], Sequence[float], float]

#: Pixels: the height of a line as the network reads it, how wide it may become, and the multiple its width is of.
HEIGHT, WIDEST, MULTIPLE = 48, 480, 32
#: A single sign is in every picture: a spoke is an l, an eye an o.
FEWEST = 2


class Reader:
    """The network, loaded from its ONNX file."""

    def __init__(self, weights: bytes) -> None:
        """Load the network. Raises cv2.error for bytes that are none."""
        self._network: Any = network(weights)

    def certainty(self, picture: Picture, line: Slanted) -> float:
        """How sure it is of the signs of a line in a picture, uint8 (height, width, 3) red, green, blue: 0…1."""
        bent = upright(picture, line)[:, :, ::-1].astype(np.float32) / 127.5 - 1
        self._network.setInput(np.ascontiguousarray(bent.transpose(2, 0, 1)[None]))
        return certainty(self._network.forward()[0])


def certainty(steps: NDArray[np.float32]) -> float:
    """Mean chance of the signs in steps (n, signs), whose first sign is none: 0…1, and 0 for fewer than `FEWEST`.

    A sign that lasts for several steps is one.
    """
    signs, chances = steps.argmax(axis=1), steps.max(axis=1)
    begins = (signs > 0) & np.append(True, signs[1:] != signs[:-1])
    return float(chances[begins].mean()) if begins.sum() >= FEWEST else 0.0


def upright(picture: Picture, line: Slanted) -> Picture:
    """A line as if it had been written level, uint8 (`HEIGHT`, up to `WIDEST`, 3)."""
    middle, (width, height), degrees = line
    if width < height:
        width, height, degrees = height, width, degrees + 90
    # Of both ways along the line the one that does not stand on its head.
    turn = np.deg2rad((degrees + 90) % 180 - 90)
    along, down = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    corner = np.array(middle) - along * width / 2 - down * height / 2
    size = max(round(width), 1), max(round(height), 1)
    corners = np.array([corner, corner + along * width, corner + down * height], np.float32)
    level = cv2.getAffineTransform(corners, np.array([[0, 0], [size[0], 0], [0, size[1]]], np.float32))
    cut = cv2.warpAffine(picture, level, size, borderMode=cv2.BORDER_REPLICATE)
    wide = min(max(round(HEIGHT * width / max(height, 1) / MULTIPLE), 1) * MULTIPLE, WIDEST)
    smaller = cv2.INTER_AREA if size[1] > HEIGHT else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(cut, (wide, HEIGHT), interpolation=smaller), np.uint8)

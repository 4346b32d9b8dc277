"""Making places of a picture unrecognisable, in brightness and colour alike.

A blur that could be computed backwards hides nothing: a place is averaged down to a few cells, so that what is left of
a face is 48 numbers. A box is one colour.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from capture_validation.clean.cover import Place

Plane = NDArray[np.uint8]
#: Cells along the shorter side of a blurred place.
CELLS = 4


def hide(planes: tuple[Plane, Plane, Plane], places: Iterable[Place], how: Literal["blur", "box"]) -> None:
    """Change places (shares of the picture) in the planes of a picture, brightness and two colours of half the size."""
    for place in places:
        for plane in planes:
            height, width = plane.shape
            left, top = int(place[0] * width), int(place[1] * height)
            right, bottom = int(np.ceil(place[2] * width)), int(np.ceil(place[3] * height))
            part = plane[top:bottom, left:right]
            if part.size:
                part[:] = flat(part) if how == "box" else blurred(part)


def blurred(part: Plane) -> Plane:
    """A part of a plane as a few cells that run into each other."""
    height, width = part.shape
    cell = max(min(height, width) / CELLS, 1.0)
    few = max(1, round(width / cell)), max(1, round(height / cell))
    cells = cv2.resize(part, few, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(cells, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def flat(part: Plane) -> Plane:
    """A part of a plane in its mean."""
    return np.full_like(part, round(float(part.mean())))

"""Making places of a picture unrecognisable, in brightness and colour alike.

A blur that could be computed backwards hides nothing: a place is averaged down to a few cells, so that what is left of
a face is 48 numbers. A box is one colour. A filled place has the colours of its rim and nothing of itself: it has no
edges, which a network that looks for letters would take for some.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from capture_validation.clean.cover import Place

Plane = NDArray[np.uint8]
How = Literal["blur", "box", "fill"]
#: Cells along the shorter side of a blurred place.
CELLS = 4


def hide(planes: tuple[Plane, Plane, Plane], places: Iterable[Place], how: How) -> None:
    """Change places (shares of the picture) in the planes of a picture, brightness and two colours of half the size."""
    for place in places:
        for plane in planes:
            height, width = plane.shape
            left, top = int(place[0] * width), int(place[1] * height)
            right, bottom = int(np.ceil(place[2] * width)), int(np.ceil(place[3] * height))
            part = plane[top:bottom, left:right]
            if part.size and how == "fill":
                part[:] = filled(plane, slice(top, bottom), slice(left, right))
            elif part.size:
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


def filled(plane: Plane, rows: slice, columns: slice) -> Plane:
    """A part of a plane as its rim leads one to expect: each point by how near each of the four sides is to it."""
    part = plane[rows, columns]
    height, width = part.shape
    total, weight = np.zeros(part.shape), np.zeros(part.shape)
    down, right = np.arange(height)[:, None] + 1.0, np.arange(width)[None] + 1.0
    for line, away in (
        (plane[max(rows.start - 1, 0) : rows.start, columns], down),
        (plane[rows.stop : rows.stop + 1, columns], height + 1 - down),
        (plane[rows, max(columns.start - 1, 0) : columns.start], right),
        (plane[rows, columns.stop : columns.stop + 1], width + 1 - right),
    ):
        if line.size:
            total += blurred(line) / away
            weight = weight + 1 / away
    return np.asarray(np.round(total / weight), np.uint8) if weight.all() else flat(part)

"""Heads that lie on a side: somebody in bed, or a phone that did not notice how it was held.

The networks learned faces that stand upright and find a third of those that lie. So every look is taken twice more, at
the picture turned to either side and half as large: a head that lies is seldom far away, and the two cost less than the
look itself. What an upright look found already is not told again.

Few heads lie: most of what turned looks doubt is a hand, an ear or a wheel. So more is asked of it.
"""

from __future__ import annotations

import cv2
import numpy as np

from capture_validation.xray.faces import BELIEVED, HOLDS_LYING, Doubter, Picture, Squares, best

#: The size of a turned picture. Lying faces of 40 pixels are found where upright ones of 20 are.
SMALLER = 0.5
#: Quarter turns, counter-clockwise.
TURNS = (1, 3)
#: Of two boxes that share more than this part of the smaller one, one is told.
SAME = 0.3


class AlsoTurned:
    """A face finder that looks at the turned picture as well."""

    def __init__(self, upright: Doubter, lying_from: float = HOLDS_LYING) -> None:
        """`lying_from` is what is asked of a lying face in doubt, 0…1."""
        self.name = upright.name
        self.upright, self.turned = upright, upright.holding(lying_from)

    def believing(self) -> AlsoTurned:
        """A finder for whoever hides faces, who rather hides a dog than shows somebody."""
        return AlsoTurned(self.upright.holding(BELIEVED), BELIEVED)

    def find(self, picture: Picture) -> Squares:
        """Faces in a picture, uint8 (height, width, 3) red, green, blue, whichever way they lie: float64 (n, 5)."""
        found = self.upright.find(picture)
        lying = [self._lying(picture, turns) for turns in TURNS]
        together = np.concatenate([found, *lying])
        # Whatever its confidence, an upright box fits its face better.
        ranked = together.copy()
        ranked[: len(found), 4] += 1
        return together[best(ranked, SAME, of_smaller=True)]

    def wake(self) -> None:
        """Run what a picture without faces never reaches."""
        self.upright.wake()

    def _lying(self, picture: Picture, turns: int) -> Squares:
        height, width = picture.shape[:2]
        size = max(round(width * SMALLER), 1), max(round(height * SMALLER), 1)
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        found = turned_back(self.turned.find(np.ascontiguousarray(np.rot90(small, turns))), turns, size)
        return np.column_stack([found[:, :4] / SMALLER, found[:, 4]])


def turned_back(boxes: Squares, turns: int, size: tuple[int, int]) -> Squares:
    """Boxes of a picture that was turned once or three times, where they are in the picture of that size before."""
    left, top, right, bottom, certain = boxes.T
    width, height = size
    if turns == 1:
        return np.column_stack([width - bottom, left, width - top, right, certain])
    return np.column_stack([top, height - right, bottom, height - left, certain])

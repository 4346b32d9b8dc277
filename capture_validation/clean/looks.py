"""Looks for what is to be hidden: five a second, and more where that is not enough to follow what moves.

Whatever stays or moves slowly is covered between two looks by where it was seen (`cover`). What bursts in, or runs
through the picture, is somewhere else by then. So pictures between two looks are kept until the second, and where the
looks do not agree those in the middle are looked at as well. A cut, or a camera that is swung round, shows something
new at once, which may be gone again before the next look: there a look is taken at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from capture_validation.clean.cover import GROWTH
from capture_validation.xray.faces import Picture
from capture_validation.xray.findings import Box
from capture_validation.xray.looking import EARLY_S, Looker

#: Seconds between two looks where nothing calls for more.
LOOK_EVERY_S = 0.2
#: Pictures nearer to each other than this, in seconds, are not told apart by looks; and how often the time between two
#: looks is halved.
NEAREST_S, HALVINGS = 1 / 32, 2
#: Looks beyond those that are due: so many for each of these, and so many in advance. Whoever films while running gets
#: a copy late, but gets one.
MORE_EACH, MORE_AT_FIRST = 3, 30
#: How far a thing moves between two looks, in its own sizes, before they disagree about where it was between them.
STRAYED = 0.4
#: Levels of 255 by which a place changes when what was in it has moved, and by which a picture does in a cut.
MOVED, CHANGED = 12, 16
#: Points of the small picture that tells cuts, at its longer side.
SMALL = 32


class Looks:
    """What one looker sees in the pictures of a recording, which come in the order of the decoder."""

    def __init__(self, looker: Looker) -> None:
        self.found: list[Box] = []
        self._looker = looker
        self._between: list[tuple[float, Picture]] = []
        self._last: tuple[Picture, list[Box]] | None = None
        self._kept_s = -np.inf
        self._more = MORE_AT_FIRST
        self.long_side = looker.long_side

    def take(self, at_s: float, show: Callable[[], Picture]) -> None:
        """Look at a picture at a moment, or keep it in case that it matters; `show` gives it when it is needed."""
        due = self._looker.due(at_s)
        if not due and 0 <= at_s - self._kept_s < NEAREST_S - EARLY_S:
            return
        picture, self._kept_s = show(), at_s
        if due or self._last is None:
            self._more += MORE_EACH
            self._look(at_s, picture)
        elif self._more > 0 and changed(self._last[0], picture):
            self._more -= 1
            self._look(at_s, picture)
        else:
            self._between.append((at_s, picture))

    def finish(self) -> list[Box]:
        """All that was found, in the order of time; nothing comes after it."""
        if self._between:
            self._look(*self._between.pop())
        return sorted(self.found, key=lambda box: box.at_s)

    def _look(self, at_s: float, picture: Picture) -> None:
        found = self._looker.look(picture, at_s)
        self.found += found
        if self._last is not None:
            self._halve(self._last, self._between, (picture, found), HALVINGS)
        self._last, self._between = (picture, found), []

    def _halve(
        self,
        before: tuple[Picture, list[Box]],
        between: Sequence[tuple[float, Picture]],
        after: tuple[Picture, list[Box]],
        times: int,
    ) -> None:
        """Look at what is between two looks that do not agree."""
        if not between or not times or self._more <= 0 or agreed(before, after):
            return
        self._more -= 1
        half = len(between) // 2
        at_s, picture = between[half]
        middle = picture, self._looker.seen(picture, at_s)
        self.found += middle[1]
        self._halve(before, between[:half], middle, times - 1)
        self._halve(middle, between[half + 1 :], after, times - 1)


def agreed(one: tuple[Picture, list[Box]], other: tuple[Picture, list[Box]]) -> bool:
    """Whether two looks leave no doubt about where everything was between them."""
    pairs = ((box, other[1]) for box in one[1]), ((box, one[1]) for box in other[1])
    alone = [box for few in pairs for box, others in few if not any(near(box, another) for another in others)]
    # What was missed once, or found once, and did not move is covered around the moment at which it was found.
    return not any(moved(one[0], other[0], box) for box in alone)


def near(one: Box, other: Box) -> bool:
    """Whether two boxes are of one thing that hardly moved."""
    sizes = [max(box.right - box.left, box.bottom - box.top) for box in (one, other)]
    across, down = one.left + one.right - other.left - other.right, one.top + one.bottom - other.top - other.bottom
    return max(abs(across), abs(down)) / 2 <= STRAYED * max(sizes) and max(sizes) < GROWTH * max(min(sizes), 1e-6)


def moved(one: Picture, other: Picture, box: Box) -> bool:
    """Whether what a box holds differs between two pictures of one size; of two sizes it does."""
    if one.shape != other.shape:
        return True
    height, width = one.shape[:2]
    rows = slice(int(box.top * height), int(np.ceil(box.bottom * height)))
    columns = slice(int(box.left * width), int(np.ceil(box.right * width)))
    return bool(cv2.absdiff(one[rows, columns], other[rows, columns]).mean() > MOVED)


def changed(one: Picture, other: Picture) -> bool:
    """Whether a picture shows another scene than one before it."""
    if one.shape != other.shape:
        return True
    return bool(cv2.absdiff(small(one), small(other)).mean() > CHANGED)


def small(picture: Picture) -> NDArray[np.uint8]:
    """A picture so small that it tells what is shown and little of what moves in it."""
    share = SMALL / max(picture.shape[:2])
    size = max(round(picture.shape[1] * share), 1), max(round(picture.shape[0] * share), 1)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)

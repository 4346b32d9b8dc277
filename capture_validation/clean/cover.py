"""Where something is to be hidden at any moment, from looks at some moments.

Looks lie a fifth of a second apart, and less where something moves fast (`looks`). Between two of them a face is where
a straight line from one place to the next leads; before its first and after its last look it is taken to be near for a
while longer, because a detector loses a face that turns before a person does. Whoever is missed for less than a second
stays covered.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import groupby

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from capture_validation.xray.findings import Box

#: Left, top, right, bottom as shares of the picture.
Place = NDArray[np.float64]

#: Seconds for which a track lives on without being seen, and that are covered before and after it.
BRIDGE_S, AROUND_S = 1.0, 0.5
#: How far a place may move between two looks, in its own sizes for each fifth of a second, and how much it may grow.
LEAP, GROWTH, STEP_S = 1.0, 2.0, 0.2
#: A detector's box ends at the chin and the brows; hair and ears tell as much.
MARGIN = 0.3


class Track(Struct):
    """One thing over time: moments in seconds and places."""

    times: list[float] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)

    def follows(self, at_s: float, place: Place) -> float | None:
        """How far the place is from the last one, in sizes; None when it cannot be the same thing."""
        waited = at_s - self.times[-1]
        last = self.places[-1]
        size, now = float((last[2:] - last[:2]).max()), float((place[2:] - place[:2]).max())
        if waited > BRIDGE_S or not 1 / GROWTH < now / max(size, 1e-6) < GROWTH:
            return None
        far = float(np.abs(last[:2] + last[2:] - place[:2] - place[2:]).max()) / 2 / max(size, now)
        return far if far <= LEAP * max(1.0, waited / STEP_S) else None

    def at(self, at_s: float) -> Place | None:
        """Where it is at a moment; None when it is not there."""
        if not self.times[0] - AROUND_S <= at_s <= self.times[-1] + AROUND_S:
            return None
        after = bisect_right(self.times, at_s)
        if after in {0, len(self.times)}:
            return self.places[min(after, len(self.times) - 1)]
        before_s, after_s = self.times[after - 1], self.times[after]
        share = (at_s - before_s) / (after_s - before_s)
        return (1 - share) * self.places[after - 1] + share * self.places[after]


class Cover:
    """All places to be hidden at any moment."""

    def __init__(self, boxes: Iterable[Box], margin: float = MARGIN) -> None:
        """`boxes` come in the order of time; `margin` is added on each side, as a share of a place's size."""
        self.tracks: list[Track] = []
        self._margin = margin
        for at_s, found in groupby(boxes, key=lambda box: box.at_s):
            self._take(at_s, [np.array([box.left, box.top, box.right, box.bottom]) for box in found])

    def _take(self, at_s: float, places: list[Place]) -> None:
        """Continue the nearest tracks first; what continues none begins one."""
        pairs = [
            (far, track, number)
            for track in self.tracks
            for number, place in enumerate(places)
            if (far := track.follows(at_s, place)) is not None
        ]
        taken: set[int] = set()
        for _, track, number in sorted(pairs, key=lambda pair: pair[0]):
            if number not in taken and track.times[-1] < at_s:
                taken.add(number)
                track.times.append(at_s)
                track.places.append(places[number])
        for number, place in enumerate(places):
            if number not in taken:
                self.tracks.append(Track([at_s], [place]))

    def at(self, at_s: float) -> list[Place]:
        """The places at a moment, margins included, within the picture."""
        there = [place for track in self.tracks if (place := track.at(at_s)) is not None]
        return [widened(place, self._margin) for place in there]

    def stretches(self) -> Sequence[tuple[float, float]]:
        """Where anything is hidden, track by track in the order of their beginnings, in seconds."""
        return sorted((max(track.times[0] - AROUND_S, 0.0), track.times[-1] + AROUND_S) for track in self.tracks)


def widened(place: Place, margin: float) -> Place:
    """A place with a margin on each side, as a share of its size, cut at the edges of the picture."""
    more = margin * (place[2:] - place[:2])
    return np.asarray(np.clip(np.concatenate([place[:2] - more, place[2:] + more]), 0.0, 1.0), np.float64)

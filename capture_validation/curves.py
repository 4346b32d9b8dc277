"""Curves: a measurement over time, coarse enough to draw and to send, whatever the length of the recording."""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from capture_validation.report import Curve

#: As many points as the widest picture has room for.
POINTS = 800


class GrowingCurve:
    """Collects values on a grid of `step_s` seconds; the step doubles when more than 800 points would be needed.

    `kind` says what a point stands for when it holds many values: their `mean` (of powers, of brightness) or their
    `max` (of peaks). Points nobody wrote to repeat the point before them, the first ones the point after: a curve has
    no holes.
    """

    def __init__(self, name: str, unit: str, step_s: float, kind: Literal["mean", "max"] = "mean") -> None:
        self.name = name
        self.unit = unit
        self.step_s = step_s
        self.kind = kind
        self._grid = 1
        self._totals = np.zeros(POINTS)
        self._counts = np.zeros(POINTS)

    def add(self, at_s: float, value: float) -> None:
        """Take one value at a time in seconds from the start."""
        self.add_steps(max(int(at_s / self.step_s + 1e-6), 0), np.array([value]))

    def add_steps(self, first: int, values: NDArray[np.floating]) -> None:
        """Take values of consecutive steps; `first` is the number of the first of them since the start."""
        if not len(values):
            return
        while (first + len(values) - 1) // self._grid >= POINTS:
            self._halve()
        points = (first + np.arange(len(values))) // self._grid
        if self.kind == "mean":
            np.add.at(self._totals, points, values)
        else:
            np.maximum.at(self._totals, points, values)
        np.add.at(self._counts, points, 1)

    def _halve(self) -> None:
        pairs = self._totals.reshape(-1, 2)
        merged = pairs.sum(axis=1) if self.kind == "mean" else pairs.max(axis=1)
        self._totals = np.concatenate((merged, np.zeros(POINTS // 2)))
        self._counts = np.concatenate((self._counts.reshape(-1, 2).sum(axis=1), np.zeros(POINTS // 2)))
        self._grid *= 2

    def curve(self, scale: Callable[[NDArray[np.floating]], NDArray[np.floating]] = np.asarray) -> Curve:
        """The curve so far, its values passed through `scale` (such as power to decibel) and rounded to a tenth."""
        length = int(np.flatnonzero(self._counts).max(initial=-1)) + 1
        counts = self._counts[:length]
        # What comes before the first value is as unknown as any hole, so it takes that value.
        first = np.argmax(counts > 0) if length else 0
        latest = np.maximum.accumulate(np.where(counts > 0, np.arange(length), first))
        values = self._totals[:length] / (np.maximum(counts, 1) if self.kind == "mean" else 1)
        points = tuple(round(float(value), 1) for value in scale(values[latest])) if length else ()
        return Curve(self.name, self.unit, self.step_s * self._grid, points)

"""Readings: one number per analysed frame, and what they say about the whole recording.

A take is not spoilt by one blurred frame, and a median hides that a third of it is. So a recording is judged by its
worst quarter: the value that a quarter of its frames do not reach.
"""

from array import array
from math import isnan, nan

import numpy as np

from capture_validation.check import Measurement
from capture_validation.report import Limit, Span
from capture_validation.spans import Spans


def breaks(limit: Limit, value: float) -> bool:
    """Whether a value lies outside the good range."""
    too_low = limit.minimum is not None and value < limit.minimum
    return too_low or (limit.maximum is not None and value > limit.maximum)


class Readings:
    """The values of one measure over time, in the order of the frames.

    A reading of None is a frame that cannot be judged, such as a bare wall for focus. Ten minutes at 4 frames a second
    are 2,400 readings, 38 kB; a recording never holds more (`capacity`).
    """

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._at = array("d")
        self._values = array("d")

    def add(self, at_s: float, value: float | None) -> None:
        """Take the reading of the next frame."""
        self._at.append(at_s)
        self._values.append(nan if value is None else value)

    def judged(self) -> int:
        """How many frames could be judged."""
        return sum(not isnan(value) for value in self._values)

    def worst_quarter(self) -> float | None:
        """The value that a quarter of the judged frames do worse than; the median where nothing is worse.

        Low values are worse under a minimum, high values under a maximum. With both, the side that breaks counts.
        """
        values = np.array([value for value in self._values if not isnan(value)])
        if not values.size:
            return None
        low, middle, high = (float(value) for value in np.percentile(values, (25, 50, 75)))
        if self.limit.minimum is not None and (self.limit.maximum is None or low < self.limit.minimum):
            return low
        if self.limit.maximum is not None and (self.limit.minimum is None or high > self.limit.maximum):
            return high
        return middle

    def broken_share(self) -> float | None:
        """Share of the judged frames outside the good range, 0…1, or None without any."""
        judged = [value for value in self._values if not isnan(value)]
        return sum(breaks(self.limit, value) for value in judged) / len(judged) if judged else None

    def spans(self) -> tuple[Span, ...]:
        """Where the readings break the limit; each reading stands until the next frame."""
        found = Spans(gap_s=1e-6)
        steps = np.diff(self._at)
        last_step = float(np.median(steps)) if steps.size else 0.0
        for index, value in enumerate(self._values):
            if not isnan(value) and breaks(self.limit, value):
                until = self._at[index + 1] if index + 1 < len(self._at) else self._at[index] + last_step
                found.add(self._at[index], until)
        return found.spans()

    def measurement(self, **parameters: str | float) -> Measurement:
        """The worst quarter, with the stretches to look at when it breaks the limit."""
        value = self.worst_quarter()
        broken = value is not None and breaks(self.limit, value)
        return Measurement(value, self.spans() if broken else (), parameters)

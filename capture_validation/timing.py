"""Timing: when the frames of a recording are shown, and the step between them.

Only timestamps are read here, never pixels, so this costs microseconds a frame and sees every frame there is.
"""

from array import array

import numpy as np
from numpy.typing import NDArray


class Timing:
    """The times of all decoded frames, in seconds, in the order they are shown.

    Ten minutes at 240 frames a second are 144,000 times, 1.2 MB; a recording never holds more (`capacity`).
    """

    def __init__(self) -> None:
        self._at = array("d")

    def add(self, at_s: float) -> None:
        """Take the time of the next frame."""
        self._at.append(at_s)

    @property
    def at_s(self) -> NDArray[np.float64]:
        """When each frame is shown, float64 (frames,), seconds."""
        return np.array(self._at)

    @property
    def steps_s(self) -> NDArray[np.float64]:
        """Seconds from each frame to the next, float64 (frames − 1,); negative where time runs backwards."""
        return np.diff(self._at) if len(self._at) > 1 else np.zeros(0)

    @property
    def typical_step_s(self) -> float | None:
        """The median of all steps that move forward, or None with fewer than two frames.

        The median, because one pause of a second must not make thirty good frames look fast.
        """
        forward = self.steps_s[self.steps_s > 0]
        return float(np.median(forward)) if forward.size else None

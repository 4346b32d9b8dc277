"""Stills: the few small pictures of a video that its report shows.

A curve says that something is wrong at 0:12; a still says what. Which moments matter is known only at the end, so
candidates are kept on a grid that grows coarser with the length of the recording. Stills are plain planes of bytes and
not image files: whoever draws a report must not need a decoder for what a stranger's file has produced.
"""

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from capture_validation.decode import VideoFrame
from capture_validation.pixels import DISPLAY
from capture_validation.report import CheckResult, Still

#: As many as fit on a phone in three rows; two thirds at most show findings, the rest what the take is about.
MOST, MOST_OF_FINDINGS = 12, 8
#: Twelve stills of this size are 260 kB, and 346 kB as JSON: a third of what one examination may answer.
LONG_SIDE, MOST_PIXELS = 160, 14_400
#: Candidates kept at once, 2 MB; beyond, every second one goes.
CANDIDATES = 48
FIRST_STEP_S = 0.5

Colours = NDArray[np.uint8]


class Stills:
    """Keeps a candidate for every step of time; the step doubles when there are too many."""

    def __init__(self, transfer: str | None = None) -> None:
        self.step_s = FIRST_STEP_S
        self._display = DISPLAY.get(transfer or "")
        self._kept: dict[int, tuple[float, Colours]] = {}

    def take(self, frame: VideoFrame) -> None:
        """Look at the next frame; most are let go without touching a pixel."""
        place = max(int(frame.at_s / self.step_s + 1e-6), 0)
        if place in self._kept:
            return
        self._kept[place] = frame.at_s, self._shown(frame)
        while len(self._kept) > CANDIDATES:
            self._thin()

    def _shown(self, frame: VideoFrame) -> Colours:
        area = (MOST_PIXELS * max(frame.width, frame.height) / min(frame.width, frame.height)) ** 0.5
        colours = frame.rgb(max(1, min(LONG_SIDE, int(area))))
        return colours if self._display is None else np.asarray(cv2.LUT(colours, self._display), np.uint8)

    def _thin(self) -> None:
        self.step_s *= 2
        halved: dict[int, tuple[float, Colours]] = {}
        for place in sorted(self._kept):
            halved.setdefault(place // 2, self._kept[place])
        self._kept = halved

    def chosen(self, results: Sequence[CheckResult]) -> tuple[Still, ...]:
        """At most twelve stills in the order of time: where the worst findings are, then evenly over the recording.

        `results` come most important first. A finding gets the candidate nearest to the middle of its first stretch
        that still has one of its own.
        """
        times = [at_s for at_s, _ in self._kept.values()]
        pictures = [colours for _, colours in self._kept.values()]
        shows: dict[int, str] = {}
        for check in results:
            if len(shows) < MOST_OF_FINDINGS and (index := self._within(check, times, shows)) is not None:
                shows[index] = check.name
        while len(shows) < min(MOST, len(times)):
            shows[_farthest(times, shows)] = ""
        return tuple(
            _still(times[index], pictures[index], shows[index]) for index in sorted(shows, key=times.__getitem__)
        )

    def _within(self, check: CheckResult, times: Sequence[float], taken: Iterable[int]) -> int | None:
        free = set(range(len(times))).difference(taken)
        for span in check.spans:
            # A cut has no length, and no candidate falls on it; the one beside it has to do.
            beside = self.step_s if span.end_s - span.start_s < self.step_s else 0.0
            inside = [index for index in free if span.start_s - beside <= times[index] <= span.end_s + beside]
            if inside:
                return min(inside, key=lambda index: abs(times[index] - (span.start_s + span.end_s) / 2))
        return None


def _farthest(times: Sequence[float], taken: Iterable[int]) -> int:
    """The candidate that is farthest in time from all those taken; the first when none is."""
    there = list(taken)
    free = [index for index in range(len(times)) if index not in there]
    return max(free, key=lambda index: min((abs(times[index] - times[other]) for other in there), default=-index))


def _still(at_s: float, colours: Colours, shows: str) -> Still:
    height, width = colours.shape[:2]
    bright, red, blue = cv2.split(cv2.cvtColor(colours, cv2.COLOR_RGB2YCrCb))
    half = (width + 1) // 2, (height + 1) // 2
    tints = [cv2.resize(tint, half, interpolation=cv2.INTER_AREA) for tint in (blue, red)]
    planes = b"".join(np.asarray(plane).tobytes() for plane in (bright, *tints))
    return Still(round(at_s, 3), width, height, planes, shows)

"""Spans: where in a recording something was found, few enough to be read.

A check may notice the same defect thousands of times in an hour. A contributor wants to know where to listen, so near
findings become one span, and the number kept never depends on the length of the recording.
"""

from collections.abc import Iterable

from capture_validation.report import Span

MOST = 24


class Spans:
    """A growing list of spans in time order; findings closer than `gap_s` are one.

    When more than `most` stay apart, the gap doubles until they fit. What is lost is detail, never coverage: every
    finding lies within one of the spans.
    """

    def __init__(self, gap_s: float = 0.25, most: int = MOST) -> None:
        self.gap_s = gap_s
        self.most = most
        self._found: list[list[float]] = []

    def add(self, start_s: float, end_s: float) -> None:
        """Take a finding that does not start before the one taken last."""
        if self._found and start_s - self._found[-1][1] <= self.gap_s:
            self._found[-1][1] = max(self._found[-1][1], end_s)
            return
        self._found.append([start_s, end_s])
        while len(self._found) > self.most:
            self.gap_s = max(self.gap_s * 2, 0.001)
            self._merge()

    def extend(self, findings: Iterable[tuple[float, float]]) -> None:
        """Take several findings in time order."""
        for start_s, end_s in findings:
            self.add(start_s, end_s)

    def extend_steps(self, steps: Iterable[int], step_s: float) -> None:
        """Take findings that are numbers of steps of one length, in time order."""
        self.extend((step * step_s, (step + 1) * step_s) for step in steps)

    def clear(self) -> None:
        """Forget everything: what was found turned out not to count."""
        self._found.clear()

    def _merge(self) -> None:
        apart, self._found = self._found, []
        for start_s, end_s in apart:
            if self._found and start_s - self._found[-1][1] <= self.gap_s:
                self._found[-1][1] = max(self._found[-1][1], end_s)
            else:
                self._found.append([start_s, end_s])

    def spans(self) -> tuple[Span, ...]:
        """The spans so far, rounded to a millisecond, earliest first."""
        return tuple(Span(round(start_s, 3), round(end_s, 3)) for start_s, end_s in self._found)

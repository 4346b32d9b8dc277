"""What one process counts about its own requests: how many, how they ended, how long they took.

Counting costs two dictionary entries a request; a client library's own counters, with their locks and label objects,
cost ten times as much. `api/metrics.py` writes the figures in the format that Prometheus reads.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from typing import TypeAlias

#: Upper bounds in seconds; the promise for reads is 0.3.
BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0)

Route: TypeAlias = tuple[str, str]


class Figures:
    """Counts since the process started; belongs to one event loop."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.answers: Counter[tuple[str, str, int]] = Counter()
        self.buckets: defaultdict[Route, list[int]] = defaultdict(lambda: [0] * (len(BOUNDS_S) + 1))
        self.seconds: defaultdict[Route, float] = defaultdict(float)
        self.under_way = 0

    def answered(self, method: str, route: str, status: int, took_s: float) -> None:
        """Count one request; `route` is the template of its address, never the address."""
        self.answers[method, route, status] += 1
        key = (method, route)
        self.buckets[key][bisect_left(BOUNDS_S, took_s)] += 1
        self.seconds[key] += took_s

"""Shares: how much one account, buyer or link may have under way at once, so that none of them has all there is.

The gate lets go of a request when its answer begins, and does not count bytes that arrive. Who reads slowly, listens to
events or sends slowly is counted here instead, to the very end: each of them holds memory, and a place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from api.errors import TooMuchAtOnce


class Shares:
    """What is under way, by whose it is; at most `most` for each. Everything happens on one event loop."""

    def __init__(self, most: int) -> None:
        """Begin with nothing under way."""
        self.most = most
        self.taken: Counter[Hashable] = Counter()

    @contextmanager
    def one(self, whose: Hashable) -> Iterator[None]:
        """Count one more while it lasts. Raises TooMuchAtOnce."""
        if self.taken[whose] >= self.most:
            raise TooMuchAtOnce
        with counted(self.taken, whose):
            yield


@contextmanager
def counted(taken: Counter[Hashable], whose: Hashable) -> Iterator[None]:
    """Count one more of somebody's while it lasts, and keep nobody who has none."""
    taken[whose] += 1
    try:
        yield
    finally:
        taken[whose] -= 1
        if not taken[whose]:
            del taken[whose]

"""A fair line in front of scarce work: a few run, a few wait, and whoever has least under way goes next.

Knows no HTTP. Everything happens on one event loop, so nothing needs a lock.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from msgspec import Struct

from api.errors import Overloaded

#: An app opens a handful of requests when a screen opens; these count alike, what is beyond them waits longer.
ALIKE = 4
#: So many of those beyond run at once: each more is one that everybody else's requests share the processor with, and
#: with one alone a single slow request would hold up the rest of its account.
BEYOND = 2
#: What hashes a password has this urgency, and of all places that run this share: hashing is slow on purpose, and a
#: crowd that signs up would else sit in every place while others only want to read.
HASHING, SHARE_OF_HASHING = 2, 4
#: Nobody waits longer; a phone would rather ask again.
LONGEST_WAIT_S = 5.0


class Place(Struct, eq=False):
    """One who waits: for whom, how it compares (smaller goes first), and what wakes it.

    The first number of its order is how far it is beyond the handful that counts alike.
    """

    account: bytes
    order: tuple[int, int, int]
    turn: asyncio.Future[None]


def _order(place: Place) -> tuple[int, int, int]:
    return place.order


class Line:
    """At most `running` at once and `waiting` behind them."""

    def __init__(self, running: int, waiting: int) -> None:
        """Begin empty."""
        self.running, self.waiting = running, waiting
        self.busy = 0
        self.hashing = 0
        self.served: Counter[bytes] = Counter()
        self.places: list[Place] = []
        self.present: Counter[bytes] = Counter()
        self.arrivals = 0
        self.turned_away = 0

    async def enter(self, account: bytes, urgency: int, since: int | None = None) -> int:
        """Wait for a turn; `urgency` 0 goes before 1. Raises Overloaded when others have the better claim.

        Every return must be followed by one `leave` of the same urgency. What is returned is the number of this
        arrival: who comes back with it, as `since`, stands where it stood before.
        """
        rank = max(0, self.present[account] - ALIKE)
        self.present[account] += 1
        self.arrivals += since is None
        number = self.arrivals if since is None else since
        if self.busy < self.running and self._may_run(account, rank, urgency):
            self._begin(account, urgency)
            return number
        place = Place(account, (rank, urgency, number), asyncio.get_running_loop().create_future())
        self._stand(place)
        try:
            async with asyncio.timeout(LONGEST_WAIT_S):
                await place.turn
        except BaseException as error:  # Also a cancelled request leaves the line, or its place would be lost.
            self._give_up(place)
            if isinstance(error, TimeoutError):
                self.turned_away += 1
                raise Overloaded from error
            raise
        return number

    def leave(self, account: bytes, urgency: int = 0) -> None:
        """Make room for the next one."""
        self._forget(account)
        self._end(account, urgency)
        # Whoever was cancelled still stands here until its task runs, and takes itself away.
        standing = (place for place in self.places if not place.turn.done())
        able = (place for place in standing if self._may_run(place.account, *place.order[:2]))
        best = min(able, key=_order, default=None)
        if best is not None:
            self._begin(best.account, best.order[1])
            self.places.remove(best)
            best.turn.set_result(None)

    def _may_run(self, account: bytes, rank: int, urgency: int) -> bool:
        """Whether another may run: one that hashes, or is beyond its account's handful, only beside few.

        Who hashes has no token yet: their account is an address, which a whole village may share.
        """
        if urgency >= HASHING:
            return self.hashing < max(1, self.running // SHARE_OF_HASHING)
        return rank == 0 or self.served[account] < BEYOND

    def crowded(self, account: bytes) -> bool:
        """Whether an account has more here than counts alike, besides what was just sent away."""
        return self.present[account] > ALIKE

    def _begin(self, account: bytes, urgency: int) -> None:
        self.busy += 1
        self.hashing += urgency >= HASHING
        self.served[account] += 1

    def _end(self, account: bytes, urgency: int) -> None:
        self.busy -= 1
        self.hashing -= urgency >= HASHING
        self.served[account] -= 1
        if not self.served[account]:
            del self.served[account]

    def _stand(self, place: Place) -> None:
        """Join; where the line is full, the weakest claim of all is sent away, be it this one or another."""
        self.places.append(place)
        standing = [place for place in self.places if not place.turn.done()]
        if len(standing) > self.waiting:
            self.turned_away += 1
            weakest = max(standing, key=_order)
            self.places.remove(weakest)
            self._forget(weakest.account)
            weakest.turn.set_exception(Overloaded())

    def _give_up(self, place: Place) -> None:
        """Stop waiting: it took too long, or nobody waits for the answer any more."""
        if place in self.places:
            self.places.remove(place)
            self._forget(place.account)
        elif not place.turn.cancelled() and place.turn.exception() is None:
            # Its turn had come in that very moment: it is handed on.
            self.leave(place.account, place.order[1])

    def _forget(self, account: bytes) -> None:
        self.present[account] -= 1
        if not self.present[account]:
            del self.present[account]

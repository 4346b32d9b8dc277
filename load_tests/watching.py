"""A run while it goes on: a line of progress, what each phase saw, and how long it took to recover from a crowd.

Locust counts from the start to the end. What happened in a part of a run is the difference of two moments, which is
right also where several generators report to one master.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from locust.stats import RequestStats

#: Seconds between two looks, and between two lines that are printed.
LOOK_S, SAY_S = 1.0, 10.0
#: Recovered: in so many seconds on end this was the p99, in ms, and nobody was turned away.
CALM_S, CALM_MS = 5, 300
#: Nobody waits longer to see it.
LONGEST_RECOVERY_S = 180
TURNED_AWAY = "turned away"
#: How this process's memory is known to be that of an API on this machine.
API = "COMPANION_LOAD_API"


@dataclass
class Seen:
    """What was counted: per operation its response times in ms (rounded as Locust does), and how many failed."""

    times: dict[str, Counter[int]] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, stats: RequestStats) -> Seen:
        """Copy what Locust has counted so far."""
        seen = cls()
        for entry in stats.entries.values():
            seen.times.setdefault(entry.name, Counter()).update(entry.response_times)
            seen.failures[entry.name] += entry.num_failures
        return seen

    def since(self, before: Seen) -> Seen:
        """What came after an earlier moment."""
        times = {name: counts - before.times.get(name, Counter()) for name, counts in self.times.items()}
        return Seen(times, self.failures - before.failures)

    def together(self, wanted: frozenset[str]) -> Counter[int]:
        """The response times of several operations."""
        return sum((counts for name, counts in self.times.items() if name in wanted), Counter())

    def percentile(self, wanted: frozenset[str], share: float) -> float:
        """The response time in ms that this share of the named requests stayed below.

        Endless where there were none: what never happened is no promise kept.
        """
        times = self.together(wanted)
        left = times.total() * share
        for took_ms in sorted(times):
            left -= times[took_ms]
            if left <= 0:
                return float(took_ms)
        return float("inf")

    def requests(self, wanted: frozenset[str]) -> int:
        """How many of the named requests there were."""
        return self.together(wanted).total()

    def failed(self, wanted: frozenset[str]) -> int:
        """How many failed of the named requests; of all, when none is named."""
        return sum(count for name, count in self.failures.items() if not wanted or name in wanted)

    def succeeded(self, wanted: frozenset[str]) -> int:
        """How many of the named requests succeeded."""
        return self.requests(wanted) - sum(self.failures[name] for name in wanted)


@dataclass
class Moment:
    """A look at a run: when (seconds on this machine's clock), and everything counted until then."""

    at: float
    seen: Seen


@dataclass
class Watch:
    """The run of this process; `ends` holds what was counted when each phase ended."""

    moments: list[Moment] = field(default_factory=list)
    ends: dict[str, Seen] = field(default_factory=dict)
    last_began: float = 0.0
    before_mb: float = 0.0

    def look(self, stats: RequestStats) -> None:
        """Remember what was counted until now. Of older moments only those count that recovery is read from."""
        self.moments.append(Moment(time.monotonic(), Seen.of(stats)))
        recent = len(self.moments) - round(SAY_S / LOOK_S) - 1
        self.moments = [
            moment
            for place, moment in enumerate(self.moments)
            if place >= recent or (self.ends and 0 <= moment.at - self.last_began < LONGEST_RECOVERY_S)
        ]

    def phase_ended(self, name: str, stats: RequestStats) -> None:
        """Remember what was counted until now; memory only counts from the end of the first phase on."""
        if not self.ends:
            self.before_mb = resident_mb()
        self.ends[name] = Seen.of(stats)
        self.last_began = time.monotonic()

    def during(self, phase: str, stats: RequestStats) -> Seen:
        """What one phase saw; the last one lasts until now. A phase that never came saw nothing."""
        order = list(self.ends)
        if phase in self.ends:
            place = order.index(phase)
            before = self.ends[order[place - 1]] if place else Seen()
            return self.ends[phase].since(before)
        return Seen.of(stats).since(self.ends[order[-1]]) if order else Seen()

    def memory_growth(self) -> float:
        """What the API's resident memory grew by, in MB."""
        return resident_mb() - self.before_mb

    def recovery(self, wanted: frozenset[str]) -> float:
        """Seconds from the last phase's begin until a while was calm; endless when none was."""
        late = [moment for moment in self.moments if moment.at >= self.last_began]
        for place in range(len(late) - CALM_S):
            seen = late[place + CALM_S].seen.since(late[place].seen)
            away = seen.requests(frozenset({TURNED_AWAY}))
            if seen.requests(wanted) and not away and seen.percentile(wanted, 0.99) <= CALM_MS:
                return late[place].at - self.last_began
        return float("inf")


def resident_mb() -> float:
    """Resident memory of the API, where it runs on this machine, in MB."""
    pid = os.environ.get(API)
    try:
        return float(psutil.Process(int(pid)).memory_info().rss) / 1e6 if pid else 0.0
    except psutil.NoSuchProcess:
        return 0.0


#: What this process sees.
WATCH = Watch()


def watch(environment: Any) -> None:
    """Look at a run until it ends, and say from time to time how it goes."""
    import gevent

    WATCH.before_mb, said = resident_mb(), time.monotonic()
    while True:
        gevent.sleep(LOOK_S)
        WATCH.look(environment.stats)
        if time.monotonic() - said >= SAY_S:
            said = time.monotonic()
            print(progress(environment), flush=True)


def progress(environment: Any) -> str:
    """Say in a line how the last seconds went."""
    looked = WATCH.moments[-round(SAY_S) - 1 :]
    recent = looked[-1].seen.since(looked[0].seen)
    every = frozenset(recent.times) - {TURNED_AWAY}
    per_s = recent.requests(every) / max(looked[-1].at - looked[0].at, 1)
    p50, p99 = recent.percentile(every, 0.5), recent.percentile(every, 0.99)
    away, failed = recent.requests(frozenset({TURNED_AWAY})), recent.failed(frozenset())
    people = environment.runner.user_count
    return (
        f"{people:5} people  {per_s:6.1f} answers/s  p50 {p50:5.0f} ms  p99 {p99:6.0f} ms  "
        f"{away:4} turned away  {failed:4} failed  API {resident_mb():.0f} MB"
    )

"""What the service promises under load, and the verdict at the end of a run.

The generator judges itself first: above 85 % of a core it measures its own queue, and the run is void.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from locust.stats import RequestStats, StatsEntry

# Signing in and up cost 40 ms of processor time on purpose: they are judged by themselves.
JSON = ("list campaigns", "claim", "read recording", "read report")
STARTED = (time.perf_counter(), time.process_time())


@dataclass(frozen=True)
class Threshold:
    """One promise: what is measured, its unit, and the most (or, with `least`, the least) that is allowed."""

    name: str
    unit: str
    limit: float
    measure: Callable[[RequestStats], float]
    least: bool = False

    def kept(self, measured: float) -> bool:
        """Whether the promise was kept."""
        return measured >= self.limit if self.least else measured <= self.limit


def percentile(share: float, *names: str) -> Callable[[RequestStats], float]:
    """The response time in ms that this share of the named requests stayed below."""

    def measured(stats: RequestStats) -> float:
        together = StatsEntry(stats, "together", "")
        for entry in stats.entries.values():
            if entry.name in names:
                together.extend(entry)
        return float(together.get_response_time_percentile(share) or 0)

    return measured


def count(*names: str) -> Callable[[RequestStats], float]:
    """How many of the named requests succeeded."""
    return lambda stats: sum(
        entry.num_requests - entry.num_failures for entry in stats.entries.values() if entry.name in names
    )


def generator_cpu(_stats: RequestStats) -> float:
    """Processor time of this generator, in per cent of one core."""
    wall, cpu = time.perf_counter() - STARTED[0], time.process_time() - STARTED[1]
    return 100 * cpu / wall


THRESHOLDS = (
    Threshold("generator's own processor", "% of a core", 85, generator_cpu),
    Threshold("failed requests", "", 0, lambda stats: float(stats.total.num_failures)),
    Threshold("reports read", "", 20, count("read report"), least=True),
    Threshold("JSON requests, p99", "ms", 300, percentile(0.99, *JSON)),
    Threshold("sign-in, p95", "ms", 1000, percentile(0.95, "sign in")),
    Threshold("upload of 128 kB, p95", "ms", 1000, percentile(0.95, "upload")),
    Threshold("last byte to report, p95", "ms", 5000, percentile(0.95, "report ready")),
)


def judge(environment: Any, **_: Any) -> None:
    """Print the table and set the exit status: 0 kept, 1 broken, 2 void."""
    measured = [(threshold, threshold.measure(environment.stats)) for threshold in THRESHOLDS]
    print(f"\n{'':28}{'limit':>10}{'measured':>12}  verdict")
    for threshold, value in measured:
        bound = f"{'>=' if threshold.least else '<='} {threshold.limit:g}"
        verdict = "kept" if threshold.kept(value) else "BROKEN"
        print(f"{threshold.name:28}{bound:>10}{value:>12.0f}  {verdict} {threshold.unit}")
    void = not THRESHOLDS[0].kept(measured[0][1])
    broken = [threshold.name for threshold, value in measured if not threshold.kept(value)]
    if void:
        print("Void: the generator was too busy to measure anything but itself. Use fewer users or another machine.")
    environment.process_exit_code = 2 if void else 1 if broken else 0

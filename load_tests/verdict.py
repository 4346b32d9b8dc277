"""The verdict at the end of a run: the table, the kinds of errors, and the exit status.

The generator judges itself first: above 85 % of a core it measures its own queue, and the run is void.
"""

from __future__ import annotations

import json
import os
import time
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from load_tests.measures import measured
from load_tests.thresholds import Profile, Threshold
from load_tests.watching import Seen

if TYPE_CHECKING:
    from locust.stats import RequestStats

VOID_ABOVE = 85.0
#: Processor time of this process, and of the one that carries the bad network on the same core, when it began.
STARTED = time.perf_counter()
Row = tuple[Threshold, float]


def spent_s() -> float:
    """Processor time of this generator so far, and of the program that started it and is its bad network."""
    mine = time.process_time()
    if "COMPANION_LOAD_CONSOLE" in os.environ:
        carried = psutil.Process(int(os.environ["COMPANION_LOAD_CONSOLE"])).cpu_times()
        mine += carried.user + carried.system
    return mine


SPENT = spent_s()


def generator_cpu() -> float:
    """Processor time of this generator, in per cent of one core."""
    return 100 * (spent_s() - SPENT) / (time.perf_counter() - STARTED)


def judge(environment: Any, chosen: Profile, workers_cpu: list[float]) -> tuple[int, str]:
    """Give the exit status, 0 kept, 1 broken, 2 void, and the tables to print; a report goes where it was asked.

    `workers_cpu` is the same as `generator_cpu` of other processes that took part; the busiest counts.
    """
    busy = max([generator_cpu(), *workers_cpu])
    rows = [(one, measured(environment.stats, one.measure, chosen.groups)) for one in chosen.thresholds]
    # A persona that breaks measures nothing: whatever it did not ask for would look well served.
    broken = sum(entry["count"] for entry in environment.runner.exceptions.values())
    rows.append((Threshold("errors in personas", "", 0), float(broken)))
    said = [operations(environment.stats), kinds_of_errors(environment.stats), table(chosen, rows, busy)]
    if place := os.environ.get("COMPANION_LOAD_JSON"):
        report = written(chosen, rows, busy, environment.stats)
        Path(place).write_text(json.dumps(report, indent=1), encoding="utf-8")
    if busy > VOID_ABOVE:
        said.append(
            "Void: the generator was too busy to measure anything but itself. Use fewer users or more machines."
        )
        return 2, "\n".join(said)
    return int(not all(threshold.kept(value) for threshold, value in rows)), "\n".join(said)


def operations(stats: RequestStats) -> str:
    """List every operation with its figures."""
    seen = Seen.of(stats)
    lines = [f"\n{'operation':28}{'count':>8}{'failed':>8}{'p50 ms':>8}{'p95 ms':>8}{'p99 ms':>8}"]
    for name in sorted(seen.times):
        one = frozenset({name})
        figures = "".join(f"{seen.percentile(one, share):8.0f}" for share in (0.5, 0.95, 0.99))
        lines.append(f"{name:28}{seen.requests(one):8}{seen.failures[name]:8}{figures}")
    return "\n".join(lines)


def kinds_of_errors(stats: RequestStats) -> str:
    """List what failed and how, the most frequent first."""
    errors = sorted(stats.errors.values(), key=lambda error: -error.occurrences)
    if not errors:
        return "\nNothing failed."
    lines = [f"{error.occurrences:8}  {error.name}: {str(error.error)[:100]}" for error in errors[:20]]
    return "\n".join(["\nWhat failed", *lines])


def table(chosen: Profile, rows: list[Row], busy: float) -> str:
    """Write thresholds, what was measured, and whether each was kept."""
    width = max(len(threshold.measure) for threshold, _ in rows) + 2
    lines = [f"\n{chosen.name}: {chosen.meaning}", f"{'threshold':{width}}{'limit':>12}{'measured':>12}  verdict"]
    for threshold, value in rows:
        bound = f"{'>=' if threshold.least else '<='} {threshold.limit:g}"
        verdict = "kept" if threshold.kept(value) else "BROKEN"
        lines.append(f"{threshold.measure:{width}}{bound:>12}{value:>12.4g}  {verdict} {threshold.unit}")
    lines.append(f"{'generator':{width}}{f'<= {VOID_ABOVE:g}':>12}{busy:>12.4g}  % of a core")
    return "\n".join(lines)


def written(chosen: Profile, rows: list[Row], busy: float, stats: RequestStats) -> dict[str, Any]:
    """Write the verdict for machines."""
    seen = Seen.of(stats)
    return {
        "profile": chosen.name,
        "users": chosen.users,
        "seconds": chosen.seconds,
        "generator_percent": round(busy, 1),
        "void": busy > VOID_ABOVE,
        "load_average": [round(figure, 1) for figure in os.getloadavg()],
        "thresholds": [
            {
                "measure": threshold.measure,
                "unit": threshold.unit,
                "least" if threshold.least else "most": threshold.limit,
                # JSON knows no infinity: what never happened has no time.
                "measured": round(value, 4) if isfinite(value) else None,
                "kept": threshold.kept(value),
            }
            for threshold, value in rows
        ],
        "operations": {
            name: {
                "count": seen.requests(frozenset({name})),
                "failed": seen.failures[name],
                "p50_ms": seen.percentile(frozenset({name}), 0.5),
                "p99_ms": seen.percentile(frozenset({name}), 0.99),
            }
            for name in sorted(seen.times)
        },
        "errors": {f"{error.name}: {str(error.error)[:100]}": error.occurrences for error in stats.errors.values()},
    }

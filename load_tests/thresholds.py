"""What the service promises under load, and the verdict at the end of a run.

The generator judges itself first: above 85 % of a core it measures its own queue, and the run is void. A profile names
thresholds by what is measured:

    p99 of NAMES         response time in ms that 99 % of the named operations stayed below (any pNN)
    count of NAMES       how many of them succeeded
    failures             requests that failed; `failures of NAMES` of some
    share of NAMES over NAMES   how many of the first succeeded for each of the second
    truth NAME           what was found when promises were looked at again (truth.py)
    memory growth        what the API's resident memory grew by, in MB
"""

from __future__ import annotations

import json
import os
import re
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from load_tests.truth import TRUTH

if TYPE_CHECKING:
    # Importing Locust changes how the whole process does its input and output: only a load generator may do that.
    from locust.stats import RequestStats


def resident_mb() -> float:
    """Resident memory of the API, where it runs on this machine, in MB."""
    pid = os.environ.get("COMPANION_LOAD_API")
    return psutil.Process(int(pid)).memory_info().rss / 1e6 if pid else 0.0


BEFORE_MB = resident_mb()
STARTED = (time.perf_counter(), time.process_time())
PROFILES = Path(__file__).parent / "profiles"
VOID_ABOVE = 85.0


@dataclass(frozen=True)
class Threshold:
    """One promise: what is measured, its unit, and the most (or, with `least`, the least) that is allowed."""

    measure: str
    unit: str
    limit: float
    least: bool = False

    def kept(self, measured: float) -> bool:
        """Whether the promise was kept."""
        return measured >= self.limit if self.least else measured <= self.limit


@dataclass(frozen=True)
class Profile:
    """A named load: how many people of which kind, for how long, and what is promised to them."""

    name: str
    meaning: str
    users: int
    seconds: int
    spawn_rate: float
    personas: dict[str, int]
    thresholds: tuple[Threshold, ...]


def profile(name: str) -> Profile:
    """Read a profile. Raises FileNotFoundError."""
    content = tomllib.loads((PROFILES / f"{name}.toml").read_text(encoding="utf-8"))
    thresholds = tuple(
        Threshold(entry["measure"], entry.get("unit", ""), entry.get("most", entry.get("least", 0)), "least" in entry)
        for entry in content["threshold"]
    )
    run = content["run"]
    return Profile(
        name, content["meaning"], run["users"], run["seconds"], run["spawn_rate"], content["personas"], thresholds
    )


def profiles() -> list[str]:
    """List the profiles there are."""
    return sorted(path.stem for path in PROFILES.glob("*.toml"))


def measured(stats: RequestStats, measure: str) -> float:
    """Take one measurement. Raises ValueError for words that mean nothing."""
    kind, _, rest = measure.partition(" of ")
    if found := re.fullmatch(r"p(\d+(?:\.\d+)?)", kind):
        return percentile(stats, float(found[1]) / 100, names(rest))
    if kind.startswith("truth "):
        return float(TRUTH.counts.get(kind.removeprefix("truth "), 0))
    if kind not in KINDS:
        raise ValueError(f"Nothing is measured by these words: {measure}")
    return KINDS[kind](stats, rest)


def share(stats: RequestStats, rest: str) -> float:
    """How many of the first operations succeeded for each of the second."""
    part, _, whole = rest.partition(" over ")
    return succeeded(stats, names(part)) / max(succeeded(stats, names(whole)), 1)


KINDS: dict[str, Callable[[RequestStats, str], float]] = {
    "count": lambda stats, rest: float(succeeded(stats, names(rest))),
    "failures": lambda stats, rest: float(failed(stats, names(rest) if rest else None)),
    "share": share,
    "memory growth": lambda stats, rest: resident_mb() - BEFORE_MB,
}


def names(text: str) -> frozenset[str]:
    """Read a list of operations."""
    return frozenset(name.strip() for name in text.split(","))


def percentile(stats: RequestStats, share: float, wanted: frozenset[str]) -> float:
    """The response time in ms that this share of the named requests stayed below."""
    from locust.stats import StatsEntry

    together = StatsEntry(stats, "together", "")
    for entry in stats.entries.values():
        if entry.name in wanted:
            together.extend(entry)
    return float(together.get_response_time_percentile(share) or 0)


def succeeded(stats: RequestStats, wanted: frozenset[str]) -> int:
    """How many of the named requests succeeded."""
    return sum(entry.num_requests - entry.num_failures for entry in stats.entries.values() if entry.name in wanted)


def failed(stats: RequestStats, wanted: frozenset[str] | None) -> int:
    """How many requests failed, of the named ones or of all."""
    return sum(entry.num_failures for entry in stats.entries.values() if wanted is None or entry.name in wanted)


def generator_cpu() -> float:
    """Processor time of this generator, in per cent of one core."""
    wall, cpu = time.perf_counter() - STARTED[0], time.process_time() - STARTED[1]
    return 100 * cpu / wall


def judge(environment: Any, chosen: Profile) -> int:
    """Print the table and return the exit status: 0 kept, 1 broken, 2 void; a report of it goes where it was asked."""
    busy = generator_cpu()
    rows = [(threshold, measured(environment.stats, threshold.measure)) for threshold in chosen.thresholds]
    # A persona that breaks measures nothing: whatever it did not ask for would look well served.
    broken = sum(entry["count"] for entry in environment.runner.exceptions.values())
    rows.append((Threshold("errors in personas", "", 0), float(broken)))
    width = max(len(threshold.measure) for threshold in chosen.thresholds) + 2
    print(f"\n{chosen.name}: {chosen.meaning}\n{'':{width}}{'limit':>12}{'measured':>12}  verdict")
    for threshold, value in rows:
        bound = f"{'>=' if threshold.least else '<='} {threshold.limit:g}"
        verdict = "kept" if threshold.kept(value) else "BROKEN"
        print(f"{threshold.measure:{width}}{bound:>12}{value:>12.4g}  {verdict} {threshold.unit}")
    print(f"{'generator':{width}}{f'<= {VOID_ABOVE:g}':>12}{busy:>12.4g}  % of a core")
    if place := os.environ.get("COMPANION_LOAD_JSON"):
        Path(place).write_text(json.dumps(written(chosen, rows, busy), indent=1), encoding="utf-8")
    if busy > VOID_ABOVE:
        print("Void: the generator was too busy to measure anything but itself. Use fewer users or another machine.")
        return 2
    return 0 if all(threshold.kept(value) for threshold, value in rows) else 1


def written(chosen: Profile, rows: list[tuple[Threshold, float]], busy: float) -> dict[str, Any]:
    """Write the verdict for machines."""
    return {
        "profile": chosen.name,
        "generator_percent": round(busy, 1),
        "void": busy > VOID_ABOVE,
        "thresholds": [
            {
                "measure": threshold.measure,
                "unit": threshold.unit,
                "least" if threshold.least else "most": threshold.limit,
                "measured": round(value, 4),
                "kept": threshold.kept(value),
            }
            for threshold, value in rows
        ],
    }

"""What a threshold can measure.

    p99 of NAMES         response time in ms that 99 % of the named operations stayed below (any pNN)
    count of NAMES       how many of them succeeded
    failures             requests that failed; `failures of NAMES` of some
    share of NAMES over NAMES   how many of the first succeeded for each of the second
    broken answers       5xx that do not say when to come back
    upload completion    recordings of which every byte was acknowledged, of those that were announced to be sent
    truth NAME           what was found when promises were looked at again (truth.py)
    memory growth        what the API's resident memory grew by, in MB: since the start, or the end of the first phase
    recovery of NAMES    seconds of the last phase until people were served as promised again (watching.py)

NAMES are operations or groups of a profile, with commas. `in PHASE` at the end looks at one part of a run only. What
was turned away ("come back in a moment") is an operation of its own, `turned away`: it says nothing about the time that
an answer takes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from load_tests.truth import TRUTH
from load_tests.watching import WATCH, Seen

if TYPE_CHECKING:
    # Importing Locust changes how the whole process does its input and output: only a load generator may do that.
    from locust.stats import RequestStats

#: Error texts begin with the status.
BROKEN = re.compile(r"\b5\d\d\b")


def measured(stats: RequestStats, measure: str, groups: Mapping[str, list[str]] | None = None) -> float:
    """Take one measurement. Raises ValueError for words that mean nothing."""
    what, _, phase = measure.partition(" in ")
    kind, _, rest = what.partition(" of ")
    seen = WATCH.during(phase, stats) if phase else Seen.of(stats)
    if found := re.fullmatch(r"p(\d+(?:\.\d+)?)", kind):
        return seen.percentile(names(rest, groups), float(found[1]) / 100)
    if kind.startswith("truth "):
        return float(TRUTH.counts.get(kind.removeprefix("truth "), 0))
    if kind.startswith("share"):
        part, _, whole = rest.partition(" over ")
        return seen.succeeded(names(part, groups)) / max(seen.succeeded(names(whole, groups)), 1)
    if kind == "recovery":
        return WATCH.recovery(names(rest, groups))
    if kind not in KINDS:
        raise ValueError(f"Nothing is measured by these words: {measure}")
    return KINDS[kind](stats, seen, names(rest, groups))


KINDS: dict[str, Callable[[RequestStats, Seen, frozenset[str]], float]] = {
    "count": lambda stats, seen, wanted: float(seen.succeeded(wanted)),
    "failures": lambda stats, seen, wanted: float(seen.failed(wanted)),
    "broken answers": lambda stats, seen, wanted: float(broken(stats)),
    "upload completion": lambda stats, seen, wanted: TRUTH.completion(),
    "memory growth": lambda stats, seen, wanted: WATCH.memory_growth(),
}


def names(text: str, groups: Mapping[str, list[str]] | None = None) -> frozenset[str]:
    """Read a list of operations; a group stands for all of its own."""
    written = [name.strip() for name in text.split(",") if name.strip()]
    return frozenset(name for one in written for name in (groups or {}).get(one, [one]))


def broken(stats: RequestStats) -> int:
    """How many answers were server errors that nobody was prepared for; a cut connection is none."""
    return sum(error.occurrences for error in stats.errors.values() if BROKEN.search(str(error.error)[:60]))

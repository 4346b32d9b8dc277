"""A profile: who comes, how many and for how long, and what is promised to them; see `measures.py` for the words."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

PROFILES = Path(__file__).parent / "profiles"
UNITS_S = {"": 1, "s": 1, "m": 60, "h": 3600}


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
class Phase:
    """A part of a run: so many people for so long, who come or go at `spawn_rate` a second."""

    name: str
    users: int
    seconds: int
    spawn_rate: float


@dataclass(frozen=True)
class Profile:
    """A named load: how many people of which kind, for how long, and what is promised to them.

    `groups` are names for several operations at once. `stock` is how many recordings are put into the service's
    database before anybody comes.
    """

    name: str
    meaning: str
    phases: tuple[Phase, ...]
    personas: dict[str, int]
    thresholds: tuple[Threshold, ...]
    groups: dict[str, list[str]] = field(default_factory=dict)
    stock: int = 0

    @property
    def users(self) -> int:
        """The most people that come at once."""
        return max(phase.users for phase in self.phases)

    @property
    def seconds(self) -> int:
        """How long all of it takes."""
        return sum(phase.seconds for phase in self.phases)


def profile(name: str) -> Profile:
    """Read a profile. Raises FileNotFoundError."""
    content = tomllib.loads((PROFILES / f"{name}.toml").read_text(encoding="utf-8"))
    run = content.get("run", {})
    phases = [Phase(**entry) for entry in content.get("phase", [{"name": "run", **run}])]
    promised = [*endpoints(content.get("endpoints", {})), *map(threshold, content.get("threshold", []))]
    groups, stock = content.get("groups", {}), content.get("stock", 0)
    return Profile(name, content["meaning"], tuple(phases), content["personas"], tuple(promised), groups, stock)


def endpoints(entries: dict[str, dict[str, float]]) -> list[Threshold]:
    """Read the promises about each operation by itself: percentiles of its response time in ms."""
    return [
        Threshold(f"{which} of {name}", "ms", limit)
        for name, limits in entries.items()
        for which, limit in limits.items()
    ]


def threshold(entry: dict[str, Any]) -> Threshold:
    """Read one promise."""
    limit = entry["least"] if "least" in entry else entry["most"]
    return Threshold(entry["measure"], entry.get("unit", ""), limit, "least" in entry)


def profiles() -> list[str]:
    """List the profiles there are."""
    return sorted(path.stem for path in PROFILES.glob("*.toml"))


def seconds(text: str) -> int:
    """Read a length of time: `90`, `90s`, `5m`, `1h30m`. Raises ValueError, which argparse turns into a sentence."""
    if not re.fullmatch(r"\d+|(\d+h)?(\d+m)?(\d+s)?", text) or not text:
        raise ValueError(f"{text!r} is no length of time such as 90s or 5m")
    return sum(int(number) * UNITS_S[unit] for number, unit in re.findall(r"(\d+)([hms]?)", text))


def changed(chosen: Profile, users: int | None, duration_s: int | None) -> Profile:
    """Take another number of people or another length than the profile's; phases keep their proportions."""
    more = (users or chosen.users) / chosen.users
    longer = (duration_s or chosen.seconds) / chosen.seconds
    phases = [
        replace(phase, users=max(1, round(phase.users * more)), seconds=max(1, round(phase.seconds * longer)))
        for phase in chosen.phases
    ]
    return replace(chosen, phases=tuple(phases))

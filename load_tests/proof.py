"""`make proof`: a crowd of a thousand, against the service as it is and against the same service without its gate.

Takes 25 minutes a side (`--duration 5m` for a fifth of it), and prints a table for docs/capacity.md. The exit status is
that of the service as it is.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HEAD = ["measure", "promised", "with the gate", "without"]


def proved(words: Sequence[str]) -> int:
    """Run both sides, one after the other, and print what came out."""
    with tempfile.TemporaryDirectory() as folder:
        reports, statuses = [], []
        for name, more in (("with", []), ("without", ["--without-gate"])):
            place = Path(folder, f"{name}.json")
            # A process of its own for each: a run binds itself to the generator's core.
            command = [sys.executable, "-m", "load_tests", "--profile", "proof", "--json", str(place), *words, *more]
            print(f"\n{name} the gate", flush=True)
            statuses.append(subprocess.run(command, check=False).returncode)
            reports.append(json.loads(place.read_text()) if place.exists() else None)
    print(compared(*reports))
    return statuses[0]


def compared(gated: dict[str, Any] | None, open_to_all: dict[str, Any] | None) -> str:
    """Write both verdicts side by side, as Markdown."""
    if gated is None:
        return "The run with the gate came to no verdict."
    other = {entry["measure"]: entry for entry in (open_to_all or {"thresholds": []})["thresholds"]}
    rows = [
        [entry["measure"], promised(entry), figure(entry), figure(other.get(entry["measure"]))]
        for entry in gated["thresholds"]
    ]
    sides = [gated, open_to_all or {"generator_percent": "-", "load_average": ["-"]}]
    rows.append(["generator, % of a core", "<= 85", *(str(side["generator_percent"]) for side in sides)])
    rows.append(["load average, 15 min", "", *(str(side["load_average"][-1]) for side in sides)])
    lines = ["| " + " | ".join(row) + " |" for row in [HEAD, ["---"] * len(HEAD), *rows]]
    return "\n".join(["", f"{gated['users']} people at most, {gated['seconds']} s", "", *lines])


def promised(entry: dict[str, Any]) -> str:
    """Write a limit."""
    return f">= {entry['least']:g}" if "least" in entry else f"<= {entry['most']:g}"


def figure(entry: dict[str, Any] | None) -> str:
    """Write what was measured, marked where it broke the promise."""
    if entry is None:
        return "no verdict"
    value = "never" if entry["measured"] is None else f"{entry['measured']:.4g}"
    return f"{value} {entry['unit']}".strip() if entry["kept"] else f"**{value} {entry['unit']}".strip() + "**"


if __name__ == "__main__":
    sys.exit(proved(sys.argv[1:]))

"""Builds that are broken on purpose: a load test that catches none of them would catch nothing.

`python -m load_tests.broken FAULT` runs the profile `liars` against a service with a fault, and succeeds when the
load test fails for it. The fault is put into the service's processes by a module that Python imports at their start;
not a line of the service is another one.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from load_tests.console import BROKEN, load_test


@dataclass(frozen=True)
class Fault:
    """What is broken: code that runs when a module is imported; and what has to notice it, among those of `liars`."""

    meaning: str
    changes: dict[str, str]
    noticed_by: str


#: A hash that is whatever it is compared with.
BELIEVING = """
class Digest:
    def __eq__(self, other):
        return True
    def __ne__(self, other):
        return False
class Sha:
    def update(self, data):
        pass
    def digest(self):
        return Digest()
class Hashlib:
    sha256 = staticmethod(lambda *data: Sha())
module.hashlib = Hashlib
"""
FAULTS = {
    "hash": Fault(
        "nobody looks whether what was sent is what was announced",
        {
            "api.receiving": """
async def fits(self, data):
    return True
module.Receiver._fits = fits
""",
            "api.validation": BELIEVING,
        },
        "truth lies believed",
    ),
    "rounding": Fault(
        "every amount is rounded up",
        {"storage.steps": "module.half_even = lambda numerator, denominator: -(-numerator // denominator)"},
        "truth amounts that differ",
    ),
}
#: Python imports a module of this name at its start, where there is one.
AT_START = """
import importlib.abc, importlib.machinery, sys
changes = {changes!r}
class Breaker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name not in changes:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        whole = spec.loader.exec_module
        def broken(module):
            whole(module)
            exec(changes[name], {{"module": module}})
        spec.loader.exec_module = broken
        return spec
sys.meta_path.insert(0, Breaker())
"""


def caught(name: str, words: Sequence[str]) -> bool:
    """Run the load test against a broken build; whether it failed because of what had to notice."""
    fault = FAULTS[name]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "sitecustomize.py").write_text(AT_START.format(changes=fault.changes))
        verdict = Path(folder, "verdict.json")
        os.environ[BROKEN] = folder
        try:
            status = load_test(["--profile", "liars", "--json", str(verdict), *words])
        finally:
            del os.environ[BROKEN]
        found = {entry["measure"]: entry["kept"] for entry in json.loads(verdict.read_text())["thresholds"]}
    return status == 1 and not found[fault.noticed_by]


def main(words: Sequence[str]) -> int:
    """Break something: 0 it was caught, 1 it was not."""
    parser = argparse.ArgumentParser(prog="python -m load_tests.broken", description=__doc__)
    parser.add_argument("fault", choices=FAULTS)
    chosen, rest = parser.parse_known_args(words)
    found = caught(chosen.fault, rest)
    print(f"{FAULTS[chosen.fault].meaning}: {'caught' if found else 'NOT CAUGHT'}")
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

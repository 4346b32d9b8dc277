"""Measure the newest claim: recordings that nobody had seen, judged by `clean` first and examined once.

    python -m benchmarks.accuracy.claiming FOLDER

writes docs/claim.json. FOLDER holds repositories below `fresh` as owner/name; those that `repositories.tsv` marks with
*claim* are taken.
"""

import dataclasses
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.accuracy.__main__ import examined, kinds
from benchmarks.accuracy.corpus import Clip, clips
from benchmarks.accuracy.origins import claimed
from capture_validation.version import VERSION

TARGET = Path(__file__).parents[2] / "docs" / "claim.json"


def judged(clip: Clip) -> dict[str, Any]:
    """A clip's flaws, and everything that the checks say of it as it is."""
    return examined(dataclasses.replace(clip, chosen=True))


def main(arguments: Sequence[str]) -> None:
    """Measure all clips of the claim below a folder."""
    with ProcessPoolExecutor() as pool:
        rows = list(pool.map(judged, clips([Path(arguments[0]).resolve()], claimed), chunksize=4))
    told = {"library": VERSION, "kinds": kinds(rows)}
    TARGET.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(rows)} clips; {TARGET} written\n")


if __name__ == "__main__":
    main(sys.argv[1:])

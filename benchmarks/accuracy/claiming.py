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

from benchmarks.accuracy.__main__ import FACTS, examined, row, spoilt_value, tally
from benchmarks.accuracy.clean import flaws
from benchmarks.accuracy.corpus import SPOKEN, Clip, clips
from benchmarks.accuracy.defects import DEFECTS
from benchmarks.accuracy.origins import claimed
from capture_validation.version import VERSION

TARGET = Path(__file__).parents[2] / "docs" / "claim.json"
#: The checks that are right to complain where a flaw is.
EXPLAINS = {
    "noise": {"audio.signal_to_noise"},
    "little": {"audio.speech", "audio.speech_share", "audio.silence", "audio.longest_pause"},
    "pop": {"audio.handling", "audio.wind"},
    "start": {"audio.cut_start"},
    "end": {"audio.cut_end"},
    "clicks": {"audio.clicks"},
    "echo": {"audio.reverberation"},
    "clipped": {"audio.clipping", "audio.flat_top", "audio.true_peak"},
    "hum": {"audio.hum"},
    "offset": {"audio.dc_offset"},
    "zeros": {"audio.noise_gate", "audio.dropouts", "audio.encoded_gaps"},
    "narrow": {"audio.bandwidth", "audio.sample_rate"},
    "quiet": {"audio.loudness", "audio.short_term_loudness"},
}
#: What music and other sound can be wrong in: the rest is content there.
ANYWHERE = {"clipped"}
#: What is done to a clean clip of a voice, if it is the first of its collection and no longer than this (s).
SPOILT = {"white noise", "pink noise", "babble", "echo", "thumps", "start cut off", "end cut off", "noise gate"}
LONGEST_S, FIRST = 20.0, 1


def judged(clip: Clip) -> dict[str, Any]:
    """A clip's flaws, and everything that the checks say of it; of a clean voice also when spoilt."""
    found = flaws(clip.samples, clip.rate)
    if clip.kind not in SPOKEN:
        found = [name for name in found if name in ANYWHERE]
    told = examined(dataclasses.replace(clip, chosen=True))
    own = {"flaws": found, "faults": sorted(set().union(*(EXPLAINS[name] for name in found))), "own": {}}
    return told | own | {"spoilt": {} if found or clip.kind != "speech" else spoilt(clip)}


def spoilt(clip: Clip) -> dict[str, Any]:
    """What is measured on a clean clip with each defect, mild and strong; nothing for a long one, or a later one."""
    if clip.before >= FIRST or len(clip.samples) / clip.rate > LONGEST_S:
        return {}
    return {
        defect.name: [spoilt_value(clip, defect, strength) for strength in (defect.mild, defect.strong)]
        for defect in DEFECTS
        if defect.name in SPOILT
    }


def kinds(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What was told of the clean clips of each kind, and apart from it what is a fact and not inferred."""
    told = {}
    for kind in dict.fromkeys(one["kind"] for one in rows):
        clean = [one for one in rows if one["kind"] == kind and not one["flaws"]]
        wrong = [(one["clip"], wrongly(one)) for one in clean]
        told[kind] = {
            "clean": len(clean),
            "sources": len({one["source"] for one in clean}),
            "of_facts": tally(name for one in clean for name in set(one["complaints"]) & FACTS),
            "facts_alone": sum(bool(one["complaints"]) and set(one["complaints"]) <= FACTS for one in clean),
            "false_alarms": [[clip, names] for clip, names in wrong if names],
        }
    return told


def wrongly(one: dict[str, Any]) -> list[str]:
    """What is complained of on a clean clip but facts; that it is refused, where no check came to see it."""
    return sorted(set(one["complaints"]) - FACTS) if one["values"] else ["refused"]


def summed(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What docs/claim.json says."""
    return {
        "library": VERSION,
        "kinds": kinds(rows),
        "spoilt": sum(bool(one["spoilt"]) for one in rows),
        "defects": [row(defect, rows) for defect in DEFECTS if defect.name in SPOILT],
    }


def main(arguments: Sequence[str]) -> None:
    """Measure all clips of the claim below a folder."""
    with ProcessPoolExecutor() as pool:
        rows = list(pool.map(judged, clips([Path(arguments[0]).resolve()], claimed), chunksize=4))
    TARGET.write_text(json.dumps(summed(rows), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(rows)} clips; {TARGET} written\n")


if __name__ == "__main__":
    main(sys.argv[1:])

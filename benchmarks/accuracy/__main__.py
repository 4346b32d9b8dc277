"""Measure every clip clean and spoilt, and write docs/accuracy.json."""

import io
import json
import sys
import zlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from benchmarks.accuracy.clean import ANYWHERE, EXPLAINS, flaws
from benchmarks.accuracy.corpus import SPOKEN, Clip, Signal, clips
from benchmarks.accuracy.defects import DEFECTS, Defect
from benchmarks.accuracy.originals import original
from benchmarks.accuracy.own import own
from capture_validation import checks
from capture_validation.analysis import analyse
from capture_validation.profile import Profile, profile
from capture_validation.report import CheckResult, Limit, Report
from capture_validation.version import VERSION

TARGET = Path(__file__).parents[2] / "docs" / "accuracy.json"
#: What is measured and not inferred, and counted apart from false alarms: a clip that one of these complains about has
#: that fault, whoever published it. Bandwidth is among them: public clips of another time rarely reach beyond a phone.
FACTS = {
    f"audio.{name}"
    for name in (
        "sample_rate", "bandwidth", "duration", "decodable", "channels", "channel_balance", "channel_phase",
        "dc_offset", "loudness", "short_term_loudness", "true_peak", "leading_silence", "trailing_silence",
        "longest_pause", "silence",
    )
}  # fmt: skip

#: Clean clips of one collection that are spoilt in every way, and how long they may be (s); fifty analyses each are why
#: it is not all of them.
SPOILT = {"speech": 4, "conversation": 0, "ambient": 4, "music": 4}
SPOILT_S = 20.0


def report_on(samples: Signal, rate: int, rules: Profile) -> Report:
    """Examine samples as a recording is examined."""
    file = io.BytesIO()
    soundfile.write(file, samples.astype(np.float32), rate, "FLOAT", format="WAV")
    file.seek(0)
    return analyse(file, rules)


def own_report(clip: Clip) -> Report:
    """Examine a clip as the file that it came in, because an encoder leaves its marks; a part of one as a WAV."""
    if clip.file is None:
        return report_on(clip.samples, clip.rate, profile(clip.kind))
    with clip.file.open("rb") as file:
        return analyse(file, profile(clip.kind))


def alone(check: str, kind: str) -> Profile:
    """A profile that runs one check, and listens for a voice where the whole one would not let it speak without."""
    whole = profile(kind)
    names = {check} | ({"audio.speech"} if getattr(checks.published()[check], "only_in_speech", False) else set())
    return Profile(whole.name, whole.version, whole.media, {name: whole.rules[name] for name in sorted(names)})


def spoilt_value(clip: Clip, defect: Defect, strength: float) -> tuple[float | None, bool] | None:
    """What the check measures on a spoilt clip, and whether it complains; None where nothing could be spoilt."""
    random = np.random.default_rng(zlib.crc32(f"{clip.name} {defect.name}".encode()))
    samples = np.asarray(defect.spoil(clip.samples, clip.rate, strength, random), np.float32)
    found = report_on(samples, clip.rate, alone(defect.check, clip.kind))
    if np.array_equal(samples, clip.samples):
        # A gate finds no pause in a single word, and a narrow file has no band to lose.
        return None
    # A file that is refused, because the defect left nothing of it, measures nothing; one in which nobody is heard any
    # more is complained of for that.
    results = {one.name: one for one in found.checks}
    if defect.check not in results:
        return None, False
    unheard = "audio.speech" in results and complains(results["audio.speech"])
    return results[defect.check].value, complains(results[defect.check]) or unheard


def complains(result: CheckResult) -> bool:
    """Whether a contributor is told that something is wrong."""
    return result.status not in {"passed", "not_applicable"}


def examined(clip: Clip) -> dict[str, Any]:
    """Everything that is measured on one clip: clean by all checks of its profile, and, to be reported, spoilt."""
    report, found = own_report(clip), flawed(clip)
    return {
        "clip": clip.name,
        "kind": clip.kind,
        "source": clip.source,
        "chosen": clip.chosen,
        "original": original(clip),
        "flaws": found,
        "faults": sorted(set().union(*(EXPLAINS[name] for name in found))),
        "own": own(clip.samples, clip.rate),
        "outcome": report.outcome,
        "complaints": [one.name for one in report.checks if complains(one)],
        "values": {one.name: one.value for one in report.checks},
        "spoilt": {} if clip.chosen else spoilt(clip, clean=not found),
    }


def flawed(clip: Clip) -> list[str]:
    """What keeps a clip from being clean."""
    found = flaws(clip.samples, clip.rate)
    return found if clip.kind in SPOKEN else [name for name in found if name in ANYWHERE]


def spoilt(clip: Clip, *, clean: bool) -> dict[str, Any]:
    """What is measured on a clip with each defect, mild and strong; of an encoder's marks where there are none yet."""
    taken = clean and clip.before < SPOILT[clip.kind] and len(clip.samples) <= SPOILT_S * clip.rate
    unmarked = original(clip)
    return {
        defect.name: [spoilt_value(clip, defect, strength) for strength in (defect.mild, defect.strong)]
        for defect in DEFECTS
        if clip.kind in defect.kinds and (unmarked if defect.originals else taken)
    }


def auc(clean: Sequence[float], spoilt: Sequence[float], *, low_is_bad: bool) -> float | None:
    """The chance that a spoilt clip measures worse than a clean one (Mann and Whitney), 0…1."""
    if not clean or not spoilt:
        return None
    good, bad = np.array(clean), np.array(spoilt)
    good, bad = (-good, -bad) if low_is_bad else (good, bad)
    below = np.searchsorted(np.sort(good), bad, "left") + np.searchsorted(np.sort(good), bad, "right")
    return round(float(below.mean() / 2 / len(good)), 3)


def row(defect: Defect, rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """One defect over clips without it: AUC and share found at both strengths, and false alarms.

    A clip that has as much of it by itself as the mild defect adds is left out, and the AUC with it is told as well.
    What is spoilt is compared with what is clean of the same kind, because a limit belongs to a kind.
    """
    without = [one for one in rows if one["kind"] in defect.kinds and defect.check not in one["faults"]]
    without = [one for one in without if one["original"] or not defect.originals]
    clean = [one for one in without if not by_itself(defect, one)]
    limit = profile("speech").rules[defect.check].limit
    found: dict[str, Any] = {"defect": defect.name, "check": defect.check, "unit": defect.unit, "clips": len(clean),
                             "by_themselves": len(without) - len(clean)}  # fmt: skip
    for number, name in enumerate(("mild", "strong")):
        spoilt = spoilings(defect, clean, number)
        found[name] = {
            "strength": (defect.mild, defect.strong)[number],
            "auc": separation(defect, clean, number),
            "auc_with": separation(defect, without, number),
            "spoilt": len(spoilt),
            # What is only a fact has no limit, and nobody complains of it.
            "found": None if limit == Limit() else round(sum(told for _, told in spoilt) / max(len(spoilt), 1), 3),
        }
    found["false_alarms"] = {
        kind: [sum(defect.check in one["complaints"] for one in without if one["kind"] == kind), count]
        for kind in defect.kinds
        if (count := sum(one["kind"] == kind for one in without))
    }
    return found


def by_itself(defect: Defect, one: dict[str, Any]) -> bool:
    """Whether a clip has a defect as strongly as the mild one by itself, by another measure than the check's."""
    value = one["own"].get(defect.own)
    return value is not None and value < defect.below


def separation(defect: Defect, rows: Sequence[dict[str, Any]], number: int) -> float | None:
    """The AUC of one strength on some clips and what was made of them, each kind by itself."""
    low = not defect.high and profile("speech").rules[defect.check].limit.minimum is not None
    parts = []
    for kind in defect.kinds:
        same = [one for one in rows if one["kind"] == kind]
        clean = [value for one in same if (value := one["values"].get(defect.check)) is not None]
        measured = [value for value, _ in spoilings(defect, same, number) if value is not None]
        if (found := auc(clean, measured, low_is_bad=low)) is not None:
            parts.append((found, len(measured)))
    every = sum(count for _, count in parts)
    return round(sum(found * count for found, count in parts) / every, 3) if every else None


def spoilings(defect: Defect, clean: Sequence[dict[str, Any]], number: int) -> list[tuple[float | None, bool]]:
    """What was measured, and whether it was told, of those clips that could be spoilt with one strength."""
    return [done[number] for one in clean if (done := one["spoilt"].get(defect.name)) and done[number]]


def half(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Everything that is reported of one half."""
    originals = {defect.name for defect in DEFECTS if defect.originals}
    done = tally(one["kind"] for one in rows if one["spoilt"].keys() - originals)
    return {"clean": kinds(rows), "spoilt": done, "defects": [row(defect, rows) for defect in DEFECTS] if done else []}


def kinds(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What was told of the clips of each kind, and of the clean ones; apart from it what is a fact and not inferred."""
    told = {}
    for kind in dict.fromkeys(one["kind"] for one in rows):
        every = [one for one in rows if one["kind"] == kind]
        clean = [one for one in every if not one["flaws"]]
        wrong = [(one["clip"], wrongly(one)) for one in clean]
        told[kind] = {
            "clips": len(every),
            "not_passed": sum(one["outcome"] != "passed" for one in every),
            "flaws": tally(name for one in every for name in one["flaws"]),
            "by_check": tally(name for one in every for name in one["complaints"]),
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


def tally(names: Iterable[str]) -> dict[str, int]:
    """How often each name comes, the most frequent first."""
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def outcomes(folder: Path) -> list[dict[str, Any]]:
    """What the profile of its kind says of every recording in the folder `media`."""
    told = []
    for file in sorted(folder.glob("*_*")):
        kind = next((kind for kind in ("speech", "ambient", "music", "video") if file.name.startswith(kind)), None)
        if kind is not None:
            with file.open("rb") as opened:
                report = analyse(opened, profile(kind))
            complaints = [one.name for one in report.checks if complains(one)]
            told.append({"file": file.name, "profile": kind, "outcome": report.outcome, "complaints": complaints})
    return told


def main(arguments: Sequence[str]) -> None:
    """Measure all clips below the folders, the first of which is the one of test media."""
    folders = [Path(argument).resolve() for argument in arguments]
    with ProcessPoolExecutor() as pool:
        rows = list(pool.map(examined, clips(folders), chunksize=4))
    told = {
        "library": VERSION,
        "halves": {
            name: half([one for one in rows if one["chosen"] is chosen])
            for name, chosen in (("chosen", True), ("reported", False))
        },
        "media": outcomes(folders[0]),
    }
    TARGET.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(rows)} clips of {len({one['source'] for one in rows})} sources; {TARGET} written\n")


if __name__ == "__main__":
    main(sys.argv[1:])

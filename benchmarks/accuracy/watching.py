"""Measure every take clean, and those that are reported spoilt as well, beside FFmpeg's blurdetect.

Run as `python -m benchmarks.accuracy.watching FOLDER...`; the first folder is the one of test media. It writes
docs/accuracy_video.json. With `--costs` before the folders only the cost of each check is measured anew, in half a
minute, for when the machine is quiet.
"""

import json
import sys
import time
import zlib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import av
import av.filter
import cv2
import numpy as np

from benchmarks.accuracy.__main__ import auc, complains, tally
from benchmarks.accuracy.spoiling import DEFECTS, Defect, Shots
from benchmarks.accuracy.takes import OWN_DEFECTS, Take, frame, grey, takes
from capture_validation import checks
from capture_validation.analysis import Watching
from capture_validation.check import VideoCheck
from capture_validation.decode import TrackEnd, VideoTrack
from capture_validation.pictures import Scaler
from capture_validation.profile import Profile, profile
from capture_validation.report import CheckResult
from capture_validation.version import VERSION

TARGET = Path(__file__).parents[2] / "docs" / "accuracy_video.json"
#: What single pictures are spoilt at, for the checks that need every picture; the others look at the whole size.
SMALL = 640
#: Levels of 255 between a take and what was made of it, in the mean, below which nothing was spoilt.
UNSPOILT = 0.25
#: The size at which the cost of each check is measured, over one second.
COST_SIZE, RATE = (1920, 1080), 30


def track(width: int, height: int) -> VideoTrack:
    """A track of these pictures."""
    return VideoTrack(codec="h264", width=width, height=height, coded_width=width, coded_height=height, rotation_deg=0,
                      pixel_aspect=1.0, frame_rate_avg=30.0, claimed_duration_s=None, bit_rate=None,
                      pixel_format="yuv420p", color_transfer="bt709", interlaced=False)  # fmt: skip


def verdicts(shots: Shots, names: Sequence[str], defect: Defect | None = None, strength: float = 0.0,
             seed: str = "") -> tuple[CheckResult, ...]:  # fmt: skip
    """What some checks say of pictures; a defect of single pictures is done to those that they look at."""
    rules = profile("video")
    random = np.random.default_rng(zlib.crc32(seed.encode()))
    height, width = shots[0][1].shape
    watching = Watching(track(width, height), Profile("video", 1, "video", {name: rules.rules[name] for name in names}))
    scaler = Scaler()
    every = any(not check.frames_per_second for check in watching.checks)
    for at_s, picture in shots:
        # Pictures that no check asks for are not made at all.
        if not every and all(at_s < due for due in watching.due_s):
            continue
        spoilt = defect.one(picture, at_s, strength, random) if defect and defect.one else picture
        watching.take(frame(grey(spoilt), at_s, 1 / RATE, scaler))
    shown = shots[-1][0] - shots[0][0] + 1 / RATE
    return watching.results(TrackEnd(decoded_duration_s=shown, packets=len(shots), frames=len(shots)))


def spoilt(take: Take, defect: Defect, strength: float) -> tuple[float | None, bool] | None:
    """What the check measures on a spoilt take, and whether it complains; None where nothing could be spoilt."""
    shots = small(take) if needs_every(defect) else list(zip(take.times, take.pictures, strict=True))
    seed = f"{take.name} {defect.name}"
    if defect.all:
        clean = shots
        shots = defect.all(shots, strength, np.random.default_rng(zlib.crc32(seed.encode())))
        if same(clean, shots):
            return None
    found = verdicts(shots, [defect.check], defect, strength, seed)[0]
    return found.value, complains(found)


def same(clean: Shots, shots: Shots) -> bool:
    """Whether a take is what it was: pictures of a scene in which nothing moves can be repeated and woven for ever."""
    if [at_s for at_s, _ in clean] != [at_s for at_s, _ in shots]:
        return False
    apart = [cv2.norm(one, other, cv2.NORM_L1) / one.size for (_, one), (_, other) in zip(clean, shots, strict=True)]
    return float(np.mean(apart)) < UNSPOILT


def needs_every(defect: Defect) -> bool:
    """Whether the check asks for every picture, so that smaller ones have to do."""
    check = checks.published()[defect.check]
    return issubclass(check, VideoCheck) and not check.frames_per_second


def small(take: Take) -> Shots:
    """The take at a long side of 640 pixels."""
    scale = min(1.0, SMALL / max(take.pictures[0].shape))
    size = tuple(round(side * scale) for side in take.pictures[0].shape[::-1])
    return [(at_s, np.asarray(cv2.resize(one, size, interpolation=cv2.INTER_AREA), np.uint8))
            for at_s, one in zip(take.times, take.pictures, strict=True)]  # fmt: skip


def blurdetect(take: Take, defect: Defect | None = None, strength: float = 0.0) -> float | None:
    """The worst quarter of what FFmpeg's filter says of four pictures a second, at 640 pixels."""
    random = np.random.default_rng(zlib.crc32(take.name.encode()))
    values, due = [], 0.0
    for at_s, picture in small(take):
        if at_s < due:
            continue
        due = at_s + 0.25 - 1e-6
        seen = defect.one(picture, at_s, strength, random) if defect and defect.one else picture
        values.append(asked(np.ascontiguousarray(seen)))
    known = [value for value in values if value is not None]
    return float(np.percentile(known, 75)) if known else None


def asked(picture: np.ndarray) -> float | None:
    """What blurdetect writes beside one picture."""
    graph = av.filter.Graph()
    shown: Any = av.VideoFrame.from_ndarray(picture, "gray")
    source = graph.add_buffer(width=shown.width, height=shown.height, format="gray", time_base=1)
    graph.link_nodes(source, graph.add("blurdetect"), graph.add("buffersink")).configure()
    shown.pts = 0
    graph.push(shown)
    out: Any = graph.pull()
    value = float(dict(out.metadata).get("lavfi.blur", "nan"))
    return None if np.isnan(value) else value


def examined(take: Take) -> dict[str, Any]:
    """Everything that is measured on one take: clean by all checks, and spoilt in every way if it is reported."""
    return cleanly(take) | ({} if take.chosen else worsened(take))


def cleanly(take: Take) -> dict[str, Any]:
    """What all checks say of a take as it is."""
    cv2.setNumThreads(1)
    names = sorted(name for name in profile("video").rules if name.startswith("video.") and name not in
                   {"video.sound", "video.sound_length", "video.duration", "video.decodable"})  # fmt: skip
    clean = verdicts(list(zip(take.times, take.pictures, strict=True)), names)
    by_small = verdicts(small(take), sorted({one.check for one in DEFECTS if needs_every(one)}))
    return {
        "take": take.name,
        "source": take.source,
        "chosen": take.chosen,
        "seconds": take.times[-1],
        "values": {one.name: one.value for one in (*clean, *by_small)},
        "complaints": [one.name for one in clean if complains(one)],
    }


def worsened(take: Take) -> dict[str, Any]:
    """What the checks and the peer say of a take that was spoilt in every way."""
    return {
        "spoilt": {one.name: [spoilt(take, one, strength) for strength in (one.mild, one.strong)] for one in DEFECTS},
        "peer": {
            "clean": blurdetect(take),
            **{one.name: [blurdetect(take, one, strength) for strength in (one.mild, one.strong)]
               for one in DEFECTS if one.peer},
        },
    }  # fmt: skip


def row(defect: Defect, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One defect over takes: AUC and share found at both strengths, the peer's AUC, and false alarms on clean takes.

    Takes that have the defect by themselves are left out; `auc_of_all` is what it would be with them. Of the half that
    limits may be chosen by only the false alarms are told.
    """
    limit = profile("video").rules[defect.check].limit
    every, rows = rows, [one for one in rows if defect.name not in OWN_DEFECTS.get(one["take"], ())]
    clean = [value for one in rows if (value := one["values"].get(defect.check)) is not None]
    found: dict[str, Any] = {"defect": defect.name, "check": defect.check, "unit": defect.unit, "takes": len(rows)}
    found["false_alarms"] = sum(defect.check in one["complaints"] for one in rows)
    spoilt_rows = all("spoilt" in one for one in rows)
    for number, name in enumerate(("mild", "strong") if spoilt_rows else ()):
        told = told_of(defect, number, rows)
        values = [value for value, _ in told if value is not None]
        found[name] = {
            "strength": (defect.mild, defect.strong)[number],
            "takes": len(told),
            "auc": auc(clean, values, low_is_bad=limit.minimum is not None),
            "auc_of_all": auc_of_all(defect, number, every),
            "found": round(sum(complained for _, complained in told) / max(len(told), 1), 3),
        }
        if defect.peer:
            good = [value for one in rows if (value := one["peer"]["clean"]) is not None]
            bad = [value for one in rows if (value := one["peer"][defect.name][number]) is not None]
            found[name]["peer_auc"] = auc(good, bad, low_is_bad=False)
    return found


def told_of(defect: Defect, number: int, rows: Sequence[dict[str, Any]]) -> list[tuple[float | None, bool]]:
    """What was measured on the takes that were spoilt at one strength."""
    told = [one["spoilt"][defect.name][number] for one in rows if one["seconds"] >= defect.least_s]
    return [one for one in told if one is not None]


def auc_of_all(defect: Defect, number: int, rows: Sequence[dict[str, Any]]) -> float | None:
    """The AUC at one strength over all takes, also those that have the defect by themselves."""
    clean = [value for one in rows if (value := one["values"].get(defect.check)) is not None]
    told = [value for value, _ in told_of(defect, number, rows)]
    limit = profile("video").rules[defect.check].limit
    return auc(clean, [value for value in told if value is not None], low_is_bad=limit.minimum is not None)


def half(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Everything that is reported of one half."""
    return {
        "takes": len(rows),
        "sources": len({one["source"] for one in rows}),
        "clean_by_check": tally(name for one in rows for name in one["complaints"]),
        "complaints": {one["take"]: one["complaints"] for one in rows if one["complaints"]},
        "defects": [row(defect, rows) for defect in DEFECTS],
    }


def costs(take: Take) -> dict[str, float]:
    """CPU milliseconds that each check takes for a second of 1080p alone, with the views that it asks for."""
    scaler, found = Scaler(), {}
    rules = profile("video").rules
    frames = [grey(np.asarray(cv2.resize(picture, COST_SIZE), np.uint8)) for picture in take.pictures[:RATE]]
    for name in sorted({defect.check for defect in DEFECTS}):
        best = np.inf
        for _ in range(5):
            watching = Watching(track(*COST_SIZE), Profile("video", 1, "video", {name: rules[name]}))
            begun = time.process_time()
            for number, one in enumerate(frames):
                watching.take(frame(one, number / RATE, 1 / RATE, scaler))
            watching.results(TrackEnd(decoded_duration_s=1.0, packets=len(frames), frames=len(frames)))
            best = min(best, time.process_time() - begun)
        found[name] = round(1000 * best * RATE / len(frames), 2)
    return found


def main(arguments: Sequence[str]) -> None:
    """Measure all takes below the folders, or only what the checks cost."""
    cv2.setNumThreads(1)
    every = list(takes([Path(argument).resolve() for argument in arguments if argument != "--costs"]))
    largest = max(every, key=lambda take: take.pictures[0].size)
    if "--costs" in arguments:
        told = json.loads(TARGET.read_text(encoding="utf-8"))
    else:
        with ProcessPoolExecutor(2) as pool:
            rows = list(pool.map(examined, every))
        halves = (("chosen", True), ("reported", False))
        dealt = {name: half([one for one in rows if one["chosen"] is chosen]) for name, chosen in halves}
        told = {"library": VERSION, "halves": dealt}
    told["cost_ms"] = costs(largest)
    TARGET.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(every)} takes of {len({one.source for one in every})} sources; {TARGET} written\n")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Pictures: recall per transform, strangers of the same camera, cost and size."""

import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from benchmarks.duplicates.corpus import frames
from benchmarks.duplicates.pdq import Peer
from benchmarks.duplicates.video_transforms import OFF_CENTRE, Clip, Shown, excerpt, transforms
from capture_validation.duplicates.memory import MemoryIndex
from capture_validation.duplicates.video import VideoFingerprint, VideoFingerprinter
from capture_validation.duplicates.video_match import THRESHOLD, match_video
from capture_validation.duplicates.visual_words import posted

#: Files that show one recording (groups D7, D8, D9, D10, D11 of the media's MANIFEST.md) are no strangers.
SAME = ("face", "station", "courtyard", "pattern", "rabbit")
PIECE_S = 7.0


def clips(folder: Path) -> dict[str, Clip]:
    """Clips of 4 to 9 s; a longer file gives up to four pieces, which are strangers of the same camera."""
    out: dict[str, Clip] = {}
    for path in sorted(folder.glob("video_*")):
        clip = frames(path)
        length = clip[-1][0]
        if 3.9 <= length < 13:
            out[path.stem] = clip if length < 9.5 else excerpt(clip, 9)
        for piece in range(min(4, int(length // PIECE_S)) if length >= 13 else 0):
            start = piece * PIECE_S
            out[f"{path.stem} #{piece}"] = [(at - start, shown) for at, shown in clip if start <= at < start + PIECE_S]
    return out


def print_of(clip: Clip) -> VideoFingerprint:
    """The fingerprint of a clip."""
    watcher = VideoFingerprinter()
    for at_s, picture in clip:
        watcher.feed(Shown(at_s, picture))  # type: ignore[arg-type]
    return watcher.finish()


def same(one: str, two: str) -> bool:
    """Whether two clips may share pictures; pieces of one file do not, but a piece and another file of it may."""
    if one == two:
        return True
    group = next((name for name in SAME if name in one), None)
    return group is not None and group in two and one.split(" #", maxsplit=1)[0] != two.split(" #", maxsplit=1)[0]


def main(folder: Path) -> None:
    """Hold every clip, ask for every copy of every clip, print one table."""
    held = clips(folder)
    names = list(held)
    begin = time.process_time()
    prints = [print_of(clip) for clip in held.values()]
    cpu = time.process_time() - begin
    stored = [VideoFingerprint.from_bytes(one.stored().to_bytes()) for one in prints]
    seconds = sum(one.seconds for one in prints)
    index = MemoryIndex()
    for number, one in enumerate(stored):
        index.post(number, posted(one))
    size = sum(len(one.to_bytes()) for one in stored)
    print(
        f"\nheld: {len(names)} clips, {seconds:.0f} s; fingerprint {cpu / seconds * 10:.2f} CPU s per 10 s (goal 0.3)"
    )
    print(f"stored: {size / seconds * 0.06:.0f} kB/min (goal 110), {len(index) / seconds * 60:.0f} words/min")
    recall: dict[str, list[bool]] = defaultdict(list)
    strangers: list[tuple[float, str, str, str]] = []
    cost: list[float] = []
    peer = Peer(held, same)
    for name, clip in held.items():
        for transform, change in transforms().items():
            made = change(clip, np.random.default_rng(1))
            new = print_of(made)
            peer.look(transform, name, made)
            begin = time.process_time()
            found = {names[match.recording]: match for match in match_video(new, index.find, stored.__getitem__)}
            cost.append((time.process_time() - begin) / max(1, len(names)))
            recall[transform].append(name in found and found[name].verdict == "duplicate")
            wrong = {other: match for other, match in found.items() if not same(name, other)}
            strangers += [(match.strength, transform, name, other) for other, match in wrong.items()]
    _report(recall, sorted(strangers, reverse=True), cost)
    peer.report()


def _report(recall: dict[str, list[bool]], strangers: list[tuple[float, str, str, str]], cost: list[float]) -> None:
    wrong = sum(strength >= THRESHOLD for strength, *_ in strangers)
    print(f"false accusations: {wrong} of {len(strangers)} strangers that show one place")
    print(f"strongest strangers: {strangers[:3]}")
    print(f"{1e3 * float(np.mean(cost)):.1f} CPU ms per candidate (goal 60)\n\n| Transform | Recall |\n|---|---|")
    for name, results in recall.items():
        print(f"| {name} | {np.mean(results):.3f} |")
    off = np.mean([np.mean(recall[name]) for name in OFF_CENTRE])
    mean = np.mean([np.mean(one) for one in recall.values()])
    print(f"| **mean** | **{mean:.3f}** |\n| **off centre** | **{off:.3f}** |")

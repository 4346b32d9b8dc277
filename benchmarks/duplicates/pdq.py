"""A peer for pictures: PDQ hashes of frames, compared as vPDQ does, where the package `pdqhash` is installed.

vPDQ has no wheel and needs FFmpeg's headers; its hash is this one. A copy's score is the share of its frames, one a
second, whose hash differs in at most 31 of 256 bits from one of the other (Facebook, "The TMK+PDQF video-hashing
algorithm and the PDQ image-hashing algorithm", 2019; vPDQ's README), and it is a copy from 80 % on.
"""

import importlib
import importlib.util
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.duplicates.video_transforms import Clip

INSTALLED = importlib.util.find_spec("pdqhash") is not None
SAME_FRAME, QUALITY, COPY = 31, 50, 0.8
Hashes = NDArray[np.bool_]


def hashes(clip: Clip) -> Hashes:
    """The hash of a frame a second, bool (frames, 256), of those that have enough to see."""
    pdqhash: Any = importlib.import_module("pdqhash")
    out, due = [], 0.0
    for at, picture in clip:
        if at < due - 1e-3:
            continue
        due += 1.0
        vector, quality = pdqhash.compute(cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB))
        if quality >= QUALITY:
            out.append(vector.astype(bool))
    return np.array(out, bool).reshape(-1, 256)


def score(new: Hashes, held: Hashes) -> float:
    """Share of the new one's frames that the other one shows too, 0…1."""
    if not len(new) or not len(held):
        return 0.0
    apart = (new[:, None] != held[None]).sum(axis=2)
    return float((apart.min(axis=1) <= SAME_FRAME).mean())


class Peer:
    """What PDQ says of the same clips and copies."""

    def __init__(self, held: dict[str, Clip], same: Callable[[str, str], bool]) -> None:
        self.held = {name: hashes(clip) for name, clip in held.items()} if INSTALLED else {}
        self.found: dict[str, list[bool]] = defaultdict(list)
        self.wrong = 0
        self._same = same

    def look(self, transform: str, name: str, made: Clip) -> None:
        """Compare a copy of one clip with all."""
        if not self.held:
            return
        own = hashes(made)
        self.found[transform].append(score(own, self.held[name]) >= COPY)
        others = [held for other, held in self.held.items() if not self._same(name, other)]
        self.wrong += sum(score(own, held) >= COPY for held in others)

    def report(self) -> None:
        """Print recall by transform, and how many strangers were accused."""
        recall = {name: float(np.mean(results)) for name, results in self.found.items()}
        if recall:
            print(f"PDQ: mean {np.mean(list(recall.values())):.3f}, {self.wrong} strangers accused; {recall}")

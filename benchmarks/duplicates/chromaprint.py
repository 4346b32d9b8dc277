"""Chromaprint as a peer: `fpcalc -raw` where it is on the path, compared by brute-force bit error rate.

Its own index looks up exact words first and would find less; brute force is the most it can do.
"""

import io
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmarks.duplicates.audio_transforms import Samples

#: Share of differing bits that counts as found. Stricter than the 0.35 of Haitsma and Kalker (ISMIR 2002), but fixed
#: and not set from strangers as our own limit is: this column flatters the peer.
LIMIT = 0.26
#: Words of 0.124 s that have to overlap.
SHORTEST = 8

Words = NDArray[np.uint32]


def raw(samples: Samples, rate: int) -> Words:
    """The fingerprint, uint32 (n,); empty without fpcalc or when it refuses."""
    if shutil.which("fpcalc") is None:
        return np.zeros(0, np.uint32)
    file = io.BytesIO()
    soundfile.write(file, np.clip(samples, -1, 1), rate, format="WAV")
    with tempfile.NamedTemporaryFile(suffix=".wav") as wave:
        Path(wave.name).write_bytes(file.getvalue())
        answer = subprocess.run(
            ["fpcalc", "-raw", "-length", "0", wave.name], capture_output=True, text=True, check=False
        )
    line = next((line for line in answer.stdout.splitlines() if line.startswith("FINGERPRINT=")), "")
    return np.array([int(word) for word in line[12:].split(",") if word], np.int64).astype(np.uint32)


def distance(held: Words, new: Words) -> float:
    """The smallest share of differing bits over all offsets, 0…1; 1 with too little overlap."""
    best = 1.0
    need = min(SHORTEST, len(held), len(new))
    if need < 4:
        return best
    for offset in range(need - len(new), len(held) - need + 1):
        low, high = max(0, offset), min(len(held), len(new) + offset)
        wrong = np.bitwise_count(held[low:high] ^ new[low - offset : high - offset]).sum()
        best = min(best, float(wrong) / 32 / (high - low))
    return best

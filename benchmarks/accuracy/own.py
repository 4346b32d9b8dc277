"""What a clip has of a defect by itself, where that is a fact and no flaw: by other measures than the checks'."""

import numpy as np

from benchmarks.accuracy.clean import STEP_S, decibel, levels
from benchmarks.accuracy.corpus import Signal

#: What is so far (dB) under the loudest twentieth of all that is heard is a wait.
WAIT_DB = 40.0


def own(samples: Signal, rate: int) -> dict[str, float]:
    """How far the quietest channel is under the loudest (dB), and how long nothing is heard at the end (s); ≤ 0."""
    even = samples - samples.mean(axis=0, dtype=np.float64)
    channels, heard = decibel((even**2).mean(axis=0)), levels(even.mean(axis=1), rate)
    sounds = np.flatnonzero(heard > np.percentile(heard, 95) - WAIT_DB)
    return {
        "balance_db": float(channels.min() - channels.max()),
        "wait_s": STEP_S * float(sounds[-1] + 1 - len(heard)),
    }

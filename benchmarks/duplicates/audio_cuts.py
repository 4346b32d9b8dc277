"""What people cut out of a recording: pauses, slips of the tongue, everything but the best moments, or its order.

Asked for with `--cuts`. The pieces that are left are too short, or lie at too many lags, to be found as one excerpt.
"""

import numpy as np

from benchmarks.duplicates.audio_transforms import RATE, Samples, Transform, level, stretched

#: A pause is a quarter of a second 28 dB below what is said; a twelfth of a second of it stays.
PAUSE_S, BELOW_DB, STAYS_S = 0.25, 28.0, 0.08
#: What is judged by itself when pauses are looked for.
FRAME = RATE // 50
#: Sources are as long as this, so that several pieces are left of each.
SHORTEST_S = 8.0


def pauses(samples: Samples) -> list[tuple[int, int]]:
    """Where nothing is said, as (first sample, one past the last)."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    quiet = np.sqrt((frames**2).mean(axis=1)) < level(samples) * 10 ** (-BELOW_DB / 20)
    edges = np.flatnonzero(np.diff(quiet, prepend=False, append=False)).reshape(-1, 2) * FRAME
    return [(int(first), int(last)) for first, last in edges if last - first >= PAUSE_S * RATE]


def without_pauses(samples: Samples) -> Samples:
    """The recording as an app's button for it leaves it."""
    parts, at, stays = [], 0, int(STAYS_S * RATE / 2)
    for first, last in pauses(samples):
        parts.append(samples[at : first + stays])
        at = last - stays
    return np.concatenate([*parts, samples[at:]])


def kept(samples: Samples, random: np.random.Generator, keep_s: tuple[float, float]) -> Samples:
    """So many seconds stay, half to a whole one go, again and again."""
    parts, at = [], 0
    while at < len(samples):
        size = int(random.uniform(*keep_s) * RATE)
        parts.append(samples[at : at + size])
        at += size + int(random.uniform(0.5, 1.0) * RATE)
    return np.concatenate(parts)


def reordered(samples: Samples, random: np.random.Generator, seconds: float) -> Samples:
    """Pieces of so many seconds in another order."""
    size = int(seconds * RATE)
    parts = [samples[at : at + size] for at in range(0, len(samples), size)]
    return np.concatenate([parts[number] for number in random.permutation(len(parts))])


def between(samples: Samples, other: Samples, seconds: float) -> Samples:
    """So many seconds of the recording and of another one in turn."""
    size = int(seconds * RATE)
    strange = np.resize(other, len(samples))
    parts = [part[at : at + size] for at in range(0, len(samples), size) for part in (samples, strange)]
    return np.concatenate(parts)


def cuts(music: Samples) -> dict[str, Transform]:
    """Every way to cut by name; `music` is of a recording that is not copied."""
    return {
        "pauses cut out": lambda y, r, n: (without_pauses(y), RATE),
        "pauses cut out, tempo +3 %": lambda y, r, n: (stretched(without_pauses(y), 1.03), RATE),
        "2 to 4 s stay": lambda y, r, n: (kept(y, r, (2.0, 4.0)), RATE),
        "1.5 to 2.5 s stay": lambda y, r, n: (kept(y, r, (1.5, 2.5)), RATE),
        "1 to 1.5 s stay": lambda y, r, n: (kept(y, r, (1.0, 1.5)), RATE),
        "pieces of 4 s in another order": lambda y, r, n: (reordered(y, r, 4.0), RATE),
        "pieces of 2 s in another order": lambda y, r, n: (reordered(y, r, 2.0), RATE),
        "2 s, then 2 s of music": lambda y, r, n: (between(y, music, 2.0), RATE),
    }

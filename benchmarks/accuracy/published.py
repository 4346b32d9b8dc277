"""Faults that a public clip was published with, seen by another measure than that of the check which looks for them.

The voices of a game under water die away over a second and a half, and who complains about that is right. Such a clip
says nothing of how well echo is told from none; the check itself must not be the one to say so.
"""

import numpy as np

from benchmarks.accuracy.corpus import Signal

#: Steps of levels in seconds, and how far under its loudest twentieth the last loud moment may lie (dB).
STEP_S, LOUD_DB = 0.01, 10.0
#: Between these (dB under the moment a voice stopped) the decay is followed: T20 of ISO 3382-2, interrupted noise.
FROM_DB, TO_DB = 5.0, 25.0
#: What is left at the end of that is at least so much quieter (dB): a noise of the room stays as it is.
FADED_DB = 15.0
#: An echo dies away along a straight line; a voice that fades, or a room noise that stays, does not.
STRAIGHT = 0.97
#: Seconds in which a room that reverberates loses 60 dB; a furnished one needs half of that.
ECHO_S = 1.3


def faults(samples: Signal, rate: int) -> list[str]:
    """The checks that are right to complain about a clip of speech; takes float32 (samples, channels)."""
    seconds = decay_s(samples, rate)
    return ["audio.reverberation"] if seconds is not None and seconds >= ECHO_S else []


def decay_s(samples: Signal, rate: int) -> float | None:
    """Seconds in which the sound would lose 60 dB after the last word; None where it does not die away straight."""
    length = round(rate * STEP_S)
    frames = samples[: len(samples) // length * length].astype(np.float64).reshape(-1, length, samples.shape[1])
    powers = (frames**2).mean(axis=(1, 2)) + 1e-12
    levels = 10 * np.log10(powers)
    loud = np.flatnonzero(levels > np.percentile(levels, 95) - LOUD_DB)
    # Energy still to come (Schroeder's integration), which falls as smoothly as the room lets it.
    left = 10 * np.log10(np.cumsum(powers[loud[-1] :][::-1])[::-1])
    under = left[0] - left
    heard = levels[loud[-1] :]
    followed = np.flatnonzero((under >= FROM_DB) & (under <= TO_DB))
    # A noise that stays ends with the file, and so does its integral.
    if under[-1] < TO_DB or len(followed) < 5 or heard[0] - heard[followed[-3:]].mean() < FADED_DB:
        return None
    slope, _ = np.polyfit(followed * STEP_S, under[followed], 1)
    straight = np.corrcoef(followed, under[followed])[0, 1] ** 2
    return float(60 / slope) if straight >= STRAIGHT else None

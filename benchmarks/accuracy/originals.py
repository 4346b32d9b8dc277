"""Which clips were never encoded: only these can show what an encoder leaves."""

from pathlib import Path
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from benchmarks.accuracy.clean import narrow
from benchmarks.accuracy.corpus import Clip, Signal

#: What may never have been encoded comes in one of these.
LOSSLESS = {".wav", ".flac", ".aiff"}
#: Seconds of one level.
STEP_S = 0.02
#: What was never encoded reaches the top: above the first of these (Hz) it is at most so much (dB) quieter than between
#: the other two.
TOP_HZ, BELOW_HZ, FALLS_DB = 16000.0, (8000.0, 12000.0), 20.0


def original(clip: Clip) -> bool:
    """Whether a clip comes without loss, shows no edge of an encoder, and has a band that one could cut off."""
    if Path(clip.name).suffix.lower() not in LOSSLESS or not reaches_top(clip.samples, clip.rate):
        return False
    mono = clip.samples.mean(axis=1, dtype=np.float64)
    return not narrow(mono - mono.mean(), clip.rate)


def reaches_top(samples: Signal, rate: int) -> bool:
    """Whether nothing cut the sound off below 16 kHz, as encoders of few bits do: the mark that is looked for."""
    if rate < 2.5 * TOP_HZ:
        return False
    high, below = (loudest_db(samples, rate, band) for band in ((TOP_HZ, 0.49 * rate), BELOW_HZ))
    return below - high < FALLS_DB


def loudest_db(samples: Signal, rate: int, band_hz: tuple[float, float]) -> float:
    """The loudest hundredth of what lies in a band, in steps of 20 ms (dBFS)."""
    sections = scipy.signal.butter(6, band_hz, "band", fs=rate, output="sos")
    heard = scipy.signal.sosfilt(sections, samples.astype(np.float64), axis=0)
    return float(10 * np.log10(loudest(heard, rate) + 1e-14))


def loudest(samples: NDArray[Any], rate: int) -> float:
    """The power of the loudest hundredth of a sound, in steps of 20 ms."""
    length = round(rate * STEP_S)
    steps = samples[: len(samples) // length * length].reshape(-1, length * samples.shape[1])
    return float(np.percentile((steps**2).mean(axis=1), 99))

"""Landmarks: the peaks of sound that survive what people do to a file.

A spectral peak that stands out from the slow background of its own frequency is still there after a codec, a
loudspeaker or a noisy room. Peaks alone are everywhere; pairs of peaks at a certain distance are rare enough to look
up. After Wang, "An industrial-strength audio search algorithm", ISMIR 2003, with the background subtracted per bin.
"""

import cv2
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from capture_validation.duplicates.narrow_spectra import Powers

Frames = NDArray[np.int64]
Places = NDArray[np.float64]

#: Bins looked at: 250…3,400 Hz.
LOW, HIGH = 16, 218
#: Peaks kept of every second, the most prominent first, and the frames of that second.
PER_SECOND, SECOND = 30, 62
#: Frames of context a spectrum needs on either side, so that the result does not depend on where a chunk was cut.
CONTEXT = 2 * 62
#: The background of a bin is its mean over 3 s; a peak has to stand out from it by 4 dB.
BACKGROUND, STANDS_OUT = 187, 4.0
#: A peak is the largest value within ± 5 frames (80 ms) and ± 7 bins (110 Hz).
NEAR_FRAMES, NEAR_BINS = 11, 15
#: Peaks 40 dB below the loudest of their second, or at −112 dBFS, are what a codec left of silence.
BELOW_LOUDEST, SILENCE = 40.0, -70.0


class Landmarks(Struct, frozen=True):
    """Peaks second by second: `frame` (n,), units of 16 ms, and `bin` (n,), units of 15.6 Hz, both with fractions."""

    frame: Places
    bin: Places


def landmarks(power: Powers, first: int, last: int) -> Landmarks:
    """The peaks of spectra `first` to `last`; those before and after are context.

    `power`: float32 (frames, BINS). `first` is the start of a second. Frames are counted from row 0.
    """
    level = 10 * np.log10(power[:, LOW:HIGH] + np.float32(1e-9))
    contrast = level - cv2.blur(level, (1, BACKGROUND), borderType=cv2.BORDER_REPLICATE)
    frame, column = _local_maxima(level, contrast, first, last)
    kept = _most_prominent(contrast, frame, column)
    frame, column = frame[kept], column[kept]
    return Landmarks(frame + _later(contrast, frame, column), column + LOW + _higher(contrast, frame, column))


def _local_maxima(level: Powers, contrast: Powers, first: int, last: int) -> tuple[Frames, Frames]:
    around = np.ones((NEAR_FRAMES, NEAR_BINS), np.uint8)
    largest = cv2.dilate(contrast, around)[first:last]
    loudest = cv2.dilate(level.max(axis=1)[:, None], np.ones((SECOND + 1, 1), np.uint8))[first:last]
    own, height = contrast[first:last], level[first:last]
    peak = (own == largest) & (own > STANDS_OUT) & (height > loudest - BELOW_LOUDEST) & (height > SILENCE)
    frame, column = np.nonzero(peak)
    return frame + first, column


def _most_prominent(contrast: Powers, frame: Frames, column: Frames) -> Frames:
    """Indices of the peaks that stand out most from their half second, at most `PER_SECOND` of each second."""
    around = cv2.blur(contrast, (31, 31), borderType=cv2.BORDER_REPLICATE)
    prominence = contrast[frame, column] - around[frame, column]
    second = frame // SECOND
    order = np.lexsort((-prominence, second))
    ranked = second[order]
    rank = np.arange(len(order)) - np.searchsorted(ranked, ranked)
    return np.sort(order[rank < PER_SECOND])


def _higher(contrast: Powers, frame: Frames, column: Frames) -> Places:
    """Where between two bins the peak lies, −0.5…0.5."""
    middle = np.clip(column, 1, contrast.shape[1] - 2)
    return _top(contrast[frame, middle - 1], contrast[frame, middle], contrast[frame, middle + 1])


def _later(contrast: Powers, frame: Frames, column: Frames) -> Places:
    """Where between two frames the peak lies, −0.5…0.5."""
    middle = np.clip(frame, 1, len(contrast) - 2)
    return _top(contrast[middle - 1, column], contrast[middle, column], contrast[middle + 1, column])


def _top(before: Powers, peak: Powers, after: Powers) -> Places:
    """The top of the parabola through three levels in dB, as an offset from the middle one."""
    bend = np.minimum(before - 2 * peak + after, np.float32(-1e-6))
    return np.asarray(np.clip(0.5 * (before - after) / bend, -0.5, 0.5), np.float64)

"""Texture: which way the sound moves in 64 bands, one bit each, every 16 ms.

Each bit is the sign of a change over time of a difference between neighbouring bands, so a filter, a gain or a slow
noise leaves it alone. The bands are two thirds of a semitone apart: a change of pitch or speed moves all bits by the
same number of places, and a comparison under such a change is a shift and an exclusive-or.
After Haitsma and Kalker, "A highly robust audio fingerprinting system", ISMIR 2002, section 4.2.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from capture_validation.duplicates.narrow_spectra import BINS, WINDOW, Powers
from capture_validation.duplicates.narrowband import RATE

Words = NDArray[np.uint64]

BANDS = 64
LOWEST_HZ = 270.0
#: Distance of two bands in semitones.
SPACING = 2 / 3
#: A change smaller than this (natural logarithm of power) may have either sign after a codec, so it is left out.
FIRM = 0.25
#: Frames before a frame that its bits depend on, and after it.
BEFORE, AFTER = 3, 1


def _filters() -> NDArray[np.float32]:
    edge = LOWEST_HZ * 2 ** (SPACING / 12 * np.arange(BANDS + 2)) * WINDOW / RATE
    centre, width = (edge[1:] + edge[:-1]) / 2, np.maximum(np.diff(edge), 1)
    weight = np.clip(1 - np.abs(np.arange(BINS)[:, None] - centre) / width, 0, 1)
    return np.asarray(weight / np.maximum(weight.sum(axis=0), 1e-6), np.float32)


_FILTERS = _filters()


def texture(power: Powers) -> tuple[Words, Words, NDArray[np.float32]]:
    """Bits, firm bits and loudness of spectra float32 (frames, BINS).

    The first two are uint64 (frames,): bit b is set where difference b rises, and where it moves firmly. The third is
    the level of the loudest band, float32 (frames,), natural logarithm of power.
    """
    level = np.log(power @ _FILTERS + np.float32(1e-7))
    calm = cv2.blur(level, (1, 3), borderType=cv2.BORDER_REPLICATE)
    slope = np.diff(calm, axis=1)
    change = np.zeros_like(slope)
    change[2:] = slope[2:] - slope[:-2]
    return _pack(change > 0), _pack(np.abs(change) > FIRM), level.max(axis=1)


def _pack(flags: NDArray[np.bool_]) -> Words:
    words: Words = np.packbits(flags, axis=1, bitorder="little").view("<u8")[:, 0]
    return words

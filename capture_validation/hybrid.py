"""The filters of MP3, at every place where its grid may lie: how loud the lines are that an encoder rounded.

An encoder cuts sound into granules of 576 samples and rounds most lines of their spectrum to zero. Whoever takes the
same spectrum at the same place finds these zeros again; a single sample beside it they are gone. ISO/IEC 11172-3,
2.4.3.4: a filter bank of 32 bands, a transform of 18 lines in each, and butterflies between neighbouring bands.
"""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

#: Samples of a granule, and how many an excerpt needs so that one can begin at each of 576 places.
GRANULE, EXCERPT = 576, 512 + 35 * 32 + 575
#: The bands that are looked at, 2.8 to 8.3 kHz at 44.1 kHz: deeper ones are coded too well, higher ones often empty.
FIRST, LAST = 4, 12
#: Amplitudes below this (−120 dBFS) are nothing, in whatever way a file holds it.
NOTHING = 1e-6
#: The window of the filter bank, in units of 2⁻¹⁶ (table B.3); the second half mirrors the first, with other signs but
#: for each 64th.
# fmt: off
WINDOW = (
    0, -1, -1, -1, -1, -1, -1, -2, -2, -2, -2, -3, -3, -4, -4, -5, -5, -6, -7, -7, -8, -9, -10, -11, -13, -14,
    -16, -17, -19, -21, -24, -26, -29, -31, -35, -38, -41, -45, -49, -53, -58, -63, -68, -73, -79, -85, -91,
    -97, -104, -111, -117, -125, -132, -139, -147, -154, -161, -169, -176, -183, -190, -196, -202, -208, 213,
    218, 222, 225, 227, 228, 228, 227, 224, 221, 215, 208, 200, 189, 177, 163, 146, 127, 106, 83, 57, 29, -2,
    -36, -72, -111, -153, -197, -244, -294, -347, -401, -459, -519, -581, -645, -711, -779, -848, -919, -991,
    -1064, -1137, -1210, -1283, -1356, -1428, -1498, -1567, -1634, -1698, -1759, -1817, -1870, -1919, -1962,
    -2001, -2032, -2057, -2075, -2085, -2087, -2080, -2063, 2037, 2000, 1952, 1893, 1822, 1739, 1644, 1535,
    1414, 1280, 1131, 970, 794, 605, 402, 185, -45, -288, -545, -814, -1095, -1388, -1692, -2006, -2330, -2663,
    -3004, -3351, -3705, -4063, -4425, -4788, -5153, -5517, -5879, -6237, -6589, -6935, -7271, -7597, -7910,
    -8209, -8491, -8755, -8998, -9219, -9416, -9585, -9727, -9838, -9916, -9959, -9966, -9935, -9863, -9750,
    -9592, -9389, -9139, -8840, -8492, -8092, -7640, -7134, 6574, 5959, 5288, 4561, 3776, 2935, 2037, 1082, 70,
    -998, -2122, -3300, -4533, -5818, -7154, -8540, -9975, -11455, -12980, -14548, -16155, -17799, -19478,
    -21189, -22929, -24694, -26482, -28289, -30112, -31947, -33791, -35640, -37489, -39336, -41176, -43006,
    -44821, -46617, -48390, -50137, -51853, -53534, -55178, -56778, -58333, -59838, -61289, -62684, -64019,
    -65290, -66494, -67629, -68692, -69679, -70590, -71420, -72169, -72835, -73415, -73908, -74313, -74630,
    -74856, -74992, 75038,
)
# fmt: on
#: Of the butterflies (table B.9).
BUTTERFLIES = (-0.6, -0.535, -0.33, -0.185, -0.095, -0.041, -0.0142, -0.0037)


def places(excerpt: Samples) -> NDArray[np.float64]:
    """Mean level (dB) of the lines of a long block that begins at each of the first 576 samples, shape (576,).

    Takes at least 2,207 samples of one channel.
    """
    stretches = np.lib.stride_tricks.sliding_window_view(excerpt[:EXCERPT], 512).reshape(-1, 8, 64)
    filtered = np.einsum("tab,ab->tb", stretches, _FOLDING) @ _MODULATION
    bands = filtered.reshape(-1, 32, LAST - FIRST).transpose(2, 1, 0)
    blocks = np.lib.stride_tricks.sliding_window_view(bands, 36, axis=2)
    lines = np.matmul(blocks.reshape(len(bands), -1, 36), _TRANSFORM)
    upper, lower = lines[:-1, :, :9:-1], lines[1:, :, :8]
    upper[:], lower[:] = upper * _OWN + lower * _OTHER, lower * _OWN - upper * _OTHER
    # The natural logarithm of a float32 costs a third of the decimal one.
    levels = np.log(np.maximum(np.abs(lines), NOTHING)).mean(axis=(0, 2), dtype=np.float64) * (20 / np.log(10))
    return np.asarray(levels.reshape(32, 18).T.ravel())


def _folding() -> Samples:
    """The window with the oldest sample first, in rows that are added before the bands are told apart."""
    half = np.array(WINDOW) / 65536 / 32
    mirrored = np.where(np.arange(1, 256) % 64 == 0, 1, -1) * half[1:256]
    return np.asarray(np.concatenate((half, mirrored[::-1]))[::-1].reshape(8, 64), np.float32)


def _modulation() -> Samples:
    bands, times = np.arange(FIRST, LAST), np.arange(64)[::-1, None]
    return np.cos((2 * bands + 1) * (times - 16) * np.pi / 64).astype(np.float32)


def _transform() -> Samples:
    """The sine window and the transform of 36 samples into 18 lines, shape (bands, 36, 18).

    Odd bands come upside down out of the filter bank: each second of their samples changes its sign.
    """
    times, lines = np.arange(36)[:, None], np.arange(18)
    cosines = np.sin(np.pi / 36 * (times + 0.5)) * np.cos(np.pi / 72 * (2 * times + 19) * (2 * lines + 1)) / 9
    turned = np.where(times % 2, -1, 1) * cosines
    return np.stack([turned if band % 2 else cosines for band in range(FIRST, LAST)]).astype(np.float32)


_FOLDING, _MODULATION, _TRANSFORM = _folding(), _modulation(), _transform()
_OWN = (1 / np.sqrt(1 + np.square(BUTTERFLIES))).astype(np.float32)
_OTHER = (np.array(BUTTERFLIES) * _OWN).astype(np.float32)

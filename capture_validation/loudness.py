"""Loudness as ITU-R BS.1770-5 defines it, step by step.

The ear hears bass less and treble more than a meter does, so samples pass a K-weighting filter before their power
counts. The power of 100 ms steps is all that integrated, short-term and range measures need; a single loud moment lies
anywhere, so powers are kept for every fifth of a step.
"""

from collections.abc import Sequence

import numpy as np
import scipy
from numpy.typing import NDArray

from capture_validation.grid import Grid, Samples, mean_square

#: Power 1 after weighting reads −0.691 LUFS (BS.1770-5, equation 2).
OFFSET = -0.691
#: What never counts as content: the absolute gate (BS.1770-5, equation 5).
SILENCE_LUFS = -70.0
STEP_S = 0.1
#: Parts of a step, each 20 ms.
PARTS = 5
#: Steps in a short-term window: 3 s (EBU Tech 3341, section 2.2).
SHORT_TERM = 30
#: Parts in a momentary window: 0.4 s.
MOMENT = 20
#: Quieter short-term windows than this below the mean are background, not part of the range (EBU Tech 3342).
RANGE_GATE_LU = 20.0


def k_weighting(rate: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients (b, a) of the whole K-weighting at a sample rate in Hz, both stages in one fourth-order filter.

    The standard tabulates 48 kHz only; these analogue parameters give its table there and the same curve elsewhere.
    """
    shelf = _biquad(1681.974450955533, 0.7071752369554196, rate, shelf_db=3.999843853973347)
    rumble = _biquad(38.13547087602444, 0.5003270373238773, rate)
    return np.convolve(shelf[0], rumble[0]), np.convolve(shelf[1], rumble[1])


def _biquad(
    corner: float, quality: float, rate: int, shelf_db: float | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A high shelf, or without `shelf_db` the standard's high pass, by the bilinear transform (corner in Hz)."""
    k = np.tan(np.pi * min(corner, rate * 0.49) / rate)
    denominator = np.array([1 + k / quality + k * k, 2 * (k * k - 1), 1 - k / quality + k * k])
    if shelf_db is None:
        return np.array([1.0, -2.0, 1.0]), denominator / denominator[0]
    high = 10 ** (shelf_db / 20)
    band = high**0.4996667741545416
    numerator = np.array([high + band * k / quality + k * k, 2 * (k * k - high), high - band * k / quality + k * k])
    return numerator / denominator[0], denominator / denominator[0]


def channel_weights(channels: int) -> NDArray[np.float64]:
    """How much each channel counts (BS.1770-5, table 3): surround speakers 1.41, the bass channel nothing.

    Only 5.0 and 5.1 have such places; in any other number every channel counts alike.
    """
    layouts = {5: (1, 1, 1, 1.41, 1.41), 6: (1, 1, 1, 0, 1.41, 1.41)}
    return np.array(layouts.get(channels, (1,) * channels), dtype=np.float64)


class Weighting:
    """The K-weighting filter of a recording, with its memory from block to block."""

    def __init__(self, rate: int) -> None:
        self._coefficients = k_weighting(rate)
        self._parts = Grid(round(rate * STEP_S / PARTS), round(rate * STEP_S / PARTS))
        self._memory: NDArray[np.float64] | None = None

    def take(self, channels: Samples) -> NDArray[np.float64]:
        """Weighted power of the new complete parts of 20 ms, summed over channels; takes shape (channels, samples)."""
        if self._memory is None:
            self._memory = np.zeros((len(channels), 4))
        weighted, self._memory = scipy.signal.lfilter(*self._coefficients, channels, axis=1, zi=self._memory)
        _, whole = self._parts.take(weighted)
        powers = mean_square(whole.reshape(len(channels), -1, self._parts.length))
        return np.asarray(channel_weights(len(channels)) @ powers, dtype=np.float64)


def steps(parts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Power of the complete 100 ms steps that were heard in parts of 20 ms."""
    joined = np.concatenate(parts) if parts else np.zeros(0)
    whole = len(joined) // PARTS * PARTS
    return np.asarray(joined[:whole].reshape(-1, PARTS).mean(axis=1))


def lufs(power: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Weighted power as loudness in LUFS (BS.1770-5, equation 2)."""
    return np.asarray(OFFSET + 10 * np.log10(np.maximum(power, 1e-12)))


def windows(steps: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Mean power of every window of `length` following steps, or parts of steps."""
    if len(steps) < length:
        return np.zeros(0)
    sums = np.concatenate(([0.0], np.cumsum(steps)))
    return (sums[length:] - sums[:-length]) / length


def integrated(steps: NDArray[np.float64]) -> float | None:
    """Integrated loudness in LUFS of 100 ms powers, gated twice (BS.1770-5, equations 4 to 7).

    At least −70, which is the absolute gate: nothing quieter is content. None under 0.4 s, where no window fits.
    """
    momentary = windows(steps, 4)
    if not momentary.size:
        return None
    loud = momentary[lufs(momentary) > SILENCE_LUFS]
    if not loud.size:
        return SILENCE_LUFS
    relative = float(lufs(loud.mean())) - 10
    return float(lufs(loud[lufs(loud) > relative].mean()))


def short_term_maximum(steps: NDArray[np.float64]) -> tuple[float, float] | None:
    """The loudest 3 s window: its loudness in LUFS and its start in seconds. None under 3 s."""
    short = windows(steps, SHORT_TERM)
    if not short.size:
        return None
    loudest = int(short.argmax())
    return max(float(lufs(short[loudest])), SILENCE_LUFS), loudest * STEP_S


def momentary_maximum(parts: Sequence[NDArray[np.float64]]) -> tuple[float, float] | None:
    """The loudest 0.4 s, to 20 ms: its loudness in LUFS and its start in seconds. None under 0.4 s."""
    moments = windows(np.concatenate(parts), MOMENT) if parts else np.zeros(0)
    if not moments.size:
        return None
    loudest = int(moments.argmax())
    return max(float(lufs(moments[loudest])), SILENCE_LUFS), loudest * STEP_S / PARTS


def loudness_range(steps: NDArray[np.float64]) -> float | None:
    """Loudness range in LU: the 95th over the 10th percentile of the short-term loudness (EBU Tech 3342, section 3).

    Windows under −70 LUFS, or more than 20 LU under the mean of the rest, are left out. None where nothing is left.
    """
    short = windows(steps, SHORT_TERM)
    loud = short[lufs(short) > SILENCE_LUFS]
    if not loud.size:
        return None
    levels = lufs(loud)
    kept = levels[levels > float(lufs(loud.mean())) - RANGE_GATE_LU]
    low, high = np.percentile(kept, (10, 95))
    return float(high - low)

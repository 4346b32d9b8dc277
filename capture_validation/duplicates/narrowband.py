"""Sound at 8 kHz: what is left of a recording on its way through any telephone.

A copy may have been through an old codec, a messenger or a loudspeaker, and nearly all of them keep 250…3,400 Hz.
What lies outside says nothing about a copy, so the fingerprint does not look there.
"""

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

RATE = 8000
#: Half-length of the low-pass in output samples; 16 keep 3.4 kHz and stop what would fold onto it.
REACH = 16
#: Rates without a small common factor are taken as the nearest ratio with this numerator at most: wrong by < 3e-6.
LARGEST_STEP = 441
CUTOFF = 0.94
KAISER_BETA = 7.0


def low_pass(at: NDArray[np.floating], ratio: float) -> NDArray[np.float64]:
    """Windowed sinc at times in output samples, scaled to unit gain; zero beyond `REACH`.

    Kaiser window after Oppenheim and Schafer, Discrete-Time Signal Processing, 3rd edition, section 7.5.3.
    """
    inside = np.clip(1 - (at / REACH) ** 2, 0, None)
    window = np.i0(KAISER_BETA * np.sqrt(inside)) / np.i0(KAISER_BETA) * (np.abs(at) <= REACH)
    return np.asarray(CUTOFF * ratio * np.sinc(CUTOFF * at) * window, np.float64)


class Narrowband:
    """Resamples a stream to 8 kHz, one channel at a time, with a result that does not depend on block sizes.

    A group of `made` output samples is one product of `span` input samples with a fixed matrix, because a matrix
    product is the fastest thing a processor does. The output is early by no sample: time 0 stays time 0.
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        ratio = Fraction(RATE, sample_rate).limit_denominator(LARGEST_STEP)
        groups = max(1, 32 // ratio.numerator)
        self.made = ratio.numerator * groups
        self.step = ratio.denominator * groups
        reach = math.ceil(REACH * ratio.denominator / ratio.numerator)
        self.span = self.step + 2 * reach
        incoming = (np.arange(self.span) - reach)[:, None] * float(ratio)
        self.matrix = low_pass(incoming - np.arange(self.made), float(ratio)).astype(np.float32)
        self.same = sample_rate == RATE
        self.samples_in = 0
        self._kept = np.zeros((channels, 0 if self.same else reach), np.float32)

    def take(self, channels: Samples) -> Samples:
        """Take samples of shape (channels, n) at the recording's rate; give what is complete at 8 kHz."""
        self.samples_in += channels.shape[1]
        if self.same:
            return channels
        joined = np.concatenate((self._kept, channels), axis=1)
        groups = max((joined.shape[1] - self.span) // self.step + 1, 0)
        self._kept = joined[:, groups * self.step :]
        if not groups:
            return np.zeros((len(joined), 0), np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(joined, self.span, axis=1)[:, :: self.step][:, :groups]
        made: Samples = (windows @ self.matrix).reshape(len(joined), -1)
        return made

    def rest(self) -> Samples:
        """What is left at the end, as if silence followed."""
        if self.same:
            return self._kept
        wanted = self._kept.shape[1] - (self.span - self.step) // 2
        padded = np.zeros((len(self._kept), self.span + self.step), np.float32)
        rest = self.take(padded)
        return rest[:, : max(0, round(wanted * self.made / self.step))]

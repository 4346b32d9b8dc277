"""Resampling: the same sound at the rate a network was trained for, block by block.

For ears of a machine only: every check that measures works at the recording's own rate.
"""

from fractions import Fraction

import numpy as np
import scipy

from capture_validation.grid import Samples

#: Zero crossings of the filter on either side; enough that what folds back lies 50 dB down.
REACH = 6
#: Odd rates are taken for a near fraction: a filter must stay small, and 0.1 % more or less is no other voice.
LARGEST = 1000


class Resampler:
    """A polyphase filter with its memory from block to block; it delays by six samples of the lower rate.

    The result lies on one grid from the first sample, so it does not depend on how blocks are cut.
    """

    def __init__(self, rate: int, target: int) -> None:
        ratio = Fraction(target, rate).limit_denominator(LARGEST)
        self._up, self._down = ratio.numerator, ratio.denominator
        #: What one sample of the result lasts, in seconds.
        self.step_s = self._down / (self._up * rate)
        slower = max(self._up, self._down)
        taps = scipy.signal.firwin(2 * REACH * slower + 1, 1 / slower, window=("kaiser", 5.0)) * self._up
        self._taps = taps.astype(np.float32)
        # Whole units of `down` samples become whole units of `up`; this many samples before them shape the first.
        self._before = -(-len(taps) // (self._up * self._down)) * self._down
        self._kept: Samples | None = None

    def take(self, channels: Samples) -> Samples:
        """The new samples at the target rate; takes and gives float32 (channels, samples)."""
        if self._kept is None:
            self._kept = np.zeros((len(channels), self._before), np.float32)
        joined = np.concatenate((self._kept, channels), axis=1)
        whole = (joined.shape[1] - self._before) // self._down * self._down
        self._kept = joined[:, whole:]
        if not whole:
            return np.zeros((len(channels), 0), np.float32)
        made = scipy.signal.upfirdn(self._taps, joined[:, : self._before + whole], self._up, self._down, axis=1)
        first = self._before // self._down * self._up
        return np.asarray(made[:, first : first + whole // self._down * self._up], np.float32)

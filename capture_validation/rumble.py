"""Rumble: how loud a recording is where wind and hands are, and how loud the voice is beside it.

One set of filters for all who ask, on samples averaged down first, because nothing high is wanted. A deep voice has its
fundamental where hands are loud, but nothing where wind is: three depths tell them apart.
"""

import numpy as np
import scipy
from numpy.typing import NDArray

from capture_validation.grid import Grid, Powers, Samples, from_bytes, in_bytes, thinned

#: Hardly a voice sounds below the first, and every voice above the last; thumps lie below the second.
DEEP_HZ, LOW_HZ, VOICE_HZ = 80.0, 120.0, 150.0
#: Enough for all three, and a twentieth of the work.
RATE = 2400


class Filter:
    """A filter of the fourth order with its memory from block to block.

    Before the first sample it had heard that sample for ever: a constant offset does not begin with a thump.
    """

    def __init__(self, corner_hz: float, kind: str, rate: float) -> None:
        self._sections = scipy.signal.butter(4, corner_hz, kind, fs=rate, output="sos")
        self._memory: NDArray[np.float64] | None = None

    def take(self, samples: Samples) -> Samples:
        """The filtered samples of shape (channels, samples), of which there is at least one."""
        if self._memory is None:
            steady = scipy.signal.sosfilt_zi(self._sections)
            self._memory = steady[:, None, :] * samples[None, :, :1]
        filtered, self._memory = scipy.signal.sosfilt(self._sections, samples, axis=1, zi=self._memory)
        return np.asarray(filtered)


class Depths:
    """Splits a recording into what lies below 80 Hz, below 120 Hz, and above 150 Hz."""

    def __init__(self, rate: int, step: int) -> None:
        self._average = next(number for number in range(max(rate // RATE, 1), 0, -1) if step % number == 0)
        thin = rate / self._average
        self._filters = (Filter(DEEP_HZ, "low", thin), Filter(LOW_HZ, "low", thin), Filter(VOICE_HZ, "high", thin))
        self._steps = Grid(step, step)

    def take(self, channels: Samples) -> Powers:
        """Powers of the new whole steps in the loudest channel, shape (3, steps); takes (channels, samples)."""
        _, whole = self._steps.take(channels)
        if not whole.size:
            return np.zeros((3, 0), np.float32)
        thin = thinned(whole, self._average)
        length = self._steps.length // self._average
        deep, low, voice = (_variances(one.take(thin), length) for one in self._filters)
        # What the averaging lost lies above all three.
        voice += np.maximum(_variances(whole, self._steps.length) - _variances(thin, length), 0)
        return np.stack([power.max(axis=0) for power in (deep, low, voice)])


def _variances(samples: Samples, length: int) -> Powers:
    frames = samples.reshape(len(samples), -1, length)
    means = frames.mean(axis=2)
    return np.asarray(np.einsum("cfn,cfn->cf", frames, frames) / length - means * means, np.float32)


class Rumble:
    """Levels (dBFS) of 20 ms steps at three depths, heard so far."""

    def __init__(self) -> None:
        self._cells = tuple(bytearray() for _ in range(3))

    def add(self, powers: Powers) -> None:
        """Take the powers of the next steps, shape (3, steps)."""
        for cells, power in zip(self._cells, powers, strict=True):
            cells += in_bytes(power)

    def deep(self) -> NDArray[np.float32]:
        """Levels below 80 Hz."""
        return from_bytes(self._cells[0])

    def low(self) -> NDArray[np.float32]:
        """Levels below 120 Hz."""
        return from_bytes(self._cells[1])

    def voice(self) -> NDArray[np.float32]:
        """Levels above 150 Hz."""
        return from_bytes(self._cells[2])

"""Rumble: how loud a recording is below 120 Hz, where wind and hands are and voices hardly.

One low pass for all who ask, on samples averaged down first, because nothing high is wanted.
"""

import numpy as np
import scipy
from numpy.typing import NDArray

from capture_validation.grid import Grid, Powers, Samples, decibel

CORNER_HZ = 120.0
#: Enough for 120 Hz, and a twentieth of the work.
RATE = 2400
#: Levels are kept in a byte each, half a decibel a step, as `levels` does.
LOWEST, STEP = -120.0, 0.5


class LowPass:
    """The filter of a recording, with its memory from block to block."""

    def __init__(self, rate: int, step: int) -> None:
        self._average = next(number for number in range(max(rate // RATE, 1), 0, -1) if step % number == 0)
        self._sections = scipy.signal.butter(4, CORNER_HZ, "low", fs=rate / self._average, output="sos")
        self._memory: NDArray[np.float64] | None = None
        self._steps = Grid(step, step)

    def take(self, channels: Samples) -> tuple[Powers, Powers]:
        """Power of the new whole steps below and above 120 Hz in the loudest channel; takes (channels, samples)."""
        _, whole = self._steps.take(channels)
        if not whole.size:
            return np.zeros(0, np.float32), np.zeros(0, np.float32)
        thinned = whole.reshape(len(channels), -1, self._average).mean(axis=2)
        if self._memory is None:
            self._memory = np.zeros((len(self._sections), len(channels), 2))
        deep, self._memory = scipy.signal.sosfilt(self._sections, thinned, axis=1, zi=self._memory)
        low = _variances(deep, self._steps.length // self._average)
        high = np.maximum(_variances(whole, self._steps.length) - low, 0)
        return low.max(axis=0), high.max(axis=0)


def _variances(samples: Samples, length: int) -> Powers:
    frames = samples.reshape(len(samples), -1, length)
    means = frames.mean(axis=2)
    return np.asarray(np.einsum("cfn,cfn->cf", frames, frames) / length - means * means, np.float32)


class Rumble:
    """Levels (dBFS) of 20 ms steps below 120 Hz and of what remains above, heard so far."""

    def __init__(self) -> None:
        self._low = bytearray()
        self._rest = bytearray()

    def add(self, powers: tuple[Powers, Powers]) -> None:
        """Take the powers of the next steps, below and above."""
        self._low += _cells(powers[0])
        self._rest += _cells(powers[1])

    def low(self) -> NDArray[np.float32]:
        """Levels below 120 Hz."""
        return _levels(self._low)

    def rest(self) -> NDArray[np.float32]:
        """Levels of what lies above."""
        return _levels(self._rest)


def _cells(powers: Powers) -> bytes:
    cells: NDArray[np.uint8] = np.clip((decibel(powers) - LOWEST) / STEP, 0, 255).astype(np.uint8)
    return cells.tobytes()


def _levels(cells: bytearray) -> NDArray[np.float32]:
    return np.frombuffer(bytes(cells), np.uint8).astype(np.float32) * STEP + LOWEST

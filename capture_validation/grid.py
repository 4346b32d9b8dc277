"""The grid on which frames lie: from the first sample of a recording, however its blocks are cut.

This is why no measurement depends on the size of the blocks a decoder happens to deliver.
"""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Powers = NDArray[np.float32]
#: Stands for silence, so that a logarithm exists; far below the last bit of 24.
FLOOR = 1e-12
#: What one byte holds of a level: half a decibel a step, from −120 dB on.
LOWEST, STEP = -120.0, 0.5


class Grid:
    """Frames of a fixed length and step, on one grid from the first sample of the recording.

    Keeps the samples that the next frame still needs: less than one frame, whatever comes.
    """

    def __init__(self, length: int, step: int) -> None:
        self.length = length
        self.step = step
        self.done = 0
        self._kept: Samples | None = None

    def take(self, channels: Samples) -> tuple[int, Samples]:
        """Take samples of shape (channels, n); give the index of the first new frame and the samples they span."""
        joined = channels if self._kept is None else np.concatenate((self._kept, channels), axis=1)
        frames = max((joined.shape[1] - self.length) // self.step + 1, 0)
        first, self.done = self.done, self.done + frames
        self._kept = joined[:, frames * self.step :]
        return first, joined[:, : (frames - 1) * self.step + self.length if frames else 0]


def mean_square(frames: Samples) -> NDArray[np.float32]:
    """Mean of the squares along the last axis, summed in float32 over at most a few thousand samples."""
    return np.asarray(np.einsum("...j,...j->...", frames, frames) / np.float32(frames.shape[-1]), np.float32)


def thinned(samples: Samples, average: int) -> NDArray[np.float32]:
    """Means of `average` samples each along the last axis, which is a multiple of that long.

    Like every sum over so few at a time, `mean` calls NumPy's loop once for each and takes five times as long.
    """
    shape = (*samples.shape[:-1], -1, average)
    return np.asarray(np.einsum("...j->...", samples.reshape(shape)) / np.float32(average), np.float32)


def decibel(power: NDArray[np.floating]) -> NDArray[np.float32]:
    """Ten times the decimal logarithm of a power, at least −120 dB."""
    return np.asarray(10 * np.log10(np.maximum(power, FLOOR)), dtype=np.float32)


def in_bytes(powers: NDArray[np.floating]) -> bytes:
    """Powers as levels in a byte each: half a decibel is enough for a long recording, and an hour takes 180 kB."""
    cells: NDArray[np.uint8] = np.clip((decibel(powers) - LOWEST) / STEP, 0, 255).astype(np.uint8)
    return cells.tobytes()


def from_bytes(cells: bytes | bytearray) -> NDArray[np.float32]:
    """The levels (dB) that `in_bytes` wrote, shape (levels,)."""
    return np.frombuffer(bytes(cells), np.uint8).astype(np.float32) * STEP + LOWEST

"""The grid on which frames lie: from the first sample of a recording, however its blocks are cut.

This is why no measurement depends on the size of the blocks a decoder happens to deliver.
"""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Powers = NDArray[np.float32]
#: Stands for silence, so that a logarithm exists; far below the last bit of 24.
FLOOR = 1e-12


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


def decibel(power: NDArray[np.floating]) -> NDArray[np.float32]:
    """Ten times the decimal logarithm of a power, at least −120 dB."""
    return np.asarray(10 * np.log10(np.maximum(power, FLOOR)), dtype=np.float32)

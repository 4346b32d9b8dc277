"""The network: 32 ms of sound in, the probability of a voice out, with a memory of what came before.

A short spectrum, four layers that look for patterns in it, and one recurrent layer of 128 cells. All but the recurrent
layer is computed for many chunks at once.
"""

from functools import cache
from importlib.resources import files

import numpy as np
import scipy
from numpy.typing import NDArray

Floats = NDArray[np.float32]

#: Sample rate in Hz, samples in a chunk, and samples of the chunk before that it is heard with.
RATE, CHUNK, CONTEXT = 16000, 512, 64
SPECTRUM, STEP, CELLS = 256, 128, 128


@cache
def weights() -> dict[str, Floats]:
    """The trained numbers by the name of their layer; about 1 MB."""
    with files(__package__).joinpath("weights.npz").open("rb") as file, np.load(file) as stored:
        return {name: stored[name] for name in stored.files}


class Network:
    """The network, and what it remembers of one recording."""

    def __init__(self) -> None:
        self._weights = weights()
        self._hidden = np.zeros(CELLS, np.float32)
        self._cell = np.zeros(CELLS, np.float32)

    def take(self, chunks: Floats) -> Floats:
        """The probability (0…1) that each chunk holds a voice, shape (chunks,).

        Takes float32 (chunks, 64 + 512) at 16 kHz, −1…1: every chunk with the last 64 samples of the one before.
        """
        heard = np.zeros((len(chunks), CELLS), np.float32)
        if len(chunks):
            for number, told in enumerate(self._patterns(chunks)):
                heard[number] = self._remember(told)
        heard = np.maximum(heard, 0) @ self._weights["voice.weight"] + self._weights["voice.bias"]
        return np.asarray(scipy.special.expit(heard), np.float32)

    def _patterns(self, chunks: Floats) -> Floats:
        """What the recurrent layer is told about each chunk, shape (chunks, 4 · 128)."""
        count, layers = len(chunks), self._weights
        reflected = np.concatenate((chunks, chunks[:, -2 : -CONTEXT - 2 : -1]), axis=1)
        frames = np.lib.stride_tricks.sliding_window_view(reflected, SPECTRUM, axis=1)[:, ::STEP]
        found = np.abs(scipy.fft.rfft(frames * _hann(), axis=2))
        # Each layer looks at three neighbours in time and the later ones at every second place: 4, 4, 2, 1, 1 of them.
        for layer, places in (("1", 4), ("2", 2), ("3", 1)):
            padded = np.zeros((count, found.shape[1] + 2, found.shape[2]), np.float32)
            padded[:, 1:-1] = found
            step = found.shape[1] // places
            beside = [padded[:, place : place + 3].reshape(count, -1) for place in range(0, places * step, step)]
            found = self._layer(layer, np.stack(beside, axis=1))
        found = np.maximum(found[:, 0] @ layers["4.weight"] + layers["4.bias"], 0)
        return np.asarray(found @ layers["input.weight"] + layers["input.bias"], np.float32)

    def _layer(self, name: str, beside: Floats) -> Floats:
        count, places, wide = beside.shape
        found = beside.reshape(-1, wide) @ self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return np.asarray(np.maximum(found, 0).reshape(count, places, -1), np.float32)

    def _remember(self, told: Floats) -> Floats:
        """One step of the recurrent layer (Hochreiter and Schmidhuber 1997, with forget gates), shape (128,)."""
        gates = told + self._weights["memory.weight"] @ self._hidden
        enter, keep = scipy.special.expit(gates[: 2 * CELLS]).reshape(2, CELLS)
        self._cell = keep * self._cell + enter * np.tanh(gates[2 * CELLS : 3 * CELLS])
        self._hidden = np.asarray(scipy.special.expit(gates[3 * CELLS :]) * np.tanh(self._cell), np.float32)
        return self._hidden


@cache
def _hann() -> Floats:
    return np.hanning(SPECTRUM + 1)[:-1].astype(np.float32)

"""Voices: how likely it is that somebody speaks, every 32 ms of a recording of any rate."""

import numpy as np

from capture_validation.grid import Grid, Samples
from capture_validation.resampling import Resampler
from capture_validation.voice.network import CHUNK, CONTEXT, RATE, Floats, Network


class Voices:
    """Turns the samples of a recording into probabilities, carrying what filter and network remember.

    Of several channels every chunk is heard in its loudest: a mix of two in opposite phase is silent, and in a talk
    recorded on two channels each speaker is alone on one.
    """

    def __init__(self, rate: int) -> None:
        self._resampler = Resampler(rate, RATE) if rate != RATE else None
        self._chunks = Grid(CONTEXT + CHUNK, CHUNK)
        self._network: Network | None = None

    def take(self, channels: Samples) -> Floats:
        """The probability (0…1) of each new chunk, shape (chunks,); takes float32 (channels, samples)."""
        if self._network is None:
            self._network = Network()
            # Before the first sample there was silence.
            self._chunks.take(np.zeros((len(channels), CONTEXT), np.float32))
        _, samples = self._chunks.take(self._resampler.take(channels) if self._resampler else channels)
        if not samples.size:
            return np.zeros(0, np.float32)
        every = np.lib.stride_tricks.sliding_window_view(samples, CONTEXT + CHUNK, axis=1)[:, ::CHUNK]
        loudest = np.einsum("ctn,ctn->ct", every, every).argmax(axis=0)
        return self._network.take(every[loudest, np.arange(every.shape[1])])

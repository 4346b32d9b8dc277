"""Sound as the checks see it: one stretch at a time, with the views that several of them share.

A recording is decoded once and every check reads the same stretch. What more than one check needs (20 ms levels, short
spectra) is computed here when the first asks for it, and only then. All frames lie on one grid from the first sample,
so no result depends on where a stretch was cut, and memory never depends on length.
"""

from functools import cached_property

import numpy as np
import scipy
from numpy.typing import NDArray

from capture_validation.grid import Grid, Powers, Samples, in_bytes, mean_square
from capture_validation.loudness import Weighting
from capture_validation.rumble import Depths
from capture_validation.spectrum import Calming, Histogram
from capture_validation.voice import Voices

#: The step of levels: short enough for a syllable's edge, and a whole period of the mains at 50 Hz.
LEVEL_S = 0.02
#: The length of a spectrum; half of it is the step. Speech hardly changes in this time.
SPECTRUM_S = 0.032


class Sound:
    """The next stretch of a recording.

    `samples`: float32, shape (samples, channels), −1…1. `at_s`: its start in seconds. `first`: index of its first
    sample. `rate`: Hz. `channels`: the same samples, shape (channels, samples), contiguous: the fast way round.
    """

    def __init__(
        self, samples: Samples, first: int, grids: "Stretches", levels: tuple[int, Samples], spans: tuple[int, Samples]
    ) -> None:
        rate = grids.rate
        self.samples = samples
        self.first = first
        self.rate = rate
        self.at_s = first / rate
        self.channels: Samples = np.ascontiguousarray(samples.T)
        self._level_frames = levels
        self._spectrum_frames = spans
        self._grids = grids

    @property
    def first_level(self) -> int:
        """Index, from the start of the recording, of the first row of `levels`."""
        return self._level_frames[0]

    @property
    def level_samples(self) -> Samples:
        """The complete 20 ms frames, shape (channels, frames, samples)."""
        return self._level_frames[1].reshape(self.channels.shape[0], -1, level_length(self.rate))

    @cached_property
    def levels(self) -> Powers:
        """Variance of every 20 ms frame, shape (frames, channels): power without any constant offset."""
        frames = self.level_samples
        return np.asarray(np.maximum(mean_square(frames) - frames.mean(axis=2) ** 2, 0).T, np.float32)

    @cached_property
    def loudest(self) -> Powers:
        """Variance of every 20 ms frame in its loudest channel, shape (frames,).

        Not of a mix: a mix of two channels in opposite phase is silent although the recording is not.
        """
        return self.levels.max(axis=1) if self.levels.size else np.zeros(0, np.float32)

    @cached_property
    def level_bytes(self) -> bytes:
        """`loudest` as levels in a byte each: what checks keep that judge a moment by the whole recording."""
        return in_bytes(self.loudest)

    @cached_property
    def weighted(self) -> NDArray[np.float64]:
        """K-weighted power of every complete part of 20 ms, summed over channels, shape (parts,). See `loudness`.

        The filter has a memory: a check that uses this asks for it at every stretch.
        """
        return self._grids.weighting.take(self.channels)

    @cached_property
    def rumble(self) -> Powers:
        """Power of new 20 ms steps at three depths, loudest channel, shape (3, steps). See `rumble`.

        The filter has a memory, as that of `weighted`.
        """
        return self._grids.depths.take(self.channels)

    @cached_property
    def calmed(self) -> NDArray[np.float32]:
        """New means over eight following spectra in dB, shape (means, bins); has a memory, as `weighted`."""
        return self._grids.calming.take(self.spectra)

    @cached_property
    def histogram(self) -> Histogram:
        """How often each level occurred in each band so far, `calmed` of this stretch included; asked as `weighted`."""
        self._grids.histogram.add(self.calmed)
        return self._grids.histogram

    @cached_property
    def voices(self) -> NDArray[np.float32]:
        """Probability (0…1) of a voice in every new chunk of 32 ms, shape (chunks,); has a memory, as `weighted`."""
        return self._grids.voices.take(self.channels)

    @property
    def first_spectrum(self) -> int:
        """Index, from the start of the recording, of the first row of `spectra`."""
        return self._spectrum_frames[0]

    @cached_property
    def spectra(self) -> Powers:
        """Power spectra of 32 ms Hann frames every 16 ms, mean of the channels, shape (frames, bins).

        Scaled so that a full-scale sine has 0.25 (−6 dB) in its bin, whatever the sample rate.
        """
        length = spectrum_length(self.rate)
        spanned = self._spectrum_frames[1]
        if not spanned.size:
            return np.zeros((0, length // 2 + 1), np.float32)
        total = np.zeros(1, np.float32)
        for channel in spanned:
            frames = np.lib.stride_tricks.sliding_window_view(channel, length)[:: length // 2] * hann(length)
            line = scipy.fft.rfft(frames, axis=1)
            total = total + (line.real**2 + line.imag**2)
        return np.asarray(total / len(spanned), np.float32)


def level_length(rate: int) -> int:
    """Samples in one level frame at this rate (Hz)."""
    return max(round(rate * LEVEL_S), 1)


def spectrum_length(rate: int) -> int:
    """Samples in one spectrum at this rate (Hz): even, and a length that transforms fast."""
    length: int = scipy.fft.next_fast_len(round(rate * SPECTRUM_S), real=True)
    return length + length % 2


_WINDOWS: dict[int, Samples] = {}


def hann(length: int) -> Samples:
    """A Hann window whose sum is 1, so that a full-scale sine measures −6 dB at every sample rate."""
    if length not in _WINDOWS:
        window = np.hanning(length + 1)[:-1]
        _WINDOWS[length] = (window / window.sum()).astype(np.float32)
    return _WINDOWS[length]


class Stretches:
    """Turns decoder blocks into `Sound`, carrying what frames and filters need from one block to the next."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.samples = 0
        self.weighting = Weighting(rate)
        self.depths = Depths(rate, level_length(rate))
        self.calming = Calming()
        self.histogram = Histogram(spectrum_length(rate) // 2 + 1)
        self.voices = Voices(rate)
        self._levels = Grid(level_length(rate), level_length(rate))
        self._spectra = Grid(spectrum_length(rate), spectrum_length(rate) // 2)

    def take(self, samples: Samples) -> Sound:
        """The next stretch: float32, shape (samples, channels), −1…1."""
        channels = np.ascontiguousarray(samples.T)
        sound = Sound(samples, self.samples, self, self._levels.take(channels), self._spectra.take(channels))
        self.samples += len(samples)
        return sound

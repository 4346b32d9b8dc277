"""Power spectra of the narrowband sound, one every 16 ms, from decoder blocks of any size."""

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from capture_validation.duplicates.narrowband import RATE, Narrowband, Samples

Powers = NDArray[np.float32]

#: 64 ms windows resolve the harmonics of a voice; 16 ms steps resolve its syllables.
WINDOW, HOP = 512, 128
FRAMES_PER_SECOND = RATE / HOP
#: Bins kept: up to 3.47 kHz, in steps of 15.6 Hz.
BINS = 222
#: More channels than these are averaged before anything else; nobody records them with a phone.
CHANNELS = 2

_HANN = np.hanning(WINDOW + 1)[:-1].astype(np.float32)


class NarrowSpectra:
    """Turns blocks of samples into power spectra on a fixed grid, so that no result depends on how blocks were cut.

    The powers of the channels are averaged, not their samples: a copy may be mixed to mono, and a mix of two channels
    in opposite phase would be silent although the recording is not.
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        self.channels = min(channels, CHANNELS)
        self._narrow = Narrowband(sample_rate, self.channels)
        self._kept: Samples = np.zeros((self.channels, 0), np.float32)

    def take(self, samples: Samples) -> Powers:
        """Take samples (n, channels), −1…1; give the spectra that are complete, float32 (frames, BINS)."""
        channels = samples.T if samples.shape[1] == self.channels else samples.mean(axis=1, dtype=np.float32)[None]
        if self.channels == 2 and len(channels) == 1:
            channels = np.repeat(channels, 2, axis=0)
        return self._frames(self._narrow.take(np.ascontiguousarray(channels)))

    def rest(self) -> Powers:
        """The spectra of what is left; a recording shorter than one window still gives one."""
        return self._frames(np.pad(self._narrow.rest(), ((0, 0), (0, WINDOW - HOP))))

    def _frames(self, narrow: Samples) -> Powers:
        joined = np.concatenate((self._kept, narrow), axis=1)
        frames = max((joined.shape[1] - WINDOW) // HOP + 1, 0)
        self._kept = joined[:, frames * HOP :]
        power = np.zeros((frames, BINS), np.float32)
        if frames:
            for channel in joined:
                windows = np.lib.stride_tricks.sliding_window_view(channel, WINDOW)[::HOP][:frames] * _HANN
                line = scipy.fft.rfft(windows, axis=1)[:, :BINS]
                power += line.real**2 + line.imag**2
        return np.asarray(power / np.float32(self.channels), np.float32)

"""The spectrogram of a report: which pitches sound when, small enough to send.

People see in a spectrogram what no number says: hum is a line, a click is a stroke, a telephone has no upper half.
The recording's own spectra are summed as they come, so an hour costs no more memory than a second.
"""

import numpy as np
from numpy.typing import NDArray

from capture_validation.grid import Powers, decibel
from capture_validation.report import Spectrogram
from capture_validation.sound import spectrum_length

#: As many columns as a phone has points for, and as many bands as the strip is high.
COLUMNS, BANDS = 400, 48
#: Above this hardly anybody hears and hardly any microphone records.
HIGHEST_HZ = 20000.0
#: A cell is one byte: 0 is −110 dB, 255 is −8 dB; a full-scale sine has −6 dB.
LOWEST, STEP = -110.0, 0.4
#: Slaney's mel scale: straight up to 1 kHz (15 mel), then 27 mel for every factor of 6.4.
STRAIGHT_HZ, STRAIGHT_MEL, LOG_STEP = 1000.0, 15.0, np.log(6.4) / 27


def mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Frequencies in Hz on the mel scale, on which equal steps sound equal (Slaney, Auditory Toolbox, 1998)."""
    above = STRAIGHT_MEL + np.log(np.maximum(hertz, STRAIGHT_HZ) / STRAIGHT_HZ) / LOG_STEP
    return np.asarray(np.where(hertz < STRAIGHT_HZ, hertz * STRAIGHT_MEL / STRAIGHT_HZ, above))


def hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places on the mel scale back in Hz."""
    above = STRAIGHT_HZ * np.exp(LOG_STEP * (np.maximum(mels, STRAIGHT_MEL) - STRAIGHT_MEL))
    return np.asarray(np.where(mels < STRAIGHT_MEL, mels * STRAIGHT_HZ / STRAIGHT_MEL, above))


def filters(rate: int, length: int, bands: int, highest_hz: float) -> NDArray[np.float32]:
    """Triangles of height 1 that overlap by half, shape (bands, length / 2 + 1), from 0 to `highest_hz`.

    Equal to `librosa.filters.mel(sr=rate, n_fft=length, n_mels=bands, fmax=highest_hz, norm=None)`.
    """
    corners = hertz(np.linspace(0.0, float(mel(np.array(highest_hz))), bands + 2))
    distances = corners[:, None] - np.fft.rfftfreq(length, 1 / rate)
    widths = np.diff(corners)[:, None]
    rising, falling = -distances[:-2] / widths[:-1], distances[2:] / widths[1:]
    return np.asarray(np.maximum(0, np.minimum(rising, falling)), np.float32)


class GrowingSpectrogram:
    """Sums spectra into at most 400 columns of 48 bands; the columns widen as the recording grows."""

    def __init__(self, rate: int) -> None:
        length = spectrum_length(rate)
        self.step_s = length / 2 / rate
        self.highest_hz = min(rate / 2, HIGHEST_HZ)
        self._filters = filters(rate, length, BANDS, self.highest_hz).T
        self._grid = 1
        self._totals = np.zeros((COLUMNS, BANDS))
        self._counts = np.zeros(COLUMNS)

    def add(self, first: int, spectra: Powers) -> None:
        """Take power spectra of shape (frames, bins); `first` is the number of the first since the start."""
        if not len(spectra):
            return
        while (first + len(spectra) - 1) // self._grid >= COLUMNS:
            self._halve()
        columns = (first + np.arange(len(spectra))) // self._grid
        starts = np.flatnonzero(np.diff(columns, prepend=-1))
        # Summing first would spare multiplications, but `reduceat` over whole spectra takes longer than they do.
        self._totals[columns[starts]] += np.add.reduceat(spectra @ self._filters, starts, axis=0)
        self._counts[columns[starts]] += np.diff(starts, append=len(spectra))

    def _halve(self) -> None:
        totals, counts = self._totals.reshape(-1, 2, BANDS).sum(axis=1), self._counts.reshape(-1, 2).sum(axis=1)
        self._totals, self._counts = np.zeros_like(self._totals), np.zeros_like(self._counts)
        self._totals[: COLUMNS // 2], self._counts[: COLUMNS // 2] = totals, counts
        self._grid *= 2

    def spectrogram(self) -> Spectrogram | None:
        """The columns so far; None where not one spectrum fitted."""
        columns = int(np.count_nonzero(self._counts))
        if not columns:
            return None
        levels = decibel(self._totals[:columns] / self._counts[:columns, None])
        cells = np.clip(np.round((levels - LOWEST) / STEP), 0, 255).astype(np.uint8)
        return Spectrogram(self.step_s * self._grid, BANDS, self.highest_hz, cells.tobytes())

"""What the spectra of a whole recording say together, in memory that does not depend on its length.

Percentiles over time tell background from foreground: in every band the quietest moments are the background, the
loudest are what the recording is about.
"""

import numpy as np
from numpy.typing import NDArray

from capture_validation.grid import Powers, decibel

#: Spectra are averaged over this many before percentiles are taken, which calms the scatter of single frames.
CALM = 8


class Calming:
    """Means over so many following spectra, in dB, on one grid from the start: what percentiles are taken of."""

    def __init__(self, over: int = CALM) -> None:
        self._over = over
        self._kept: Powers | None = None

    def take(self, spectra: Powers) -> NDArray[np.float32]:
        """New complete means, shape (means, bins), dB."""
        joined = spectra if self._kept is None else np.concatenate((self._kept, spectra))
        whole = len(joined) // self._over * self._over
        self._kept = joined[whole:]
        return decibel(joined[:whole].reshape(-1, self._over, joined.shape[1]).mean(axis=1))


class Histogram:
    """How often each level (dB) occurred, per band: percentiles of any length of recording in fixed memory.

    Levels between −150 and 10 dB in steps of 0.5 dB, so a percentile is right to a quarter of a dB.
    """

    LOWEST, STEP, CELLS, BATCH = -150.0, 0.5, 321, 128

    def __init__(self, bands: int) -> None:
        self.bands = bands
        self.counts = np.zeros(bands * self.CELLS, np.int64)
        self._offsets = np.arange(bands) * self.CELLS
        self._waiting: list[NDArray[np.float32]] = []
        self._waited = 0

    def add(self, levels: NDArray[np.float32]) -> None:
        """Take levels in dB, shape (times, bands)."""
        self._waiting.append(levels)
        self._waited += len(levels)
        if self._waited >= self.BATCH:
            self._count()

    def _count(self) -> None:
        """Count what waits: going through all cells costs the same for one level as for a hundred."""
        if not self._waited:
            return
        levels = np.concatenate(self._waiting)
        cells = np.clip((levels - self.LOWEST) / self.STEP, 0, self.CELLS - 1).astype(np.int64) + self._offsets
        self.counts += np.bincount(cells.ravel(), minlength=len(self.counts))
        self._waiting, self._waited = [], 0

    @property
    def times(self) -> int:
        """How many levels each band has received."""
        self._count()
        return int(self.counts[: self.CELLS].sum())

    def percentile(self, share: float) -> NDArray[np.float64]:
        """The level (dB) that a share (0…1) of the levels of each band do not exceed, shape (bands,)."""
        self._count()
        counts = self.counts.reshape(self.bands, self.CELLS)
        below = counts.cumsum(axis=1) >= max(share * self.times, 1)
        return np.asarray(self.LOWEST + (below.argmax(axis=1) + 0.5) * self.STEP, np.float64)

    def above(self, band: int, level: float) -> float:
        """The share (0…1) of the levels of a band that exceed a level (dB)."""
        self._count()
        counts = self.counts.reshape(self.bands, self.CELLS)[band]
        first = int(np.clip((level - self.LOWEST) / self.STEP, 0, self.CELLS - 1))
        return float(counts[first:].sum() / max(self.times, 1))

    def power(self, band: int) -> float:
        """The mean power of a band, right to a quarter of a dB."""
        self._count()
        counts = self.counts.reshape(self.bands, self.CELLS)[band]
        levels = self.LOWEST + (np.arange(self.CELLS) + 0.5) * self.STEP
        return float(counts @ 10 ** (levels / 10)) / max(self.times, 1)

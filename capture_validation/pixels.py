"""Pixels: one decoded frame, and the views of it that several checks share.

Each view is computed on first use and at most once, so a check costs only what no other check has asked for yet. All
checks look at a picture of at most 640 pixels on its long side, in display light: what a person would see on a phone.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from capture_validation.frequencies import Powers, frequencies

if TYPE_CHECKING:
    from capture_validation.decode import VideoFrame

# One recording is examined by one process; OpenCV's own threads would only fight with the next process.
cv2.setNumThreads(1)

Gray = NDArray[np.uint8]

LONG_SIDE = 640
SMALL_SIDE = 160
CROP = 512

#: Light of diffuse white (a sheet of paper) in each HDR signal, ITU-R BT.2408-7, table 1: 203 cd/m² for PQ and 75 % of
#: the HLG signal, which is 0.265 of its scene light.
PQ_WHITE = 203.0
HLG_WHITE = 0.265
#: How much brighter than paper the brightest light is that keeps its detail, as most phones record it.
PEAK = 4.9


def _pq_light(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light over paper white of a PQ signal in 0…1 (SMPTE ST 2084:2014, equation 4.1)."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    root = signal ** (1 / m2)
    light: NDArray[np.float64] = (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1) * 10_000 / PQ_WHITE
    return light


def _hlg_light(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light over paper white of an HLG signal in 0…1 (ITU-R BT.2100-2, table 5, inverse OETF)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    light: NDArray[np.float64] = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12) / HLG_WHITE
    return light


def _display(light: NDArray[np.float64]) -> Gray:
    """Fold light over paper white into the 8 bits of an ordinary display, highlights compressed instead of cut.

    The curve is the extended one of Reinhard et al. 2002, equation 4; the display has a gamma of 2.4 (BT.1886).
    """
    folded = np.clip(light * (1 + light / PEAK**2) / (1 + light), 0, 1)
    return np.round(255 * folded ** (1 / 2.4)).astype(np.uint8)


_SIGNAL = np.arange(256) / 255
#: What each 8-bit code of an HDR recording looks like on an ordinary display, by transfer characteristic.
DISPLAY: dict[str, Gray] = {"pq": _display(_pq_light(_SIGNAL)), "hlg": _display(_hlg_light(_SIGNAL))}


class Pixels:
    """One frame as the checks see it: when it is shown, and views of its picture.

    Attributes of the frame itself: `at_s` (seconds from the start of the recording), `is_key`, `is_corrupt`, `width`
    and `height` (pixels as shown). `transfer` names the light curve of the track: `pq`, `hlg`, or anything else for an
    ordinary one.
    """

    def __init__(self, frame: VideoFrame, transfer: str | None = None) -> None:
        self.frame = frame
        self.transfer = transfer
        self.at_s: float = frame.at_s
        self.is_key: bool = frame.is_key
        self.is_corrupt: bool = frame.is_corrupt
        self.width: int = frame.width
        self.height: int = frame.height
        #: Mean change of `small` since the frame before, levels of 255; infinite where nothing compares. For checks
        #: that look at `small` of every frame.
        self.change = math.inf

    @cached_property
    def luma(self) -> Gray:
        """Brightness, uint8 (height, width), long side at most 640, rotated upright, black 0, white 255.

        Without the mapping of HDR light a normal PQ recording looks too dark: its paper white has code 148 of 255.
        """
        return self._shown(self.frame.luma(LONG_SIDE))

    @cached_property
    def centre(self) -> Gray:
        """The middle of the frame at the recording's own resolution, uint8, at most 512 × 512.

        What scaling hides is found here: the 8 × 8 grid of a codec, combed lines, detail that was invented.
        """
        return self._shown(self.frame.middle(CROP))

    @cached_property
    def frequencies(self) -> Powers | None:
        """Power of each spatial frequency of `centre`, see `frequencies`; None for a picture of under 64 pixels."""
        return frequencies(self.centre)

    @cached_property
    def small(self) -> Gray:
        """The picture with a long side of at most 160 pixels: enough to see motion, too small to see noise.

        It costs 0.1 ms straight from the decoder, so a check may look at every frame this way.
        """
        return self._shown(self.frame.glance(SMALL_SIDE))

    def glance(self) -> Gray:
        """Look at the picture now, at the size of `small`, for checks that are shown it when it is forgotten."""
        return self.small

    def follow(self, before: Gray | None) -> None:
        """Note how much changed since the glance at the frame before."""
        if before is not None and before.shape == self.small.shape:
            self.change = float(cv2.norm(before, self.small, cv2.NORM_L1)) / self.small.size

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """Share of the picture at each brightness, float64 (256,), sum 1."""
        counts = cv2.calcHist([self.luma], [0], None, [256], [0, 256]).ravel().astype(np.float64)
        share: NDArray[np.float64] = counts / counts.sum()
        return share

    @cached_property
    def brightness(self) -> float:
        """Mean brightness, 0 (black) … 1 (white)."""
        return float(self.shares @ np.arange(256)) / 255

    @cached_property
    def contrast(self) -> float:
        """Distance from the darkest to the brightest 0.2 % of the picture, 0 … 1 of the way from black to white."""
        return self.reached(0.998) - self.reached(0.002)

    def reached(self, share: float) -> float:
        """The brightness, 0 (black) … 1 (white), that so much of the picture stays at or below."""
        return float(np.searchsorted(np.cumsum(self.shares), share)) / 255

    @cached_property
    def spread(self) -> float:
        """Standard deviation of brightness, levels of 255: a bare wall has under 12 and shows no focus."""
        levels = np.arange(256)
        mean = self.shares @ levels
        return float(np.sqrt(self.shares @ (levels - mean) ** 2))

    @cached_property
    def shows_detail(self) -> bool:
        """Whether focus can be judged at all: neither a bare wall, nor nearly black, nor mostly burnt out."""
        return self.spread >= 12 and self.brightness > 0.06 and float(self.shares[250:].sum()) < 0.6

    def _shown(self, luma: Gray) -> Gray:
        table = DISPLAY.get(self.transfer or "")
        return luma if table is None else _gray(cv2.LUT(luma, table))


def _gray(array: Any) -> Gray:
    """Say to the type checker what OpenCV, which carries no types, gives back."""
    result: Gray = array
    return result

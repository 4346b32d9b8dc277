"""Upscaled: more pixels than detail."""

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from capture_validation.check import Measurement, VideoCheck, at_least
from capture_validation.decode import VideoTrack
from capture_validation.frequencies import Powers, grid
from capture_validation.pixels import Pixels
from capture_validation.readings import Readings

#: Bands of spatial frequency as shares of the finest that the pixels can hold.
FINE = (0.7, 0.9)
MIDDLE = (0.2, 0.3)


class VideoUpscaled(VideoCheck):
    """Power of the finest detail under that of middle detail, at the recording's own resolution.

    A picture that was blown up, by zooming with two fingers or by an app that exports “4K”, has pixels without detail:
    its spectrum ends where the smaller picture's ended. The campaign asked for the detail, not for the pixels.

    Result: decibels, 0 and below, in the worst quarter. Genuine clips have −10 … −27.5, clips enlarged 2 × −27 … −34.
    Compression after enlarging adds new fine structure: many such clips come back above the limit. Pictures with pixels
    that are not square, and soft ones (video.sharpness), cannot be judged.
    """

    name = "video.upscaled"
    version = 3
    title = "Detail for its resolution"
    unit = "dB"
    profiles = {"video": at_least(-28.0)}
    sentences = {
        "too-low": "The picture has more pixels than detail ({value} dB, at least {minimum} dB): it seems enlarged.",
    }
    fix = "Do not zoom with two fingers, clean the lens, and send the original instead of an export from an app."
    false_alarms = "Very strong compression, and scenes without fine structure."
    source = "Radial power spectrum, squared Hann window, 2-D FFT; expected 1/f² fall of scenes after Field 1987."
    uncertainty = 0.5
    frames_per_second = 1.0

    def start(self, track: VideoTrack) -> None:
        self.readings = Readings(self.rule.limit)
        self.square = abs(track.pixel_aspect - 1) < 0.01

    def feed(self, pixels: Pixels) -> None:
        usable = self.square and pixels.shows_detail
        self.readings.add(pixels.at_s, finest_detail_db(pixels.frequencies) if usable else None)

    def measure(self) -> Measurement:
        return self.readings.measurement()


def finest_detail_db(powers: Powers | None) -> float | None:
    """Fine over middle power in dB, or None for a picture without a spectrum or without middle detail."""
    if powers is None:
        return None
    fine, middle = (cv2.mean(powers, _ring(len(powers), band))[0] for band in (FINE, MIDDLE))
    return 10 * math.log10(fine / middle) if fine and middle else None


@lru_cache(maxsize=8)
def _ring(side: int, band: tuple[float, float]) -> NDArray[np.uint8]:
    """Which places of a spectrum of side × side pixels lie within a band of frequencies: 255 there, elsewhere 0."""
    radius = 2 * np.hypot(*grid(side))
    ring: NDArray[np.uint8] = np.where((radius >= band[0]) & (radius < band[1]), 255, 0).astype(np.uint8)
    return ring

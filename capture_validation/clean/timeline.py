"""Time in the rendition: stretches that are dropped move everything after them forward, sound and picture alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capture_validation.report import Span

#: A cut to silence within this many seconds makes no click.
FADE_S = 0.005


class Timeline:
    """Where each moment of the original is in the rendition."""

    def __init__(self, dropped: tuple[Span, ...], muted: tuple[Span, ...] = ()) -> None:
        """Spans are in the order of time and do not overlap."""
        self.dropped, self.muted = dropped, muted

    def keeps(self, at_s: float) -> bool:
        """Whether a moment of the original is in the rendition."""
        return not any(span.start_s <= at_s < span.end_s for span in self.dropped)

    def moved(self, at_s: float) -> float:
        """The moment of the rendition, in seconds, at which a moment of the original is."""
        gone = (min(at_s, span.end_s) - span.start_s for span in self.dropped if span.start_s < at_s)
        return at_s - sum(gone)

    def original(self, at_s: float) -> float:
        """The moment of the original that is at a moment of the rendition."""
        for span in self.dropped:
            # Rounding must not put what comes after a dropped stretch before it.
            if at_s < span.start_s - 1e-6:
                break
            at_s += span.end_s - span.start_s
        return at_s

    def removed_s(self, duration_s: float) -> float:
        """How much shorter the rendition of so many seconds is."""
        return duration_s - self.moved(duration_s)

    def heard(self, samples: NDArray[np.float32], at_s: float, rate: int) -> NDArray[np.float32]:
        """What is left of a block, float32 (n, channels) at `rate` Hz: muted stretches silent, dropped ones gone."""
        if not self.muted and not self.dropped:
            return samples
        times = at_s + np.arange(len(samples)) / rate
        loud, kept = np.ones(len(samples)), np.ones(len(samples), bool)
        for span in self.muted:
            loud *= 1 - within(times, span)
        for span in self.dropped:
            kept &= (times < span.start_s) | (times >= span.end_s)
        return np.ascontiguousarray((samples * loud[:, None])[kept], np.float32)


def within(times: NDArray[np.float64], span: Span) -> NDArray[np.float64]:
    """1 within a span, 0 away from it, and a straight line over the last milliseconds outside."""
    rising = (times - span.start_s) / FADE_S + 1
    falling = (span.end_s - times) / FADE_S + 1
    return np.clip(np.minimum(rising, falling), 0.0, 1.0)

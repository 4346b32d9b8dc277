"""What is still found in a rendition, and how it is hidden when everything is made anew.

First each place is filled from its rim. Where that does not help, as with letters all over a moving pattern, whole
pictures go: a recording with a gap can be given out, one in which something can be read cannot.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from capture_validation.clean.cover import AROUND_S
from capture_validation.report import Span
from capture_validation.spans import Spans
from capture_validation.xray.findings import Box

#: Seconds between two looks at a rendition.
LOOK_AGAIN_EVERY_S = 0.5
#: What fits into one job.
MOST_BOXES, MOST_SPANS = 400, 100


class LeftOver(Struct, frozen=True):
    """`boxes` are places, and in `blank` nothing is shown at all; both in seconds of the original."""

    boxes: tuple[Box, ...] = ()
    blank: tuple[Span, ...] = ()

    def filled(self, found: Iterable[Box]) -> LeftOver:
        """Fill what was found now as well."""
        return LeftOver((*self.boxes, *found)[:MOST_BOXES], self.blank)

    def blanked(self, found: Iterable[Box]) -> LeftOver:
        """Show nothing around the moments at which something was found."""
        around = AROUND_S + LOOK_AGAIN_EVERY_S / 2
        moments = [(max(box.at_s - around, 0.0), box.at_s + around) for box in found]
        spans = Spans(gap_s=LOOK_AGAIN_EVERY_S, most=MOST_SPANS)
        spans.extend(sorted([*moments, *((span.start_s, span.end_s) for span in self.blank)]))
        return LeftOver(self.boxes, spans.spans())

    def hides_all(self, at_s: float) -> bool:
        """Whether nothing is shown at a moment."""
        return any(span.start_s <= at_s < span.end_s for span in self.blank)

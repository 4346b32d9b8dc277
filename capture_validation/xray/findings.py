"""What an X-ray says: traces in the file, sightings in the picture; kinds, counts and places, never who or what."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from capture_validation.report import Rejection, Span

#: `location`: where it was made. `device`: make, model or serial number. `software`: what wrote the file. `time`: when.
#: `telemetry`: a track of positions or movements. `words`: text somebody or something wrote into the file.
TraceKind = Literal["location", "device", "software", "time", "telemetry", "words"]
#: `voices` are those of bystanders.
SightingKind = Literal["faces", "text", "screens", "voices"]
Verdict = Literal["found", "nothing_found", "not_checked"]
#: Places kept of one kind; a crowd that is filmed for ten minutes would fill the report.
MOST_BOXES = 600


class Trace(Struct, frozen=True, order=True):
    """One thing the file itself tells: its kind and the field that holds it. The value is not repeated here."""

    kind: TraceKind
    where: str


class Box(Struct, frozen=True):
    """A place in the picture as shown, at `at_s` seconds; all four numbers are shares of its width or height, 0…1."""

    at_s: float
    left: float
    top: float
    right: float
    bottom: float


class Sighting(Struct, frozen=True):
    """What was looked for in the picture or the sound, and what came of it.

    `most_at_once` is the largest number in one analysed frame, `spans` the stretches in seconds, `boxes` the places in
    the analysed frames, at most `MOST_BOXES`. `looked_at` counts analysed frames; `by` names the model, or why there
    was none.
    """

    kind: SightingKind
    verdict: Verdict
    by: str
    looked_at: int = 0
    most_at_once: int = 0
    spans: tuple[Span, ...] = ()
    boxes: tuple[Box, ...] = ()


class Xray(Struct, frozen=True):
    """Everything one X-ray found in `seconds` of recording.

    `cost_s` is CPU seconds of the models alone, apart from decoding and quality.
    """

    traces: tuple[Trace, ...]
    sightings: tuple[Sighting, ...]
    seconds: float = 0.0
    cost_s: float = 0.0

    def sighting(self, kind: SightingKind) -> Sighting | None:
        """What was looked for under that name; None when this recording has no such track."""
        return next((sighting for sighting in self.sightings if sighting.kind == kind), None)


class Xrayed(Struct, frozen=True):
    """An X-ray, or why the file could not be opened."""

    xray: Xray | None
    rejection: Rejection | None = None

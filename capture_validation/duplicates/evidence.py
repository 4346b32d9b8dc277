"""Evidence: what a comparison says, in terms a person can check by listening or looking.

Never a bare score: which recording, which stretch of the new one is which stretch of the old one, what was done to it,
how strong the evidence is, and by which version of the algorithm.
"""

from typing import Literal

from msgspec import Struct

from capture_validation.report import Span

#: `duplicate`: the same recording. `alike`: not decided, a person looks. `not-enough-content`: silence, a steady tone
#: or a still picture proves nothing either way. `different`: nothing in common.
Verdict = Literal["duplicate", "alike", "not-enough-content", "different"]
Kind = Literal["file", "content", "audio", "video"]


class Aligned(Struct, frozen=True):
    """Two stretches that are the same: `new` in the new recording, `held` in the one already there, in seconds."""

    new: Span
    held: Span


class Transformation(Struct, frozen=True, omit_defaults=True):
    """What was done to the new recording, as far as it shows.

    `speed`: how much faster time runs in it. `pitch`: how much higher it sounds; speed and pitch are equal when a tape
    runs faster. `mirrored`, `scale`, `rotation_deg` and `shown` (share of the held picture, 0…1) are about pictures.
    """

    speed: float = 1.0
    pitch: float = 1.0
    mirrored: bool = False
    scale: float = 1.0
    rotation_deg: float = 0.0
    shown: float = 1.0


class Match(Struct, frozen=True):
    """One recording that shares something with the new one.

    `recording`: the number its postings carry. `strength` is in the unit of its `kind` and is compared with
    `threshold`; `covered` is the share of the new recording, 0…1, that the aligned stretches make up.
    """

    recording: int
    kind: Kind
    verdict: Verdict
    strength: float
    threshold: float
    covered: float
    spans: tuple[Aligned, ...]
    transformation: Transformation
    version: int


def covered(spans: tuple[Aligned, ...], seconds: float) -> float:
    """Share of a recording of `seconds` that the stretches make up, 0…1; overlapping stretches count once."""
    total, end = 0.0, 0.0
    for span in sorted((aligned.new for aligned in spans), key=lambda span: span.start_s):
        total += max(0.0, span.end_s - max(span.start_s, end))
        end = max(end, span.end_s)
    return min(1.0, total / seconds) if seconds else 0.0

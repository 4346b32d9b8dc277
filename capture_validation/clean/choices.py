"""What a contributor wants hidden, kind by kind."""

from __future__ import annotations

import math
from typing import Literal

from msgspec import Struct

from capture_validation.errors import ChoicesInvalid
from capture_validation.report import Span

Hiding = Literal["blur", "box", "keep"]
#: `h264`: H.264 and AAC in MP4, plays everywhere. `av1`: AV1 and Opus in MP4, half the size and many times the work.
#: A recording without a picture becomes FLAC, or Opus in Ogg.
Profile = Literal["h264", "av1"]
MOST_SPANS = 100
LONGEST_S = 24 * 3600.0


class Choices(Struct, frozen=True, forbid_unknown_fields=True):
    """What to do about each kind, and with which stretches; spans are seconds of the original.

    Faces are blurred unless somebody says otherwise. To keep them shown, `seen_agreed` must declare that everybody who
    can be recognised agreed to it. `mute` silences stretches, `drop` takes them out of sound and picture alike.
    """

    faces: Hiding = "blur"
    text: Hiding = "keep"
    mute: tuple[Span, ...] = ()
    drop: tuple[Span, ...] = ()
    seen_agreed: bool = False
    profile: Profile = "h264"


def checked(choices: Choices) -> Choices:
    """Give the choices with their spans in order and joined where they overlap. Raises ChoicesInvalid."""
    if choices.faces == "keep" and not choices.seen_agreed:
        raise ChoicesInvalid("Faces can stay visible only if everybody who can be recognised agreed to it.")
    return Choices(
        choices.faces, choices.text, joined(choices.mute), joined(choices.drop), choices.seen_agreed, choices.profile
    )


def joined(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """Spans in the order of time, each moment in one of them at most. Raises ChoicesInvalid."""
    if len(spans) > MOST_SPANS:
        raise ChoicesInvalid(f"At most {MOST_SPANS} stretches can be named.")
    together: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start_s):
        if not (math.isfinite(span.start_s) and 0 <= span.start_s < span.end_s <= LONGEST_S):
            raise ChoicesInvalid("A stretch begins at 0 seconds or later and ends after its beginning.")
        if together and span.start_s <= together[-1].end_s:
            together[-1] = Span(together[-1].start_s, max(together[-1].end_s, span.end_s))
        else:
            together.append(span)
    return tuple(together)

"""A cleaned rendition for whoever has a file: made in the sandbox, then examined and X-rayed as if a stranger sent it.

What the X-ray still finds in the result is hidden, and everything is made anew; only a rendition in which nothing is
left of what was to be hidden is given out.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

import msgspec
from msgspec import Struct

from capture_validation.capacity import CAPACITY
from capture_validation.clean.choices import Choices, checked
from capture_validation.clean.edits import Edit, Making, Rendered
from capture_validation.clean.left_over import LOOK_AGAIN_EVERY_S, LeftOver
from capture_validation.clean.timeline import Timeline
from capture_validation.errors import NotClean, SandboxKilled, SandboxOverflow, SandboxTimeout, Unreadable
from capture_validation.report import Report
from capture_validation.validate import descriptor_of, shared_sandbox, validate
from capture_validation.xray.findings import Box, SightingKind, Xray
from capture_validation.xray.xray import xray

if TYPE_CHECKING:
    from capture_validation.sandbox import Sandbox

Progress = Callable[[float], None]
#: Ten minutes of 4K are encoded at a tenth of real time on a slow core.
WALL_S = CPU_S = 4 * 3600.0
#: How often everything is made anew: what was found again is filled at first, and then whole pictures go.
FILLINGS, BLANKINGS = 2, 3
#: More of a recording is not taken away: nobody could use what is left.
MOST_BLANK = 0.5
#: How much of the progress making is; the rest is looking at the result.
MAKING_SHARE = 0.8


class Cleaned(Struct, frozen=True):
    """A finished rendition: what was changed, how much shorter it is, and what is found in it now."""

    media_type: str
    edits: tuple[Edit, ...]
    removed_s: float
    seconds: float
    report: Report
    xray: Xray


def clean(
    source: str | os.PathLike[str] | BinaryIO | int,
    into: BinaryIO,
    choices: Choices,
    progress: Progress = lambda _: None,
    *,
    sandbox: Sandbox | None = None,
) -> Cleaned:
    """Write the rendition of a recording into an empty seekable file that has a descriptor.

    `progress` hears shares of the work, 0…1. Raises ChoicesInvalid, NotClean, SandboxUnavailable, and Unreadable for a
    file that is none (`not-checked` when no model can find what is to be hidden, `nothing-left` when all is dropped).
    """
    choices = checked(choices)
    box = sandbox or shared_sandbox()
    left_over = LeftOver()
    ways: dict[SightingKind, str] = {"faces": choices.faces, "text": choices.text}
    hidden = [kind for kind, how in ways.items() if how != "keep"]
    with descriptor_of(source) as descriptor:
        for turn in range(1 + FILLINGS + BLANKINGS):
            into.seek(0)
            into.truncate()
            made = _made(box, descriptor, into, choices, left_over, progress)
            into.flush()
            seen = xray(into.fileno(), kinds=hidden, every_s=LOOK_AGAIN_EVERY_S, sandbox=box)
            again = _again(seen, Timeline(choices.drop))
            if made.frames and not all(is_looked_at(seen, kind) for kind in hidden):
                break
            if not again:
                return _examined(box, into, made, seen, progress)
            left_over = left_over.filled(again) if turn < FILLINGS else left_over.blanked(again)
            if sum(span.end_s - span.start_s for span in left_over.blank) > MOST_BLANK * made.seconds:
                break
    raise NotClean


def _made(
    box: Sandbox, descriptor: int, into: BinaryIO, choices: Choices, left_over: LeftOver, progress: Progress
) -> Rendered:
    """Have the sandbox write the rendition once. Raises Unreadable."""
    from capture_validation.sandbox import Target

    # SVT-AV1 does not work without threads; everything else must do without.
    threads = choices.profile == "av1"
    job = msgspec.json.encode({"task": "clean", "choices": choices, "left_over": left_over, "threads": threads})
    target = Target(into, CAPACITY.video_bytes, lambda share: progress(MAKING_SHARE * share))
    try:
        answer = box.run(descriptor, job, wall_s=WALL_S, cpu_s=CPU_S, into=target)
    except (SandboxKilled, SandboxTimeout, SandboxOverflow) as cause:
        raise Unreadable("too-expensive") from cause
    making = msgspec.json.decode(answer, type=Making)
    if making.rendered is None:
        refused = making.rejection
        raise Unreadable(refused.code, **refused.parameters) if refused else Unreadable("undecodable")
    return making.rendered


def _again(seen: Xray, timeline: Timeline) -> list[Box]:
    """Where the X-ray of a rendition still finds what was to be hidden, at the moments of the original."""
    places = (place for sighting in seen.sightings for place in sighting.boxes)
    return [msgspec.structs.replace(place, at_s=timeline.original(place.at_s)) for place in places]


def is_looked_at(seen: Xray, kind: SightingKind) -> bool:
    """Whether an X-ray looked for a kind at all; of what it did not look at, it cannot say that nothing is left."""
    sighting = seen.sighting(kind)
    return sighting is not None and sighting.verdict != "not_checked"


def _examined(box: Sandbox, into: BinaryIO, made: Rendered, seen: Xray, progress: Progress) -> Cleaned:
    """Examine the rendition like any recording. Raises NotClean when it tells anything or cannot be read."""
    report = validate(into.fileno(), "video" if made.media_type.startswith("video") else "ambient", sandbox=box)
    if seen.traces or report.rejection is not None:
        raise NotClean
    progress(1.0)
    return Cleaned(made.media_type, made.edits, made.removed_s, made.seconds, report, seen)

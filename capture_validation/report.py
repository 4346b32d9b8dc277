"""What an examination says: media facts, every check's result, the outcome, and curves for the picture.

The report is data, not prose: a failure is a code with parameters, and `texts` turns it into a sentence in the reader's
language. That way a report stored today reads well in a language added next year.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Status = Literal["passed", "hint", "borderline", "failed", "not_applicable"]
Outcome = Literal["passed", "in_review", "needs_fix", "rejected"]
Requirement = Literal["required", "advisory", "off"]
#: `full`: every frame is decoded. `instant`: only some of each group of pictures, for an answer in seconds.
Tier = Literal["full", "instant"]


class Span(Struct, frozen=True, array_like=False):
    """A stretch of the recording, in seconds from its start; `start_s <= end_s`."""

    start_s: float
    end_s: float


class Limit(Struct, frozen=True, omit_defaults=True):
    """What a measurement is judged by: the good range, and the range outside which a take is refused.

    A value inside [`minimum`, `maximum`] passes. Outside it is a hint until it leaves
    [`reject_minimum`, `reject_maximum`]; where no reject bound is set on that side, leaving the good range is enough.
    """

    minimum: float | None = None
    maximum: float | None = None
    reject_minimum: float | None = None
    reject_maximum: float | None = None


class AudioFacts(Struct, frozen=True):
    """The sound track that was examined."""

    codec: str
    sample_rate_hz: int
    channels: int
    sample_format: str
    bit_rate: int | None


class VideoFacts(Struct, frozen=True):
    """The picture track that was examined; width and height as shown, after rotation and pixel aspect."""

    codec: str
    width: int
    height: int
    rotation_deg: int
    frame_rate: float
    pixel_format: str


class MediaFacts(Struct, frozen=True):
    """What the file is, as found by decoding it and not by what its name or header claims."""

    container: str
    media_type: str
    size_bytes: int
    duration_s: float
    audio: AudioFacts | None = None
    video: VideoFacts | None = None


class Rejection(Struct, frozen=True):
    """Why a file could not be examined at all: a slug and the facts of its sentence."""

    code: str
    parameters: dict[str, str | float] = {}


class CheckResult(Struct, frozen=True):
    """One check's verdict on one recording.

    `code` is `passed`, `not-applicable`, or names the direction of the failure (`too-high`, `too-low`) or a cause of
    the check's own; with `name` it selects the sentence. `value` and `limit` share `unit`; `spans` say where.
    `mendable` is False where no other take could do better, so that the contributor is not asked to try.
    """

    name: str
    version: int
    status: Status
    requirement: Requirement
    code: str
    unit: str
    value: float | None = None
    limit: Limit = Limit()
    spans: tuple[Span, ...] = ()
    parameters: dict[str, str | float] = {}
    mendable: bool = True


class Curve(Struct, frozen=True):
    """A measurement over time for the picture: one value per `step_s`, in `unit` (dBFS, 0…255, …)."""

    name: str
    unit: str
    step_s: float
    values: tuple[float, ...]


class Spectrogram(Struct, frozen=True):
    """Which pitches sound when, for the picture: columns of `bands` cells, one column per `step_s`.

    `cells` are bytes, column after column, the lowest band first; in JSON they are base64. The bands lie evenly on the
    mel scale from 0 to `highest_hz`; 0 stands for −110 dB and every step for 0.4 dB.
    """

    step_s: float
    bands: int
    highest_hz: float
    cells: bytes


class Still(Struct, frozen=True):
    """A small picture out of a video at `at_s` seconds, at most 160 pixels long; `shows` names the check it is for.

    `planes` are bytes without any coding: brightness row by row, then blue and red difference at half the size (rounded
    up) as in JPEG (ITU-T T.871); in JSON they are base64. They show what was filmed: whoever may not see the recording
    may not see them.
    """

    at_s: float
    width: int
    height: int
    planes: bytes
    shows: str = ""


#: What matters most is read first.
ORDER: tuple[Status, ...] = ("failed", "borderline", "hint", "passed", "not_applicable")


class Report(Struct, frozen=True):
    """Everything one examination found, with the versions it was found by; `checks` come most important first."""

    library: str
    profile: str
    profile_version: int
    media: MediaFacts | None
    rejection: Rejection | None
    checks: tuple[CheckResult, ...]
    curves: tuple[Curve, ...] = ()
    spectrogram: Spectrogram | None = None
    stills: tuple[Still, ...] = ()
    tier: Tier = "full"

    @property
    def failed(self) -> tuple[CheckResult, ...]:
        """The required checks that this take did not meet."""
        return tuple(check for check in self.checks if check.status == "failed")

    @property
    def outcome(self) -> Outcome:
        """What the report alone decides, in the order of the decision rule.

        `rejected` when the file cannot be examined or fails where no take can mend it; `needs_fix` when another take
        can; `in_review` when a required value lies within its measurement's own error; else `passed`. Duplicates and
        consent are decided by who holds the other recordings, not here.
        """
        if self.rejection is not None or any(not check.mendable for check in self.failed):
            return "rejected"
        if self.failed:
            return "needs_fix"
        return "in_review" if any(check.status == "borderline" for check in self.checks) else "passed"


def most_important_first(checks: tuple[CheckResult, ...]) -> tuple[CheckResult, ...]:
    """Order results by how much they matter: failures, then hints, what is good last; required before advisory."""
    return tuple(
        sorted(checks, key=lambda check: (ORDER.index(check.status), check.requirement != "required", check.name))
    )

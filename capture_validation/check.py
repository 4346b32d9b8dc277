"""What a check is: a streaming measurement, and the limits that judge it.

A check file holds one class; finding it in `checks/` is all the registration there is. The class *measures* and a
`Limit` *judges*, so a campaign can move a limit without touching an algorithm. Spans are the stretches that a
contributor should look at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct

from capture_validation.report import Curve, Limit, Requirement, Span

if TYPE_CHECKING:
    from capture_validation.decode import AudioTrack, TrackEnd, VideoTrack
    from capture_validation.pixels import Pixels
    from capture_validation.sound import Sound
    from capture_validation.speech import Speech


class Measurement(Struct, frozen=True):
    """What a check found: a value in the check's unit, where, and facts for its sentence.

    `code` overrides the direction (`too-high`, `too-low`) when the check knows a better cause. A value of `None` means
    that the recording gives nothing to measure, which is `not_applicable` and never a failure.
    """

    value: float | None
    spans: tuple[Span, ...] = ()
    parameters: dict[str, str | float] = {}
    code: str | None = None


class Rule(Struct, frozen=True):
    """How a profile judges one check: its limit, and whether failing it matters."""

    limit: Limit
    requirement: Requirement = "advisory"


def at_most(maximum: float, *, reject: float | None = None, requirement: Requirement = "advisory") -> Rule:
    """Pass values up to `maximum`; refuse beyond `reject` (or beyond `maximum` where no `reject` is given)."""
    return Rule(Limit(maximum=maximum, reject_maximum=reject), requirement)


def at_least(minimum: float, *, reject: float | None = None, requirement: Requirement = "advisory") -> Rule:
    """Pass values from `minimum` upwards; refuse below `reject` (or below `minimum` where no `reject` is given)."""
    return Rule(Limit(minimum=minimum, reject_minimum=reject), requirement)


def between(minimum: float, maximum: float, *, requirement: Requirement = "advisory") -> Rule:
    """Pass values from `minimum` to `maximum`, both included."""
    return Rule(Limit(minimum=minimum, maximum=maximum), requirement)


def information() -> Rule:
    """Measure and show, never complain: what is a defect elsewhere is content here."""
    return Rule(Limit())


class Check:
    """The part every check shares: identity, limits and words.

    `profiles` maps a profile name (`speech`, `conversation`, `ambient`, `music`, `video`) to its rule; a profile that
    is not named does not run the check. `sentences` maps a code to a template such as
    `"The recording is {value} {unit}; at most {maximum} is allowed."`; `fix` says what to do on a phone.
    `uncertainty` is the measurement's own error in `unit`: a required check that fails by less goes to a person.
    `mendable` is False where no other take could help, so that the recording is rejected instead of sent back.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    title: ClassVar[str]
    unit: ClassVar[str]
    profiles: ClassVar[Mapping[str, Rule]]
    sentences: ClassVar[Mapping[str, str]]
    fix: ClassVar[str]
    false_alarms: ClassVar[str]
    source: ClassVar[str]
    uncertainty: ClassVar[float] = 0.0
    mendable: ClassVar[bool] = True
    #: True where the pictures that the instant tier leaves out would change the verdict; it then says so.
    full_tier_only: ClassVar[bool] = False
    #: True where a missing track is itself the finding: `measure` then runs without `start`.
    measures_absence: ClassVar[bool] = False

    def __init__(self, rule: Rule) -> None:
        """Keep the rule, because the spans worth showing depend on the limit."""
        self.rule = rule

    def end(self, end: TrackEnd) -> None:
        """Hear how decoding went, before `measure`."""

    def beside(self, other: TrackEnd | None) -> None:
        """Hear how the recording's other track went, before `measure`; None where there is none."""

    def measure(self) -> Measurement:
        """Give the measurement of the whole track; it may have been empty."""
        raise NotImplementedError

    def curves(self) -> tuple[Curve, ...]:
        """What the check followed over time and a picture should show, such as brightness; most checks draw nothing."""
        return ()


class AudioCheck(Check):
    """A check on the sound track; it also runs on the sound of a video."""

    #: True where the check is about a voice: a profile that runs it listens for one, and says where by `spoken`.
    about_speech: ClassVar[bool] = False
    #: True where the measure says nothing without a voice: not applicable where a profile listened and heard none.
    only_in_speech: ClassVar[bool] = False

    def start(self, track: AudioTrack) -> None:
        """Prepare for a track of known sample rate (Hz) and channel count."""

    def spoken(self, speech: Speech, prompt: str | None) -> None:
        """Hear where somebody spoke and what they were asked to say, before `measure`."""

    def feed(self, sound: Sound) -> None:
        """Take the next stretch: its float32 samples and the views of them that checks share, computed on first use."""


class VideoCheck(Check):
    """A check on the picture track."""

    #: Frames a second this check wants to see; 0 asks for every decoded frame, of which only its time, its size and its
    #: flags are left when it is shown.
    frames_per_second: ClassVar[float] = 4.0
    #: True where a check of every frame looks at `Pixels.small` as well, the one view that is kept for it.
    glances: ClassVar[bool] = False
    #: True where only the times of pictures count, which the instant tier knows of every one.
    times_only: ClassVar[bool] = False

    def start(self, track: VideoTrack) -> None:
        """Prepare for a track of known size (pixels as shown) and frame rate."""

    def feed(self, pixels: Pixels) -> None:
        """Take the next frame that is due: its time, and the views of it that checks share, computed on first use."""

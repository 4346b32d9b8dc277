"""Capture profiles: which checks a kind of recording meets, and how strictly.

The same measurement means different things: wind spoils read speech and is the content of an ambient recording. A
profile holds the rules for one kind of recording; a campaign changes single rules without touching an algorithm.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from capture_validation import checks
from capture_validation.capacity import CAPACITY, Capacity
from capture_validation.check import Rule, VideoCheck
from capture_validation.errors import InvalidRule, UnknownProfile
from capture_validation.report import Limit, Rejection, Report, Requirement
from capture_validation.version import VERSION

Media = Literal["audio", "video"]

#: The published profiles: what kind of recording each judges, and its version. The version rises with every change of
#: a rule, because a report must say by which rules it was made.
PUBLISHED: dict[str, tuple[Media, int]] = {
    "speech": ("audio", 10),
    "conversation": ("audio", 10),
    "ambient": ("audio", 2),
    "music": ("audio", 2),
    "video": ("video", 4),
}


class Profile(Struct, frozen=True):
    """The rules for one kind of recording, by check name. A video profile also judges the sound track."""

    name: str
    version: int
    media: Media
    rules: dict[str, Rule]

    def rejected(self, rejection: Rejection) -> Report:
        """The report on a file that could not be examined by these rules, with the reason the contributor is owed."""
        return Report(VERSION, self.name, self.version, None, rejection, ())


class RuleChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What a campaign sets differently for one check; what it leaves out stays, and null removes a bound."""

    minimum: float | UnsetType | None = UNSET
    maximum: float | UnsetType | None = UNSET
    reject_minimum: float | UnsetType | None = UNSET
    reject_maximum: float | UnsetType | None = UNSET
    requirement: Requirement | UnsetType = UNSET


@cache
def published() -> Mapping[str, Profile]:
    """Every published profile by name, with the rules that the check files themselves declare."""
    return {name: Profile(name, version, media, _rules(name)) for name, (media, version) in PUBLISHED.items()}


def _rules(profile: str) -> dict[str, Rule]:
    return {name: check.profiles[profile] for name, check in checks.published().items() if profile in check.profiles}


def profile(name: str) -> Profile:
    """The published profile of that name. Raises UnknownProfile."""
    try:
        return published()[name]
    except KeyError:
        raise UnknownProfile(f"There is no capture profile “{name}”; there are {', '.join(PUBLISHED)}.") from None


def override(base: Profile, campaign_rules: Mapping[str, Any]) -> Profile:
    """The profile with a campaign's own limits: check name → any of minimum, maximum, reject_…, requirement.

    A check that the profile does not run starts without limits, so a campaign can ask for it. Raises UnknownProfile for
    a check nobody has published, InvalidRule for a rule that cannot be read, contradicts itself, or asks for pictures
    of a sound recording.
    """
    rules = dict(base.rules)
    for name, wish in campaign_rules.items():
        check = checks.published().get(name)
        if check is None:
            raise UnknownProfile(f"There is no check “{name}”.")
        if base.media == "audio" and issubclass(check, VideoCheck):
            raise InvalidRule(f"{name} looks at pictures, but “{base.name}” judges sound.")
        rules[name] = changed(name, rules.get(name, Rule(Limit())), wish)
    return msgspec.structs.replace(base, rules=dict(sorted(rules.items())))


def changed(name: str, rule: Rule, wish: Any) -> Rule:
    """The rule with one campaign's change to it. Raises InvalidRule."""
    try:
        change = msgspec.convert(wish, RuleChange)
    except msgspec.ValidationError as error:
        raise InvalidRule(f"The rule for {name} cannot be read: {error}") from error
    given = {field: value for field, value in msgspec.structs.asdict(change).items() if value is not UNSET}
    requirement = given.pop("requirement", rule.requirement)
    limit = msgspec.structs.replace(rule.limit, **given)
    if not consistent(limit):
        raise InvalidRule(f"The limits for {name} contradict each other.")
    return Rule(limit, requirement)


def consistent(limit: Limit) -> bool:
    """Whether the good range lies inside the range that is not refused."""
    bounds = (limit.reject_minimum, limit.minimum, limit.maximum, limit.reject_maximum)
    known = [bound for bound in bounds if bound is not None]
    return known == sorted(known)


class CaptureRule(Struct, frozen=True):
    """One rule as a phone needs it: what is measured, by which version, against which limit, and what helps."""

    name: str
    version: int
    unit: str
    limit: Limit
    requirement: Requirement
    title: str
    fix: str


class FileLimits(Struct, frozen=True):
    """What a file may be at most before it is looked at; bytes, seconds, Hz and pixels."""

    bytes: int
    duration_s: float
    sample_rate_min_hz: int
    sample_rate_max_hz: int
    channels: int
    long_side: int
    short_side: int


class CaptureProfile(Struct, frozen=True):
    """Everything a phone must know before it records for a campaign."""

    name: str
    version: int
    media: Media
    file: FileLimits
    media_types: tuple[str, ...]
    rules: tuple[CaptureRule, ...]


#: Containers that are taken, by their registered media types; what a file really is, its content says.
SOUND_TYPES = (
    "audio/wav", "audio/flac", "audio/aiff", "audio/ogg", "audio/mpeg", "audio/aac", "audio/mp4", "audio/amr",
    "audio/amr-wb", "audio/3gpp", "audio/webm", "audio/x-caf",
)  # fmt: skip
PICTURE_TYPES = ("video/mp4", "video/quicktime", "video/3gpp", "video/webm", "video/x-matroska", "video/x-msvideo")


def capture_profile(judged_by: Profile, capacity: Capacity = CAPACITY, locale: str = "en") -> CaptureProfile:
    """The rules as JSON-able data for a phone, so that it can say what is wrong before a byte is sent.

    Titles and fixes are in a language out of `texts.LOCALES`.
    """
    from capture_validation.texts import words

    rules = tuple(
        CaptureRule(
            name,
            checks.published()[name].version,
            checks.published()[name].unit,
            rule.limit,
            rule.requirement,
            words(name, locale).title,
            words(name, locale).fix,
        )
        for name, rule in judged_by.rules.items()
        if rule.requirement != "off"
    )
    types = SOUND_TYPES if judged_by.media == "audio" else PICTURE_TYPES
    return CaptureProfile(
        judged_by.name, judged_by.version, judged_by.media, _file_limits(judged_by.media, capacity), types, rules
    )


def _file_limits(media: Media, capacity: Capacity) -> FileLimits:
    return FileLimits(
        bytes=capacity.audio_bytes if media == "audio" else capacity.video_bytes,
        duration_s=capacity.audio_duration_s if media == "audio" else capacity.video_duration_s,
        sample_rate_min_hz=capacity.sample_rate_min,
        sample_rate_max_hz=capacity.sample_rate_max,
        channels=capacity.channels,
        long_side=capacity.long_side,
        short_side=capacity.short_side,
    )

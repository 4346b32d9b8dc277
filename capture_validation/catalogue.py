"""The catalogue: every check, what it measures, how it is judged, and where it can be wrong.

`GET /v1/checks` and docs/checks.md (see `documentation`) are both made from this, and this is made from the check
files, so nothing that reaches a contributor can drift away from the code that judged them.
"""

import inspect

from msgspec import Struct

from capture_validation import checks, texts
from capture_validation.check import AudioCheck, Check
from capture_validation.profile import Media
from capture_validation.report import Limit, Requirement


class ProfileRule(Struct, frozen=True):
    """How one profile judges a check."""

    profile: str
    limit: Limit
    requirement: Requirement


class Entry(Struct, frozen=True):
    """One check as it is published."""

    name: str
    version: int
    media: Media
    title: str
    unit: str
    description: str
    fix: str
    false_alarms: str
    source: str
    uncertainty: float
    mendable: bool
    profiles: tuple[ProfileRule, ...]


def catalogue(locale: str = "en") -> tuple[Entry, ...]:
    """Every check in the order of names; title and fix in the reader's language, the description in English."""
    return tuple(entry(check, locale) for check in checks.published().values())


def entry(check: type[Check], locale: str = "en") -> Entry:
    """One check as it is published."""
    spoken = texts.words(check.name, locale)
    return Entry(
        name=check.name,
        version=check.version,
        media="audio" if issubclass(check, AudioCheck) else "video",
        title=spoken.title,
        unit=check.unit,
        description=inspect.getdoc(check) or "",
        fix=spoken.fix,
        false_alarms=check.false_alarms,
        source=check.source,
        uncertainty=check.uncertainty,
        mendable=check.mendable,
        profiles=tuple(ProfileRule(name, rule.limit, rule.requirement) for name, rule in check.profiles.items()),
    )

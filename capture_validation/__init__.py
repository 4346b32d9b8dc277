"""Recordings in, reports out: a library that says what is good and wrong with a recording made on a phone.

    from capture_validation import validate

    report = validate("take.m4a", "speech")
    report.outcome                      # passed, in_review, needs_fix or rejected
    [check.name for check in report.checks if check.status == "failed"]

It knows no HTTP, no database and no object store. Decoding happens in a sandbox.
"""

from capture_validation.catalogue import catalogue
from capture_validation.errors import CaptureError, InvalidRule, SandboxError, SandboxUnavailable, UnknownProfile
from capture_validation.profile import Profile, capture_profile, override, profile
from capture_validation.report import Report
from capture_validation.validate import validate

__all__ = [
    "CaptureError",
    "InvalidRule",
    "Profile",
    "Report",
    "SandboxError",
    "SandboxUnavailable",
    "UnknownProfile",
    "capture_profile",
    "catalogue",
    "override",
    "profile",
    "validate",
]

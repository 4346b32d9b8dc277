"""What the comparison of recordings raises.

CaptureError
└── NotAFingerprint     bytes that no fingerprint of this version is made of
"""

from capture_validation.errors import CaptureError


class NotAFingerprint(CaptureError):
    """These bytes are not a fingerprint of the version in use."""

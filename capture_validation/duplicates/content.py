"""Content hash: the same coded sound and picture in another wrapper.

A file that was only re-wrapped, renamed or given another title has another hash as a file and the same coded bytes.
It is exact, so it needs neither evidence nor a person.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from capture_validation.tracks import TrackEnd


def content_hash(audio_end: TrackEnd, video_end: TrackEnd) -> str:
    """SHA-256 over the coded bytes of the tracks that were decoded, as 64 hexadecimal digits.

    Both ends must be complete, that is `OpenRecording.read` exhausted. Packets are hashed as one stream of bytes, so
    it does not matter how a wrapper cuts them. A wrapper that changes the coded bytes themselves (ADTS headers, Annex B
    start codes, byte order of PCM) is left to the perceptual fingerprints.
    """
    parts = f"audio:{audio_end.payload_sha256} video:{video_end.payload_sha256}"
    return hashlib.sha256(parts.encode()).hexdigest()

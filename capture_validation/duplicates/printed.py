"""Fingerprints across the wall of the sandbox: what the decoding process sends, and what is believed of it.

Whoever took over a decoder may send anything, so the sizes are bounded by the pipe and every fingerprint is parsed
strictly before it is compared.
"""

from typing import Self

import msgspec
from msgspec import Struct

from capture_validation.duplicates.audio import AudioFingerprint
from capture_validation.duplicates.recording import Fingerprints
from capture_validation.duplicates.video import VideoFingerprint
from capture_validation.errors import SandboxKilled, SandboxOverflow, SandboxTimeout, Unreadable
from capture_validation.validate import shared_sandbox

#: An hour of sound takes 4 MB, ten minutes of pictures less than 3 MB as they are asked for.
LARGEST = 12 << 20
WALL_S = 900.0


class Printed(Struct, frozen=True):
    """Fingerprints in their binary forms; or, where the file is no recording, the `code` that says why."""

    content: str = ""
    audio: bytes | None = None
    video: bytes | None = None
    code: str = ""
    parameters: dict[str, str | float] = {}

    @classmethod
    def of(cls, prints: Fingerprints) -> Self:
        """Pack fingerprints."""
        audio = prints.audio.to_bytes() if prints.audio else None
        return cls(prints.content, audio, prints.video.to_bytes() if prints.video else None)

    def opened(self) -> Fingerprints:
        """Unpack fingerprints. Raises Unreadable for a file that is none, NotAFingerprint for bytes that are none."""
        if self.code:
            raise Unreadable(self.code, **self.parameters)
        return Fingerprints(
            self.content,
            AudioFingerprint.from_bytes(self.audio) if self.audio is not None else None,
            VideoFingerprint.from_bytes(self.video) if self.video is not None else None,
        )


def printed(descriptor: int) -> Fingerprints:
    """Fingerprint the recording behind an open descriptor, in the sandbox.

    Raises Unreadable (`too-expensive` when it had to be stopped), SandboxUnavailable.
    """
    job = msgspec.json.encode({"task": "fingerprint"})
    try:
        answer = shared_sandbox().run(descriptor, job, wall_s=WALL_S, result_limit=LARGEST)
    except (SandboxKilled, SandboxTimeout, SandboxOverflow) as cause:
        raise Unreadable("too-expensive") from cause
    return msgspec.msgpack.decode(answer, type=Printed).opened()

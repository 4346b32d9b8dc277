"""Examination: everything the service learns of a recording from decoding it once: report, fingerprints, X-ray.

The file comes from a stranger, so it is decoded in the sandbox and nowhere else. What comes back is data of bounded
size, parsed strictly before it is believed.
"""

import msgspec
from msgspec import Struct

from capture_validation.duplicates.errors import NotAFingerprint
from capture_validation.duplicates.printed import LARGEST, Printed
from capture_validation.duplicates.recording import Fingerprints
from capture_validation.errors import SandboxKilled, SandboxOverflow, SandboxTimeout
from capture_validation.profile import Profile
from capture_validation.report import Rejection, Report
from capture_validation.validate import LONGEST_PROMPT, WALL_S, shared_sandbox
from capture_validation.xray.findings import Xray

#: A report is a page of findings and some curves; a decoder that was taken over must not fill a database with it.
LARGEST_REPORT = 1 << 20
#: Two kinds of things in at most 600 places each, and the fields of a file.
LARGEST_XRAY = 1 << 18
#: What msgpack adds around the fingerprints.
FRAMING = 1 << 10


class Answer(Struct, frozen=True):
    """What the sandbox sends: report and X-ray as JSON, and the fingerprints; None for a file that was refused."""

    report: bytes
    prints: Printed | None
    xray: bytes | None = None


class Examined(Struct, frozen=True):
    """A report, what the recording is compared by, and what it tells about people; None for a file that was refused."""

    report: Report
    prints: Fingerprints | None
    xray: Xray | None = None


def examine(descriptor: int, rules: Profile, prompt: str | None = None, *, wall_s: float = WALL_S) -> Examined:
    """Examine, fingerprint and X-ray the recording behind an open descriptor.

    As `validate`, a file that takes too much of anything is a rejection `too-expensive`. Raises SandboxUnavailable.
    """
    fits = prompt is not None and len(prompt) < LONGEST_PROMPT
    job = msgspec.json.encode({"task": "examine", "profile": rules, "prompt": prompt if fits else None})
    limit = LARGEST_REPORT + LARGEST_XRAY + LARGEST + FRAMING
    try:
        sent = shared_sandbox().run(descriptor, job, wall_s=wall_s, result_limit=limit)
        answer = msgspec.msgpack.decode(sent, type=Answer)
        if len(answer.report) > LARGEST_REPORT or len(answer.xray or b"") > LARGEST_XRAY:
            raise SandboxOverflow
        report = msgspec.json.decode(answer.report, type=Report)
        told = msgspec.json.decode(answer.xray, type=Xray) if answer.xray else None
        return Examined(report, answer.prints.opened() if answer.prints else None, told)
    except (SandboxKilled, SandboxTimeout, SandboxOverflow, msgspec.MsgspecError, NotAFingerprint):
        # A decoder that was taken over may send anything; what cannot be read is no better than what took too long.
        return Examined(rules.rejected(Rejection("too-expensive")), None)

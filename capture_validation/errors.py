"""Everything this library raises.

    CaptureError
    ├── Unreadable            the recording itself: becomes a rejection in the report, never an error of ours
    ├── UnknownProfile        a profile or check name nobody has published
    ├── InvalidRule           a campaign's rule that cannot be read or contradicts itself
    ├── ChoicesInvalid        what is to be hidden in a rendition contradicts itself
    ├── NotClean              what was to be hidden could still be found
    └── SandboxError
        ├── SandboxUnavailable    this machine cannot isolate a decoder: refuse the work
        ├── SandboxTimeout        the job outlived its wall clock
        ├── SandboxKilled         the job died of a signal: CPU, memory or a forbidden system call
        └── SandboxOverflow       the job wrote more than its result may hold

The docstring of a class is its default message; attributes carry the facts.
"""

from __future__ import annotations

import math

#: JSON readers are promised no larger integers than these (RFC 8259, section 6, and ours stop at 64 bits).
LARGEST_INTEGER = 1 << 63


class CaptureError(Exception):
    """Something went wrong while a recording was examined."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").splitlines()[0])


class Unreadable(CaptureError):
    """The file is not a recording that can be examined.

    `code` is a stable slug (`empty`, `playlist`, `container-unknown`, `codec-unsupported`, `over-limit`, …) from which
    `texts` makes a sentence the contributor can act on; `parameters` are the facts in that sentence, as `tellable`.
    """

    def __init__(self, code: str, **parameters: str | float) -> None:
        super().__init__(f"{code} {parameters}" if parameters else code)
        self.code = code
        self.parameters = {name: tellable(fact) for name, fact in parameters.items()}


def tellable(fact: str | float) -> str | float:
    """A fact that a stranger's file claims, such that every reader of JSON and every database can keep it.

    A codec may be called by four zeros, which PostgreSQL takes in no JSON, and a sample rate may be infinite.
    """
    if isinstance(fact, str):
        return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in fact)
    if not math.isfinite(fact):
        return str(fact)
    return float(fact) if abs(fact) >= LARGEST_INTEGER else fact


class UnknownProfile(CaptureError):
    """There is no capture profile or check of that name."""


class InvalidRule(CaptureError):
    """A campaign's rule for a check cannot be used."""


class ChoicesInvalid(CaptureError):
    """What is to be hidden contradicts itself."""


class NotClean(CaptureError):
    """What was to be hidden could still be found, so there is no rendition."""


class SandboxError(CaptureError):
    """A recording could not be examined inside the sandbox."""


class SandboxUnavailable(SandboxError):
    """This machine offers no sandbox for decoders, so recordings are not examined here."""


class SandboxTimeout(SandboxError):
    """Examining the recording took longer than its wall-clock budget."""


class SandboxOverflow(SandboxError):
    """The examination answered with more bytes than its result may hold."""


class SandboxKilled(SandboxError):
    """The examination was ended by a signal: it used too much time or memory, or tried what is forbidden."""

    def __init__(self, signal: int, cpu_s: float) -> None:
        super().__init__(f"ended by signal {signal} after {cpu_s:.1f} CPU seconds")
        self.signal = signal
        self.cpu_s = cpu_s

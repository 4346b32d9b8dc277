"""An X-ray for whoever has a file: it is decoded in the sandbox, and what comes back is counts and places."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from capture_validation.errors import SandboxKilled, SandboxOverflow, SandboxTimeout, Unreadable
from capture_validation.sandbox.budget import LONGEST_CPU_S
from capture_validation.validate import WALL_S, descriptor_of, shared_sandbox
from capture_validation.xray.findings import Xray, Xrayed

if TYPE_CHECKING:
    from capture_validation.sandbox import Sandbox


def xray(
    source: str | os.PathLike[str] | BinaryIO | int,
    *,
    every_s: float | None = None,
    sandbox: Sandbox | None = None,
    wall_s: float = WALL_S,
) -> Xray:
    """X-ray a recording: a path, a seekable binary file, or an open descriptor.

    `every_s` looks that often for everything, instead of as often as each kind needs. Raises Unreadable for a file that
    is no recording or takes too much (`too-expensive`), SandboxUnavailable, OSError for a path.
    """
    job = msgspec.json.encode({"task": "xray", "every_s": every_s})
    with descriptor_of(source) as descriptor:
        try:
            answer = (sandbox or shared_sandbox()).run(descriptor, job, wall_s=wall_s, cpu_s=LONGEST_CPU_S)
        except (SandboxKilled, SandboxTimeout, SandboxOverflow) as cause:
            raise Unreadable("too-expensive") from cause
    found = msgspec.json.decode(answer, type=Xrayed)
    if found.xray is None:
        refused = found.rejection
        raise Unreadable(refused.code, **refused.parameters) if refused else Unreadable("undecodable")
    return found.xray

"""An X-ray for whoever has a file: it is decoded in the sandbox, and what comes back is counts and places."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from capture_validation.errors import SandboxKilled, SandboxOverflow, SandboxTimeout, Unreadable
from capture_validation.sandbox.budget import LONGEST_CPU_S
from capture_validation.validate import WALL_S, descriptor_of, shared_sandbox
from capture_validation.xray.findings import SightingKind, Xray, Xrayed

if TYPE_CHECKING:
    from capture_validation.sandbox import Sandbox

Progress = Callable[[float], None]


def xray(
    source: str | os.PathLike[str] | BinaryIO | int,
    *,
    kinds: Collection[SightingKind] | None = None,
    every_s: float | None = None,
    progress: Progress = lambda _: None,
    sandbox: Sandbox | None = None,
    wall_s: float = WALL_S,
) -> Xray:
    """X-ray a recording: a path, a seekable binary file, or an open descriptor.

    Looks for `kinds` alone where some are named, and every `every_s` seconds instead of as often as each kind needs.
    Raises Unreadable for a file that is no recording or takes too much (`too-expensive`), SandboxUnavailable, OSError
    for a path.
    """
    from capture_validation.sandbox import Target

    job = msgspec.json.encode({"task": "xray", "kinds": kinds, "every_s": every_s})
    with descriptor_of(source) as descriptor:
        try:
            # Nothing is written; the target is there for the progress alone.
            target = Target(io.BytesIO(), 0, progress)
            box = sandbox or shared_sandbox()
            answer = box.run(descriptor, job, wall_s=wall_s, cpu_s=LONGEST_CPU_S, into=target)
        except (SandboxKilled, SandboxTimeout, SandboxOverflow) as cause:
            raise Unreadable("too-expensive") from cause
    found = msgspec.json.decode(answer, type=Xrayed)
    if found.xray is None:
        refused = found.rejection
        raise Unreadable(refused.code, **refused.parameters) if refused else Unreadable("undecodable")
    return found.xray

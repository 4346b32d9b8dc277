"""Validation for everyone: a file in, a report out, and nothing a file does can hurt the process that asks.

The recording is decoded in the sandbox and nowhere else. What comes back is data.
"""

import atexit
import contextlib
import io
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from capture_validation.capacity import CAPACITY, Capacity
from capture_validation.errors import SandboxKilled, SandboxOverflow, SandboxTimeout
from capture_validation.profile import Profile, profile
from capture_validation.report import Rejection, Report, Tier

if TYPE_CHECKING:
    from capture_validation.sandbox import Sandbox

#: A film of ten minutes at 1080p on a busy machine; CPU time is bounded separately and much closer.
WALL_S = 1800.0

#: Characters of a prompt; a longer one would not fit into a job, and is left out.
LONGEST_PROMPT = 10_000

_lock = threading.Lock()
_shared: "Sandbox | None" = None


def validate(
    source: str | os.PathLike[str] | BinaryIO | int,
    judged_by: Profile | str = "speech",
    *,
    prompt: str | None = None,
    capacity: Capacity = CAPACITY,
    tier: Tier = "full",
    sandbox: "Sandbox | None" = None,
    wall_s: float = WALL_S,
    cpu_s: float | None = None,
) -> Report:
    """Examine a recording: a path, a seekable binary file, or an open descriptor.

    `prompt` is the text that was to be read, where there was one: how fast it was read is measured against it. More
    than `capacity` is a rejection `over-limit`; a file that uses too much time or memory, or tries what is forbidden,
    is a rejection `too-expensive` like any other bad file. Raises SandboxUnavailable where decoders cannot be isolated,
    UnknownProfile, OSError for a path. The instant `tier` looks at some pictures of a video and answers in a fraction
    of its length; a check that needs them all says so.
    """
    rules = profile(judged_by) if isinstance(judged_by, str) else judged_by
    fits = prompt is not None and len(prompt) < LONGEST_PROMPT
    job = {"task": "analyse", "profile": rules, "prompt": prompt if fits else None, "capacity": capacity}
    job["tier"] = tier
    with descriptor_of(source) as descriptor:
        try:
            answer = (sandbox or shared_sandbox()).run(descriptor, msgspec.json.encode(job), wall_s=wall_s, cpu_s=cpu_s)
        except (SandboxKilled, SandboxTimeout, SandboxOverflow):
            return rules.rejected(Rejection("too-expensive"))
    return msgspec.json.decode(answer, type=Report)


def shared_sandbox() -> "Sandbox":
    """The sandbox of this process, started by whoever needs it first."""
    global _shared  # noqa: PLW0603 - one warmed process is shared on purpose: it costs a second to start.
    from capture_validation.sandbox import Sandbox

    with _lock:
        if _shared is None:
            _shared = Sandbox()
            atexit.register(_shared.close)
            _shared.start()
        return _shared


@contextlib.contextmanager
def descriptor_of(source: str | os.PathLike[str] | BinaryIO | int) -> Iterator[int]:
    """Lend the descriptor of a path, of an open file, or of an unlinked copy of a file in memory."""
    if isinstance(source, int):
        yield source
    elif isinstance(source, str | os.PathLike):
        with Path(source).open("rb") as file:
            yield file.fileno()
    elif (descriptor := _own_descriptor(source)) is not None:
        yield descriptor
    else:
        # A file in memory: the sandbox needs a descriptor, so it gets an unlinked copy.
        with tempfile.TemporaryFile() as copy:
            source.seek(0)
            shutil.copyfileobj(source, copy)
            copy.flush()
            yield copy.fileno()


def _own_descriptor(source: BinaryIO) -> int | None:
    """The descriptor of a file that has one; what was written to it is on its way to the kernel."""
    try:
        source.flush()
        return source.fileno()
    except io.UnsupportedOperation:
        return None

"""What a sandboxed process can be asked to do: one small table.

A task gets the recording as a seekable file and the job's own JSON, and returns bytes. It runs with nothing else:
no path, no address, no other process.
"""

import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from capture_validation.analysis import analyse
from capture_validation.capacity import Capacity
from capture_validation.clean.choices import Choices
from capture_validation.clean.edits import Making
from capture_validation.clean.left_over import LeftOver
from capture_validation.clean.rendition import render, share_of
from capture_validation.decode import AudioBlock, open_recording
from capture_validation.duplicates.printed import Printed
from capture_validation.duplicates.recording import Fingerprinter, fingerprints
from capture_validation.errors import Unreadable
from capture_validation.examination import Answer
from capture_validation.profile import Profile
from capture_validation.report import Rejection
from capture_validation.sandbox.child import RESULT_FD
from capture_validation.sandbox.streaming import Outlet
from capture_validation.sandbox.warmup import warm_up  # noqa: F401  The zygote calls it.
from capture_validation.xray.findings import Xrayed
from capture_validation.xray.looking import Looking
from capture_validation.xray.models import models

Job = dict[str, Any]


def analyse_recording(file: BinaryIO, job: Job) -> bytes:
    """Examine a recording by the job's `profile`, read from its `prompt`, within its `capacity`; gives a Report."""
    rules = msgspec.convert(job["profile"], Profile)
    capacity = msgspec.convert(job.get("capacity", {}), Capacity)
    return msgspec.json.encode(analyse(file, rules, capacity, job.get("prompt"), tier=job.get("tier", "full")))


def examine_recording(file: BinaryIO, job: Job) -> bytes:
    """Examine a recording as `analyse_recording` does, fingerprint and X-ray it in the same decode; gives an Answer."""
    listener, looking = Fingerprinter(), Looking(file, models())
    rules = msgspec.convert(job["profile"], Profile)
    report = analyse(file, rules, prompt=job.get("prompt"), beside=[listener, looking])
    if report.rejection is not None:
        return msgspec.msgpack.encode(Answer(msgspec.json.encode(report), None))
    return msgspec.msgpack.encode(
        Answer(msgspec.json.encode(report), Printed.of(listener.finish()), msgspec.json.encode(looking.finish()))
    )


def xray_recording(file: BinaryIO, job: Job) -> bytes:
    """X-ray a recording, only for `kinds` and every `every_s` seconds where the job says so; gives an Xrayed."""
    finders = models() if job.get("kinds") is None else models().only(job["kinds"])
    looking = Looking(file, finders, job.get("every_s"))
    out = Outlet(RESULT_FD)
    try:
        with open_recording(file) as recording:
            looking.start(recording)
            for part in recording.read():
                looking.feed(part)
                out.progress(share_of(part.at_s, recording))
            return msgspec.json.encode(Xrayed(looking.finish()))
    except Unreadable as reason:
        return msgspec.json.encode(Xrayed(None, Rejection(reason.code, reason.parameters)))


def clean_recording(file: BinaryIO, job: Job) -> bytes:
    """Write the rendition of a recording by the job's `choices` and what was `left_over`; gives a Making."""
    out: Any = Outlet(RESULT_FD)
    choices = msgspec.convert(job["choices"], Choices)
    left_over = msgspec.convert(job["left_over"], LeftOver)
    try:
        done = render(file, out, choices, models(), left_over, out.progress)
    except Unreadable as reason:
        return msgspec.json.encode(Making(None, Rejection(reason.code, reason.parameters)))
    return msgspec.json.encode(Making(done))


def count(file: BinaryIO, _job: Job) -> bytes:
    """Decode a recording to its end and count: `samples`, `frames`, or the `code` of its refusal."""
    samples = frames = 0
    code = ""
    try:
        with open_recording(file) as recording:
            for part in recording.read():
                if isinstance(part, AudioBlock):
                    samples += len(part.samples)
                else:
                    frames += 1
    except Unreadable as cause:
        code = cause.code
    return msgspec.json.encode({"samples": samples, "frames": frames, "code": code})


def fingerprint(file: BinaryIO, _job: Job) -> bytes:
    """Fingerprint a recording for comparison; the answer is a Printed."""
    try:
        prints = fingerprints(file)
    except Unreadable as reason:
        return msgspec.msgpack.encode(Printed(code=reason.code, parameters=reason.parameters))
    return msgspec.msgpack.encode(Printed.of(prints))


def try_to_escape(_file: BinaryIO, _job: Job) -> bytes:
    """Try what a decoder that was taken over would try; the answer says what succeeded. All must be false."""
    done = dict.fromkeys(("open", "list", "connect", "fork", "write"), False)
    with contextlib.suppress(OSError):
        Path("/proc/self/status").read_bytes()
        done["open"] = True
    with contextlib.suppress(OSError):
        list(Path("/").iterdir())
        done["list"] = True
    with contextlib.suppress(OSError):
        socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()
        done["connect"] = True
    with contextlib.suppress(OSError):
        if not os.fork():
            os._exit(0)
        done["fork"] = True
    with contextlib.suppress(OSError):
        os.write(3, b"x")
        done["write"] = True
    return msgspec.json.encode(done)


TASKS: dict[str, Callable[[BinaryIO, Job], bytes]] = {
    "analyse": analyse_recording,
    "examine": examine_recording,
    "xray": xray_recording,
    "clean": clean_recording,
    "fingerprint": fingerprint,
    "count": count,
    "escape": try_to_escape,
}

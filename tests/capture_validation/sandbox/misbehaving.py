"""Tasks that do what a broken or conquered decoder would do, beside the real ones."""

import io
import os
import threading
import time
from typing import Any, BinaryIO

import av
import av.error
import msgspec

from capture_validation.containers import Container
from capture_validation.decode import AudioBlock, open_as
from capture_validation.errors import Unreadable
from capture_validation.sandbox.child import RESULT_FD
from capture_validation.sandbox.streaming import HEAD, MEDIA
from capture_validation.sandbox.tasks import TASKS as REAL


def spin(_file: BinaryIO, _job: dict[str, Any]) -> bytes:
    while True:
        pass


def sleep(_file: BinaryIO, _job: dict[str, Any]) -> bytes:
    time.sleep(60)
    return b""


def eat(_file: BinaryIO, _job: dict[str, Any]) -> bytes:
    eaten = [bytearray(16 << 20) for _ in range(64)]
    return str(len(eaten)).encode()


def talk(_file: BinaryIO, _job: dict[str, Any]) -> bytes:
    return bytes(4 << 20)


def execute(_file: BinaryIO, _job: dict[str, Any]) -> bytes:
    os.execv("/bin/true", ["true"])  # noqa: S606


def start_thread(_file: BinaryIO, _job: dict[str, Any]) -> bytes:
    thread = threading.Thread(target=list)
    try:
        thread.start()
    except RuntimeError:
        return b"refused"
    thread.join()
    return b"done"


def send_half(_file: BinaryIO, _job: dict[str, Any]) -> bytes:
    os.write(RESULT_FD, MEDIA + HEAD.pack(0, 10) + b"abc")
    os.execv("/bin/true", ["true"])  # noqa: S606


def decode_as(file: BinaryIO, job: dict[str, Any]) -> bytes:
    """Decode a file as the job's `format` although nothing recognised it: the recogniser was fooled."""
    size = file.seek(0, os.SEEK_END)
    container = Container(format=job["format"], kind=job["kind"], media_type="", size_bytes=size)
    samples = frames = 0
    code = ""
    try:
        with open_as(file, container) as recording:
            for part in recording.read():
                if isinstance(part, AudioBlock):
                    samples += len(part.samples)
                else:
                    frames += 1
                    part.luma()
    except Unreadable as cause:
        code = cause.code
    return msgspec.json.encode({"samples": samples, "frames": frames, "code": code})


class Named(io.BytesIO):
    """A file that has a name, from which FFmpeg guesses too."""

    name = ""


def decode_naively(file: BinaryIO, job: dict[str, Any]) -> bytes:
    """Let FFmpeg guess the format and follow what it finds, as most programs do."""
    named = Named(file.read())
    named.name = job["name"]
    frames = 0
    try:
        with av.open(named, metadata_errors="ignore") as container:
            for _ in container.decode():
                frames += 1
    except (av.error.FFmpegError, ValueError):
        return b"failed"
    return str(frames).encode()


TASKS = REAL | {"spin": spin, "sleep": sleep, "eat": eat, "talk": talk, "execute": execute, "decode_as": decode_as}
TASKS["decode_naively"] = decode_naively
TASKS |= {"thread": start_thread, "half": send_half}

"""Tasks that do what a broken or conquered decoder would do, beside the real ones."""

import contextlib
import ctypes
import fcntl
import io
import mmap
import os
import signal
import threading
import time
from typing import Any, BinaryIO, ClassVar

import av
import av.error
import msgspec

from capture_validation.containers import Container
from capture_validation.decode import AudioBlock, open_as
from capture_validation.errors import Unreadable
from capture_validation.sandbox.child import RESULT_FD, SOURCE_FD
from capture_validation.sandbox.streaming import HEAD, MEDIA
from capture_validation.sandbox.tasks import TASKS as REAL
from capture_validation.sandbox.warmup import warm_up  # noqa: F401  The zygote calls it.

libc = ctypes.CDLL(None, use_errno=True)


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


class Hostile:
    """What a decoder that was taken over would try with system calls of its own; `done` is what succeeded."""

    #: By number on x86_64 (asm/unistd_64.h), with arguments that succeed for an ordinary process.
    CALLS: ClassVar[dict[str, tuple[Any, ...]]] = {
        "open": (2, b"/etc/passwd", 0),
        "openat": (257, -100, b"/proc/self/environ", 0), "stat": (4, b"/etc/passwd", None),
        "readlink": (89, b"/proc/self/exe", None, 0), "socket": (41, 1, 1, 0), "socketpair": (53, 1, 1, 0, None),
        "pipe": (22, None), "memfd": (319, b"x", 0), "dup": (32, 3), "dup2": (33, 3, 9), "kill": (62, 0, 0),
        "tgkill": (234, 1, 1, 0), "getppid": (110,), "prctl": (157, 4, 1, 0, 0, 0), "setpriority": (141, 0, 0, 19),
        "sched_setscheduler": (144, 0, 0, None), "timer": (38, 0, None, None), "eventfd": (290, 0, 0),
        "inotify": (294, 0), "shmget": (29, 0, 4096, 0o1600), "msgget": (68, 0, 0o1600), "umask": (95, 0),
        "setrlimit_of_another": (302, 1, 7, None, None), "pwrite": (18, 3, b"x", 1, 0), "ftruncate": (77, 3, 0),
        "fchmod": (91, 3, 0), "flock": (73, 3, 2),
        "sendfile": (40, 4, 3, None, 1), "splice": (275, 3, None, 4, None, 1, 0),
        "ioctl": (16, 4, 0x541B, None), "pidfd_open": (434, 1, 0), "clone": (56, 17, 0, 0, 0, 0), "fork": (57,),
        "landlock": (444, None, 0, 1), "seccomp": (317, 0, 0, None), "personality": (135, 0xFFFFFFFF),
        "fcntl_owner": (72, 4, 8, 1), "fcntl_signal": (72, 4, 10, 9), "fcntl_flags": (72, 3, 4, 0o40000),
        "fcntl_lock": (72, 3, 6, None), "fcntl_pipe": (72, 4, 1031, 1 << 20), "fcntl_lease": (72, 3, 1024, 1),
    }  # fmt: skip

    def __init__(self) -> None:
        self.done: list[str] = []

    def attack(self) -> None:
        """Try everything, and note what was not refused."""
        for name, call in self.CALLS.items():
            if self.call(*call) >= 0 or ctypes.get_errno() not in {1, 13}:
                self.done.append(name)
        self.call(8, SOURCE_FD, 5, os.SEEK_SET)
        for name, attempt in {"mapped": self.map_the_source, "renumbered": self.write_by_another_number}.items():
            with contextlib.suppress(OSError, ValueError):
                attempt()
                self.done.append(name)
        self.done += [f"descriptor {fd}" for fd in range(5, 64) if self.call(72, fd, 1) >= 0]
        self.done += [name for name in os.environ if "COMPANION" in name or "S3" in name or "DATABASE" in name]

    @staticmethod
    def call(number: int, *arguments: Any) -> int:
        widened = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
        ctypes.set_errno(0)
        return int(libc.syscall(ctypes.c_long(number), *widened))

    @staticmethod
    def map_the_source() -> None:
        """Change the recording behind the back of whoever gave it."""
        mmap.mmap(SOURCE_FD, 8, mmap.MAP_SHARED, mmap.PROT_WRITE)[:8] = b"HOSTILE!"

    @staticmethod
    def write_by_another_number() -> None:
        """Put the recording where the result was, whose number may be written to."""
        kept = fcntl.fcntl(RESULT_FD, fcntl.F_DUPFD, 10)
        os.close(RESULT_FD)
        fcntl.fcntl(SOURCE_FD, fcntl.F_DUPFD, RESULT_FD)
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            os.write(RESULT_FD, b"HOSTILE!")
        finally:
            os.close(RESULT_FD)
            fcntl.fcntl(kept, fcntl.F_DUPFD, RESULT_FD)
            os.close(kept)


def attack(_file: BinaryIO, _job: dict[str, Any]) -> bytes:
    hostile = Hostile()
    hostile.attack()
    return msgspec.json.encode(hostile.done)


TASKS = REAL | {"spin": spin, "sleep": sleep, "eat": eat, "talk": talk, "execute": execute, "decode_as": decode_as}
TASKS["decode_naively"] = decode_naively
TASKS |= {"thread": start_thread, "half": send_half, "attack": attack}

"""The life of one sandboxed process, from fork to exit.

It gives up, in this order: descriptors, resources, identity, privileges to come, paths and addresses, system calls.
Then it looks at the recording for the first time.
"""

import ctypes
import io
import math
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, NamedTuple, cast

import msgspec

from capture_validation.capacity import CAPACITY
from capture_validation.containers import recognise
from capture_validation.errors import Unreadable
from capture_validation.sandbox import landlock, seccomp
from capture_validation.sandbox.budget import LONGEST_CPU_S, analysis_cpu_s

SOURCE_FD, RESULT_FD = 3, 4
#: Of address space beyond what the zygote has mapped: 4K in ten bits with all its references takes 160 MB, the network
#: that finds text 200 more at 960 pixels.
MEMORY_HEADROOM = 768 << 20
#: What an encoder of 4K keeps: the pictures that it looks ahead to.
ENCODER_HEADROOM = 512 << 20
#: What an encoder with threads needs beyond: their stacks, and pictures that wait for one another.
THREADS_HEADROOM = 2 << 30
# Not `nobody`: the embedded engines run as that, and their files must be closed to whoever breaks out of a decoder.
STRANGER = 65533
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38
# The first byte of an answer says what follows: a result, or the text of an error in our own code.
RESULT, ERROR = b"R", b"E"
EXIT_OUT_OF_MEMORY = 77
#: Steps of niceness below whoever asked.
GIVING_WAY = 2
REFUSAL_CPU_S = 2.0

Task = Callable[[BinaryIO, dict[str, Any]], bytes]

libc = ctypes.CDLL(None, use_errno=True)


class Fence(NamedTuple):
    """What is prepared once for all children.

    `program` is the seccomp filter (None: development switch), `threaded` the one for jobs that may start threads,
    `address_space` the limit of memory in bytes, `tasks` the table of what a job may ask for.
    """

    program: bytes | None
    threaded: bytes | None
    address_space: int
    tasks: Mapping[str, Task]


class Source(io.RawIOBase):
    """The recording, read at positions of our own: the parent's descriptor keeps its own offset."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        data = os.pread(self._descriptor, len(buffer), self._at)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = (0, self._at, self._size)[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at


def live(source: int, result: int, job: bytes, cpu_s: float | None, fence: Fence, zygote: int) -> None:
    """Run one job and end the process. Never returns."""
    code = 1
    try:
        _keep_only(source, result)
        # Asked now, because the filter refuses `newfstatat`, which could ask about paths too.
        file = cast("BinaryIO", io.BufferedReader(Source(SOURCE_FD, os.fstat(SOURCE_FD).st_size), 1 << 16))
        told = msgspec.json.decode(job)
        _confine(fence, cpu_s, zygote, threads=bool(told.get("threads")), encodes=told.get("task") == "clean")
        answer = RESULT + _work(file, job, cpu_s, fence.tasks)
        code = 0
    except MemoryError:
        os._exit(EXIT_OUT_OF_MEMORY)
    except BaseException:  # noqa: BLE001  Whatever went wrong, this copy of the zygote must not go on living.
        answer = ERROR + traceback.format_exc().encode()[-4000:]
    try:
        while answer:
            answer = answer[os.write(RESULT_FD, answer) :]
    finally:
        os._exit(code)


def _keep_only(source: int, result: int) -> None:
    """Close every descriptor but the recording, the result pipe and three times /dev/null."""
    # Copies far above first, because source or result may themselves be 3 or 4.
    high_source, high_result = os.dup(source), os.dup(result)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    while min(high_source, high_result) <= RESULT_FD:
        high_source, high_result = os.dup(high_source), os.dup(high_result)
    os.dup2(high_source, SOURCE_FD)
    os.dup2(high_result, RESULT_FD)
    os.closerange(RESULT_FD + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def _confine(fence: Fence, cpu_s: float | None, zygote: int, *, threads: bool, encodes: bool) -> None:
    _limit(resource.RLIMIT_AS, fence.address_space + THREADS_HEADROOM * threads + ENCODER_HEADROOM * encodes)
    limit_cpu(cpu_s or LONGEST_CPU_S)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, 32)
    _limit(resource.RLIMIT_CORE, 0)
    os.nice(GIVING_WAY)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(STRANGER, STRANGER, STRANGER)
        os.setresuid(STRANGER, STRANGER, STRANGER)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    _prctl(PR_SET_DUMPABLE, 0)
    # A change of identity clears this, so it comes after; and the zygote may have died before it was set.
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != zygote:
        os._exit(1)
    program = fence.threaded if threads else fence.program
    if program is not None:
        landlock.give_up_everything()
        seccomp.install(program)


def _work(file: BinaryIO, job: bytes, cpu_s: float | None, tasks: Mapping[str, Task]) -> bytes:
    order = msgspec.json.decode(job)
    if cpu_s is None:
        try:
            limit_cpu(analysis_cpu_s(recognise(file, CAPACITY)))
        except Unreadable:
            # It will be refused again, which costs milliseconds.
            limit_cpu(REFUSAL_CPU_S)
        file.seek(0)
    return tasks[order["task"]](file, order)


def limit_cpu(seconds: float) -> None:
    """Lower the CPU limit; the kernel counts whole seconds, so it is rounded up."""
    whole = max(1, math.ceil(seconds))
    # Between the two the kernel sends SIGXCPU, so that the report can tell "too long" from any other kill.
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole + 1))


def _limit(what: int, value: int) -> None:
    resource.setrlimit(what, (value, value))


def _prctl(option: int, value: int) -> None:
    if libc.prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl {option}")


if sys.byteorder != "little":
    raise ImportError("the seccomp filter is written for little-endian machines")

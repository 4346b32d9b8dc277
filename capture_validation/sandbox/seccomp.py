"""A seccomp filter: the kernel checks every system call of a decoder against a list.

The filter is a classic BPF program (kernel documentation, userspace-api/seccomp_filter), assembled here. What is
not on the list fails with EPERM, as on a machine without that call; what only an attacker asks for ends the process.
"""

import ctypes
import errno
import platform
import struct

from capture_validation.sandbox.syscalls import ALLOWED, FATAL, MACHINES

LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, FAIL = 0x7FFF0000, 0x80000000, 0x00050000 | errno.EPERM
# Offsets in struct seccomp_data: number, architecture, instruction pointer, six arguments of 64 bits.
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16
X32_BIT = 0x40000000
PROT_EXEC = 4
CLONE_THREAD = 0x10000
#: F_DUPFD, F_GETFD, F_SETFD and F_GETFL are 0 to 3 (asm-generic/fcntl.h); this is every bit of all others.
BEYOND_GETFL = 0xFFFFFFFC
#: "This kernel has no such call": the C library then makes its thread with the older one, whose flags can be read.
UNKNOWN = 0x00050000 | errno.ENOSYS
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2

libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def assemble(result_fd: int, machine: str | None = None, *, threads: bool = False) -> bytes:
    """The filter as instructions of 8 bytes. Writing is allowed to descriptor `result_fd` only.

    With `threads` the process may start threads of its own, which some encoders cannot do without; processes never.
    Raises KeyError for a machine other than x86_64 and aarch64.
    """
    audit_arch, numbers = MACHINES[machine or platform.machine()]
    code = [
        _step(LOAD, ARCHITECTURE),
        _step(JUMP_EQUAL, audit_arch, 1, 0),
        _step(RETURN, KILL),
        _step(LOAD, NUMBER),
        # The x32 calls of x86_64 have numbers of their own that no entry below would match.
        _step(JUMP_AT_LEAST, X32_BIT, 0, 1),
        _step(RETURN, KILL),
    ]
    code += [step for name in ALLOWED if name in numbers for step in _decide(numbers[name], ALLOW)]
    code += [step for name in FATAL for step in _decide(numbers[name], KILL)]
    code += _decide_by_argument(numbers["write"], 0, JUMP_EQUAL, result_fd, matches=ALLOW, differs=FAIL)
    # What a descriptor is may be asked. The commands beyond lock, resize, and have signals sent to other processes.
    code += _decide_by_argument(numbers["fcntl"], 1, JUMP_ANY_BIT, BEYOND_GETFL, matches=FAIL, differs=ALLOW)
    # A process may lower its own limits (process 0), not look at those of others.
    code += _decide_by_argument(numbers["prlimit64"], 0, JUMP_EQUAL, 0, matches=ALLOW, differs=FAIL)
    # Memory that can be executed is what an attacker needs after overflowing a buffer; no decoder makes any.
    for name in ("mmap", "mprotect"):
        code += _decide_by_argument(numbers[name], 2, JUMP_ANY_BIT, PROT_EXEC, matches=FAIL, differs=ALLOW)
    if threads:
        code += _decide_by_argument(numbers["clone"], 0, JUMP_ANY_BIT, CLONE_THREAD, matches=ALLOW, differs=FAIL)
        code += _decide(numbers["clone3"], UNKNOWN)
    return b"".join([*code, _step(RETURN, FAIL)])


def install(program: bytes) -> None:
    """Put this thread, and all it may start, behind the filter for good. Raises OSError.

    Needs no privilege, but `no_new_privs` must be set before.
    """
    described = _Program(len(program) // 8, program)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(described), 0, 0):
        raise OSError(ctypes.get_errno(), "the kernel refused the seccomp filter")


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """One instruction: struct sock_filter of linux/filter.h."""
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _decide(number: int, verdict: int) -> list[bytes]:
    return [_step(JUMP_EQUAL, number, 0, 1), _step(RETURN, verdict)]


def _decide_by_argument(
    number: int, argument: int, jump: int, value: int, *, matches: int, differs: int
) -> list[bytes]:
    # Both machines are little-endian: the lower half of an argument comes first. The kernel reads descriptors,
    # process ids and protection bits as 32-bit integers, so the upper half cannot smuggle another value in.
    return [
        _step(JUMP_EQUAL, number, 0, 4),
        _step(LOAD, ARGUMENTS + 8 * argument),
        _step(jump, value, 0, 1),
        _step(RETURN, matches),
        _step(RETURN, differs),
    ]

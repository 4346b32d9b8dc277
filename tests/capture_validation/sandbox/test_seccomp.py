"""The filter, run by a small interpreter of classic BPF: each verdict on both machines."""

import struct

import pytest

from capture_validation.sandbox.seccomp import ALLOW, FAIL, KILL, assemble
from capture_validation.sandbox.syscalls import ALLOWED, FATAL, MACHINES

RESULT_FD = 4


def verdict(program: bytes, number: int, audit_arch: int, *arguments: int) -> int:
    """What the kernel would answer for one system call (linux/filter.h, struct seccomp_data)."""
    data = struct.pack("<IIQ6Q", number, audit_arch, 0, *arguments, *[0] * (6 - len(arguments)))
    steps = list(struct.iter_unpack("=HBBI", program))
    at, loaded = 0, 0
    while True:
        code, if_true, if_false, value = steps[at]
        at += 1
        if code == 0x06:
            return int(value)
        if code == 0x20:
            loaded = struct.unpack_from("<I", data, value)[0]
            continue
        true = {0x15: loaded == value, 0x35: loaded >= value, 0x45: bool(loaded & value)}[code]
        at += if_true if true else if_false


@pytest.fixture(params=sorted(MACHINES))
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def call(machine: str, name: str, *arguments: int) -> int:
    audit_arch, numbers = MACHINES[machine]
    return verdict(assemble(RESULT_FD, machine), numbers[name], audit_arch, *arguments)


def test_what_a_decoder_needs_is_allowed(machine: str) -> None:
    names = [name for name in ALLOWED if name in MACHINES[machine].numbers]

    assert {ALLOW} == {call(machine, name) for name in names}
    assert {"read", "pread64", "munmap", "brk", "exit_group"} <= set(names)


def test_what_only_an_intruder_needs_is_fatal(machine: str) -> None:
    assert {KILL} == {call(machine, name) for name in FATAL}


def test_everything_else_fails(machine: str) -> None:
    """Numbers 0 to 600 hold every call of both machines; openat, socket and clone are among them."""
    audit_arch, numbers = MACHINES[machine]
    program = assemble(RESULT_FD, machine)
    known = set(numbers.values())

    assert {FAIL} == {verdict(program, number, audit_arch) for number in range(600) if number not in known}


def test_only_the_result_may_be_written(machine: str) -> None:
    assert [FAIL, FAIL, ALLOW, FAIL] == [call(machine, "write", descriptor) for descriptor in (1, 3, RESULT_FD, 5)]


def test_no_memory_becomes_executable(machine: str) -> None:
    for name in ("mmap", "mprotect"):
        assert [ALLOW, ALLOW, FAIL, FAIL] == [call(machine, name, 0, 4096, prot) for prot in (1, 3, 5, 7)]


def test_a_descriptor_s_other_commands_are_out_of_reach(machine: str) -> None:
    """F_SETFL, F_SETOWN, F_SETSIG, F_SETLEASE, F_SETPIPE_SZ: what changes it for others, or has a signal sent."""
    assert [ALLOW] * 4 == [call(machine, "fcntl", 3, command) for command in range(4)]
    assert {FAIL} == {call(machine, "fcntl", 3, command) for command in (4, 6, 8, 10, 1024, 1030, 1031)}


def test_limits_of_other_processes_are_out_of_reach(machine: str) -> None:
    assert [ALLOW, FAIL] == [call(machine, "prlimit64", process) for process in (0, 1)]


def test_calls_of_another_architecture_are_fatal(machine: str) -> None:
    """A 32-bit call has other numbers: `read` of one is `execve` of the other."""
    program = assemble(RESULT_FD, machine)

    assert KILL == verdict(program, 0, 0x40000003)
    assert KILL == verdict(program, 0x40000000, MACHINES[machine].audit_arch)

"""System calls a decoder may make, as numbers of the two machines this library runs on.

Numbers are those of the Linux headers (`asm/unistd_64.h` for x86_64, `asm-generic/unistd.h` for aarch64). They
stand here because a slim machine carries no libseccomp that would know them.
"""

from typing import NamedTuple


class Machine(NamedTuple):
    """One architecture: its AUDIT_ARCH value (linux/audit.h) and its numbers by name."""

    audit_arch: int
    numbers: dict[str, int]


# Memory, time, random numbers and reads from descriptors that are already open. No path, no socket, no process.
ALLOWED = (
    "read", "readv", "pread64", "preadv", "lseek", "fstat", "close", "munmap", "mremap", "madvise", "brk",
    "futex", "poll", "ppoll", "sched_yield", "sched_getaffinity", "clock_gettime", "clock_getres", "clock_nanosleep",
    "nanosleep", "gettimeofday", "times", "getpid", "gettid", "getrusage", "getrandom", "sysinfo", "uname",
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "set_robust_list", "rseq", "membarrier",
    "restart_syscall", "exit", "exit_group",
)  # fmt: skip

# A decoder that asks for one of these has been taken over: the process ends at once and is reported.
FATAL = (
    "execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev", "bpf", "io_uring_setup", "userfaultfd",
    "keyctl", "mount", "unshare", "setns", "perf_event_open", "kexec_load", "init_module", "finit_module",
)  # fmt: skip

X86_64 = Machine(
    0xC000003E,
    {
        "read": 0, "write": 1, "close": 3, "fstat": 5, "poll": 7, "lseek": 8, "mmap": 9, "mprotect": 10, "munmap": 11,
        "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "pread64": 17, "readv": 19,
        "sched_yield": 24, "mremap": 25, "madvise": 28, "nanosleep": 35, "getpid": 39, "execve": 59, "exit": 60,
        "uname": 63, "fcntl": 72, "gettimeofday": 96, "getrusage": 98, "sysinfo": 99, "times": 100, "ptrace": 101,
        "sigaltstack": 131, "mount": 165, "init_module": 175, "gettid": 186, "futex": 202, "sched_getaffinity": 204,
        "restart_syscall": 219, "clock_gettime": 228, "clock_getres": 229, "clock_nanosleep": 230, "exit_group": 231,
        "kexec_load": 246, "keyctl": 250, "ppoll": 271, "unshare": 272, "set_robust_list": 273, "preadv": 295,
        "perf_event_open": 298, "prlimit64": 302, "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311,
        "finit_module": 313, "getrandom": 318, "bpf": 321, "execveat": 322, "userfaultfd": 323, "membarrier": 324,
        "rseq": 334, "io_uring_setup": 425, "clone": 56, "clone3": 435,
    },
)  # fmt: skip

AARCH64 = Machine(
    0xC00000B7,
    {
        "fcntl": 25, "mount": 40, "close": 57, "lseek": 62, "read": 63, "write": 64, "readv": 65, "pread64": 67,
        "preadv": 69, "ppoll": 73, "fstat": 80, "exit": 93, "exit_group": 94, "unshare": 97, "futex": 98,
        "set_robust_list": 99, "nanosleep": 101, "kexec_load": 104, "init_module": 105, "clock_gettime": 113,
        "clock_getres": 114, "clock_nanosleep": 115, "ptrace": 117, "sched_getaffinity": 123, "sched_yield": 124,
        "restart_syscall": 128, "sigaltstack": 132, "rt_sigaction": 134, "rt_sigprocmask": 135, "rt_sigreturn": 139,
        "times": 153, "uname": 160, "getrusage": 165, "gettimeofday": 169, "getpid": 172, "gettid": 178,
        "sysinfo": 179, "brk": 214, "munmap": 215, "mremap": 216, "keyctl": 219, "execve": 221, "mmap": 222,
        "mprotect": 226, "madvise": 233, "perf_event_open": 241, "prlimit64": 261, "setns": 268,
        "process_vm_readv": 270, "process_vm_writev": 271, "finit_module": 273, "getrandom": 278, "bpf": 280,
        "execveat": 281, "userfaultfd": 282, "membarrier": 283, "rseq": 293, "io_uring_setup": 425,
        "clone": 220, "clone3": 435,
    },
)  # fmt: skip

MACHINES = {"x86_64": X86_64, "aarch64": AARCH64}

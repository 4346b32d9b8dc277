"""Landlock: the process gives up every path, every address and every signal (kernel documentation, landlock).

Seccomp already refuses the calls that would use them. Two independent fences stand here, because a list of
system calls is written by people, and decoders of media are where the attacks go.
"""

import ctypes
import os
import struct

CREATE_RULESET, RESTRICT_SELF = 444, 446
QUERY_VERSION = 1
# Rights on files that each version of the interface knows; a right that is handled and never granted is refused.
FILE_RIGHTS_BY_ABI = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
TCP_BIND_AND_CONNECT = 0b11
ABSTRACT_SOCKETS_AND_SIGNALS = 0b11

libc = ctypes.CDLL(None, use_errno=True)


def abi() -> int:
    """The version of the interface this kernel offers; 0 when there is none."""
    return max(0, int(libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), QUERY_VERSION)))


def give_up_everything() -> None:
    """Restrict this process for good. Raises OSError where the kernel has no Landlock.

    Needs no privilege, but `no_new_privs` must be set before. Descriptors that are open stay usable.
    """
    version = abi()
    if version < 1:
        raise OSError("this kernel has no Landlock")
    files = (1 << FILE_RIGHTS_BY_ABI[min(version, 5)]) - 1
    attributes = struct.pack(
        "=QQQ",
        files,
        TCP_BIND_AND_CONNECT if version >= 4 else 0,
        ABSTRACT_SOCKETS_AND_SIGNALS if version >= 6 else 0,
    )
    # Older kernels know a shorter structure and refuse a longer one.
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = libc.syscall(CREATE_RULESET, attributes, ctypes.c_size_t(size), 0)
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "the kernel refused a Landlock ruleset")
    if libc.syscall(RESTRICT_SELF, ruleset, 0):
        raise OSError(ctypes.get_errno(), "the kernel refused to apply Landlock")
    os.close(ruleset)

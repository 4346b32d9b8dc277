"""Messages between the process that asks and the zygote that forks.

The control socket carries one order per packet, with three descriptors: the recording, the pipe for the result
and a socket for the outcome. Closing that socket cancels the job.
"""

import socket

import msgspec

ORDER_LIMIT = 128 << 10
DESCRIPTORS = 3


class Order(msgspec.Struct, frozen=True):
    """One job: its JSON, wall-clock seconds, and CPU seconds (None: by what the container claims)."""

    job: bytes
    wall_s: float
    cpu_s: float | None


class Outcome(msgspec.Struct, frozen=True):
    """How a sandboxed process ended, from the kernel's own books.

    `signal` is 0 for an ordinary exit; `cpu_s` user and system seconds; `peak_bytes` the largest resident size,
    shared pages of the zygote included.
    """

    exit_code: int
    signal: int
    timed_out: bool
    cpu_s: float
    peak_bytes: int


class Hello(msgspec.Struct, frozen=True):
    """What the zygote says when it is ready, or why it never will be."""

    error: str = ""
    pid: int = 0
    landlock_abi: int = 0
    mapped_bytes: int = 0


def send(control: socket.socket, message: msgspec.Struct, descriptors: list[int] | None = None) -> None:
    """Send one packet. Raises OSError when the other side is gone."""
    data = msgspec.msgpack.encode(message)
    if len(data) > ORDER_LIMIT:
        raise ValueError(f"a job of {len(data)} bytes does not fit one packet of {ORDER_LIMIT}")
    socket.send_fds(control, [data], descriptors or [])

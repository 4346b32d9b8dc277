"""The warmed-up process that every decoder is forked from.

Starting Python with the decoders costs a second, a fork some milliseconds. The zygote has one thread and never looks
at a recording itself. It kills what is late or no longer wanted, and reports how each child ended.

    python -m capture_validation.sandbox.zygote CONTROL_FD SANDBOXED TASKS_MODULE
"""

import contextlib
import gc
import importlib
import os
import select
import signal
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from capture_validation import niceness
from capture_validation.sandbox import child, landlock, seccomp
from capture_validation.sandbox.wire import DESCRIPTORS, ORDER_LIMIT, Hello, Order, Outcome, send


@dataclass
class Running:
    """One child: process, its pidfd, the socket that waits for its outcome, and when it is late (monotonic seconds)."""

    pid: int
    pidfd: int
    client: socket.socket
    deadline: float
    timed_out: bool = False


class Zygote:
    """Forks a child for every order and watches over it until it is reaped."""

    def __init__(self, control: socket.socket, fence: child.Fence) -> None:
        self.control = control
        self.fence = fence
        self.running: dict[int, Running] = {}
        self.poll = select.poll()
        self.poll.register(control, select.POLLIN)

    def serve(self) -> None:
        """Work until the other side closes the control socket; then kill all children."""
        try:
            while True:
                for descriptor, _ in self.poll.poll(self._patience_ms()):
                    if descriptor == self.control.fileno():
                        if not self._accept():
                            return
                    elif job := self.running.get(descriptor):
                        self._look_at(job, descriptor)
                self._kill_late()
        finally:
            for job in {job.pid: job for job in self.running.values()}.values():
                signal.pidfd_send_signal(job.pidfd, signal.SIGKILL)

    def _patience_ms(self) -> float | None:
        deadlines = [job.deadline for job in self.running.values() if not job.timed_out]
        return max(0.0, min(deadlines) - time.monotonic()) * 1000 + 1 if deadlines else None

    def _accept(self) -> bool:
        data, descriptors, _, _ = socket.recv_fds(self.control, ORDER_LIMIT, DESCRIPTORS)
        if not data:
            return False
        source, result, client = descriptors
        order = msgspec.msgpack.decode(data, type=Order)
        zygote = os.getpid()
        pid = os.fork()
        if pid == 0:
            child.live(source, result, order.job, order.cpu_s, self.fence, zygote)
        os.close(source)
        os.close(result)
        job = Running(pid, os.pidfd_open(pid), socket.socket(fileno=client), time.monotonic() + order.wall_s)
        for descriptor in (job.pidfd, client):
            self.running[descriptor] = job
            self.poll.register(descriptor, select.POLLIN)
        return True

    def _look_at(self, job: Running, descriptor: int) -> None:
        """A child ended, or whoever wanted its answer went away."""
        if descriptor == job.pidfd:
            self._reap(job)
        else:
            signal.pidfd_send_signal(job.pidfd, signal.SIGKILL)
            # Its end is still to come through the pidfd; a closed socket would be reported again and again.
            self.poll.unregister(descriptor)

    def _kill_late(self) -> None:
        now = time.monotonic()
        for job in self.running.values():
            if job.deadline <= now and not job.timed_out:
                job.timed_out = True
                signal.pidfd_send_signal(job.pidfd, signal.SIGKILL)

    def _reap(self, job: Running) -> None:
        _, status, usage = os.wait4(job.pid, 0)
        outcome = Outcome(
            exit_code=os.WEXITSTATUS(status) if os.WIFEXITED(status) else -1,
            signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
            timed_out=job.timed_out,
            cpu_s=usage.ru_utime + usage.ru_stime,
            peak_bytes=usage.ru_maxrss << 10,
        )
        for descriptor in (job.pidfd, job.client.fileno()):
            self.running.pop(descriptor)
            if descriptor == job.pidfd:
                self.poll.unregister(descriptor)
        with contextlib.suppress(KeyError):
            self.poll.unregister(job.client)
        # Whoever asked may be gone; then there is nobody left to tell.
        with contextlib.suppress(OSError):
            send(job.client, outcome)
        job.client.close()
        os.close(job.pidfd)


def prepare(tasks_module: str, *, sandboxed: bool) -> child.Fence:
    """Load, warm up and freeze what children share. Raises OSError where this kernel cannot isolate them."""
    if sandboxed and not landlock.abi():
        raise OSError("this kernel has no Landlock (Linux 5.13 or newer, enabled at boot)")
    module = importlib.import_module(tasks_module)
    module.warm_up()
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads != 1:
        # A fork copies one thread only; a lock that another one holds would then never be released.
        raise OSError(f"the zygote has {threads} threads after loading its libraries")
    program = seccomp.assemble(child.RESULT_FD) if sandboxed else None
    threaded = seccomp.assemble(child.RESULT_FD, threads=True) if sandboxed else None
    gc.collect()
    gc.freeze()
    return child.Fence(program, threaded, mapped_bytes() + child.MEMORY_HEADROOM, module.TASKS)


def mapped_bytes() -> int:
    """The address space of this process (VmSize)."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Serve the control socket given as first argument."""
    control = socket.socket(fileno=int(sys.argv[1]))
    niceness.set_session(os.nice(0) + child.GIVING_WAY)
    try:
        fence = prepare(sys.argv[3], sandboxed=sys.argv[2] == "1")
    except Exception as cause:
        # Whatever it is, the one who waits has to hear it.
        with contextlib.suppress(BrokenPipeError):
            send(control, Hello(error=f"{type(cause).__name__}: {cause}"[:2000]))
        raise SystemExit(1) from cause
    try:
        send(control, Hello(pid=os.getpid(), landlock_abi=landlock.abi(), mapped_bytes=mapped_bytes()))
    except BrokenPipeError:
        # Whoever started this is gone, as after Ctrl-C: nobody is left to hear of it.
        return
    Zygote(control, fence).serve()


if __name__ == "__main__":
    main()

"""Run a task on a recording in a process that has nothing but that recording."""

import logging
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import BinaryIO, NamedTuple, Self

import msgspec

from capture_validation.errors import (
    SandboxError,
    SandboxKilled,
    SandboxOverflow,
    SandboxTimeout,
    SandboxUnavailable,
)
from capture_validation.sandbox.streaming import Intake, Progress
from capture_validation.sandbox.wire import ORDER_LIMIT, Hello, Order, Outcome, send
from capture_validation.xray import FACE_MODEL

log = logging.getLogger("capture_validation.sandbox")

#: Set to 1 on a development machine whose kernel lacks Landlock. Never where strangers can upload.
UNSAFE_SWITCH = "COMPANION_UNSAFE_NO_SANDBOX"
START_S = 120.0
STOP_S = 5.0
RESULT_LIMIT = 1 << 20
# Bytes of the child's marks: "R" result, "E" an error in our own code; and its exit code when memory ran out.
ERROR, EXIT_OUT_OF_MEMORY = b"E", 77
# Libraries read these when they are loaded; threads would make the zygote unfit to be forked.
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")


class Target(NamedTuple):
    """A seekable file for what a task makes, the most bytes it may get, and who hears how far the work is."""

    file: BinaryIO
    largest: int
    progress: Progress


class Sandbox:
    """A warmed-up zygote and the way to give it jobs.

    One instance serves many threads; every job gets a process of its own. A zygote that died is started again by the
    next job. Use `start` and `close`, or a `with` block.
    """

    def __init__(self, tasks_module: str = "capture_validation.sandbox.tasks") -> None:
        """`tasks_module` is where the zygote finds its table TASKS and `warm_up`; tests bring tasks that misbehave."""
        self._tasks_module = tasks_module
        self._lock = threading.Lock()
        self._zygote: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self.hello = Hello()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Process id of the zygote; 0 when it does not run."""
        return self._zygote.pid if self._zygote and self._zygote.poll() is None else 0

    def start(self) -> None:
        """Start the zygote and wait until it is warm (about a second). Raises SandboxUnavailable with the reason."""
        with self._lock:
            self._ensure()

    def close(self) -> None:
        """End the zygote and every job it runs."""
        with self._lock:
            self._stop()

    def run(
        self,
        source_fd: int,
        job: bytes,
        *,
        wall_s: float,
        cpu_s: float | None = None,
        result_limit: int = RESULT_LIMIT,
        into: Target | None = None,
    ) -> bytes:
        """The result of a job (JSON with `task`) on the recording behind an open descriptor.

        `into` is where a task that makes a new file writes it; a task without one writes nothing there.

        `source_fd` is only read, at positions of its own. `wall_s` and `cpu_s` are seconds; without `cpu_s` the
        claims of the container decide. Raises SandboxTimeout, SandboxKilled (`signal` 9 also stands for "out of
        memory"), SandboxOverflow for more than `result_limit` bytes, SandboxUnavailable, and SandboxError with the
        child's own words when our code failed inside.
        """
        recording = read_only(source_fd)
        result, result_end = os.pipe()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with os.fdopen(result, "rb", buffering=0) as pipe, ours:
            try:
                self._order(Order(job, wall_s, cpu_s), [recording, result_end, theirs.fileno()])
            finally:
                os.close(recording)
                os.close(result_end)
                theirs.close()
            deadline = time.monotonic() + wall_s + STOP_S
            if into is None:
                answer = _read(pipe.fileno(), result_limit + 1, deadline)
            else:
                intake = Intake(pipe.fileno(), into.file, into.largest, deadline, into.progress)
                answer = intake.take(result_limit)
            return _judge(_outcome(ours), answer)

    def _order(self, order: Order, descriptors: list[int]) -> None:
        with self._lock:
            try:
                send(self._ensure(), order, descriptors)
            except OSError:
                # The zygote died since the last job. A second death in a row is not an accident.
                self._stop()
                try:
                    send(self._ensure(), order, descriptors)
                except OSError as cause:
                    raise SandboxUnavailable(f"the sandbox died twice: {cause}") from cause

    def _ensure(self) -> socket.socket:
        if self._control is not None and self.pid:
            return self._control
        self._stop()
        sandboxed = os.environ.get(UNSAFE_SWITCH) != "1"
        if not sandboxed:
            log.critical("%s=1: recordings of strangers are decoded WITHOUT Landlock and seccomp", UNSAFE_SWITCH)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._zygote = subprocess.Popen(
                [
                    *(sys.executable, "-m", "capture_validation.sandbox.zygote"),
                    *(str(theirs.fileno()), str(int(sandboxed)), self._tasks_module),
                ],
                pass_fds=[theirs.fileno()],
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                # Its own session: Ctrl-C in a terminal goes to the service, which then ends the zygote in order.
                start_new_session=True,
            )
        self._control = ours
        self.hello = _hello(ours)
        if self.hello.error:
            self._stop()
            raise SandboxUnavailable(self.hello.error)
        return ours

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._zygote is not None:
            try:
                self._zygote.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._zygote.kill()
                self._zygote.wait()
            self._zygote = None


def read_only(descriptor: int) -> int:
    """Open what a descriptor leads to once more, to be read and with a position of its own.

    A decoder that was taken over would else write to the recording, which was hashed before and is stored afterwards: a
    map of it into memory asks no system call. Raises OSError.
    """
    return os.open(f"/dev/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)


def _environment() -> dict[str, str]:
    """The environment of the zygote: no secret of the service goes there, only where Python finds its modules."""
    kept = ["PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "NUMBA_CACHE_DIR", "LANG", "TZ"]
    # Without it Python keeps what it compiles: nobody else imports most of these modules, and compiling takes 1.4 s.
    kept += ["PYTHONDONTWRITEBYTECODE", FACE_MODEL]
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    # The package may have been found through sys.path alone, as in a test or a script beside it.
    paths = [path for path in sys.path if path]
    return environment | ONE_THREAD | {"PYTHONPATH": os.pathsep.join(paths)}


def _hello(control: socket.socket) -> Hello:
    control.settimeout(START_S)
    try:
        data = control.recv(ORDER_LIMIT)
    except TimeoutError:
        return Hello(error=f"the sandbox was not ready after {START_S:.0f} s")
    finally:
        control.settimeout(None)
    return msgspec.msgpack.decode(data, type=Hello) if data else Hello(error="the sandbox died while it started")


def _read(descriptor: int, limit: int, deadline: float) -> bytes:
    """All that comes out of a pipe until its writer ends. Raises SandboxOverflow, SandboxTimeout."""
    parts: list[bytes] = []
    size = 0
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    while True:
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise SandboxTimeout
        part = os.read(descriptor, 1 << 16)
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
        if size > limit:
            # Leaving closes the socket of the job, and the zygote kills a child that nobody waits for.
            raise SandboxOverflow


def _outcome(client: socket.socket) -> Outcome:
    client.settimeout(STOP_S)
    try:
        data = client.recv(ORDER_LIMIT)
    except TimeoutError:
        data = b""
    if not data:
        raise SandboxUnavailable("the sandbox died during a job")
    return msgspec.msgpack.decode(data, type=Outcome)


def _judge(outcome: Outcome, answer: bytes) -> bytes:
    if outcome.timed_out:
        raise SandboxTimeout
    if outcome.exit_code == EXIT_OUT_OF_MEMORY:
        raise SandboxKilled(signal.SIGKILL, outcome.cpu_s)
    if outcome.signal:
        raise SandboxKilled(outcome.signal, outcome.cpu_s)
    if outcome.exit_code or not answer or answer.startswith(ERROR):
        raise SandboxError(answer[1:].decode(errors="replace") or f"the sandbox ended with {outcome.exit_code}")
    return answer[1:]

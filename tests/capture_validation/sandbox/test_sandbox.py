"""Jobs in the sandbox: what they may, what they may not, and what happens to those that misbehave."""

import fcntl
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO

import msgspec
import psutil
import pytest

from capture_validation.errors import (
    SandboxError,
    SandboxKilled,
    SandboxOverflow,
    SandboxTimeout,
    SandboxUnavailable,
)
from capture_validation.sandbox import UNSAFE_SWITCH, Sandbox, probe
from capture_validation.sandbox.child import GIVING_WAY
from capture_validation.sandbox.sandbox import ONE_THREAD
from tests.capture_validation.made import sound, tone

IDLE = "tests.capture_validation.sandbox.idling"
COUNT = b'{"task":"count"}'


@pytest.fixture(scope="module")
def take() -> Iterator[BinaryIO]:
    """One second of a tone."""
    with tempfile.TemporaryFile() as file:
        file.write(sound("wav", "pcm_s16le", tone(1)))
        file.flush()
        yield file


def test_a_job_reads_the_recording_behind_a_descriptor(sandbox: Sandbox, take: BinaryIO) -> None:
    answer = msgspec.json.decode(sandbox.run(take.fileno(), COUNT, wall_s=20))

    assert {"samples": 16_000, "frames": 0, "code": ""} == answer


def test_the_position_of_the_callers_descriptor_is_left_alone(sandbox: Sandbox, take: BinaryIO) -> None:
    """Two jobs may read one open file, and the caller may read it meanwhile."""
    take.seek(7)

    sandbox.run(take.fileno(), COUNT, wall_s=20)

    assert 7 == take.tell()


@pytest.mark.skipif(platform.machine() != "x86_64", reason="The numbers of the attempts are that machine's.")
def test_a_decoder_that_was_taken_over_reaches_nothing(sandbox: Sandbox) -> None:
    """By system calls of its own: no file, process, address or descriptor, and above all not the recording itself.

    It was hashed before it was decoded, and is stored afterwards.
    """
    with tempfile.TemporaryFile() as file:
        file.write(b"original" * 1000)
        file.flush()
        file.seek(7)
        done = msgspec.json.decode(sandbox.run(file.fileno(), b'{"task":"attack"}', wall_s=20))
        position, flags = file.tell(), fcntl.fcntl(file, fcntl.F_GETFL)
        here = os.lseek(file.fileno(), 0, os.SEEK_CUR)
        file.seek(0)

        assert [] == done
        assert (7, 7, 0) == (position, here, flags & os.O_DIRECT)
        assert b"original" * 1000 == file.read()


def test_every_property_of_the_sandbox_holds_on_this_machine() -> None:
    found = probe()

    assert [] == [what for what, holds, _ in found if not holds]
    assert len(found) == 7


def test_many_jobs_at_once_get_their_own_answers(sandbox: Sandbox) -> None:
    answers: dict[int, int] = {}

    def ask(number: int) -> None:
        with tempfile.TemporaryFile() as file:
            file.write(sound("wav", "pcm_s16le", tone(number / 10)))
            file.flush()
            answers[number] = msgspec.json.decode(sandbox.run(file.fileno(), COUNT, wall_s=30))["samples"]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {number: number * 1600 for number in range(1, 9)} == answers


def test_a_job_that_works_too_long_is_ended_by_its_cpu_limit(sandbox: Sandbox, take: BinaryIO) -> None:
    with pytest.raises(SandboxKilled) as caught:
        sandbox.run(take.fileno(), b'{"task":"spin"}', wall_s=20, cpu_s=1)

    assert signal.SIGXCPU == caught.value.signal
    # The kernel counts a limit in ticks, and on a busy machine reaches it some tenths of a second early.
    assert 0.5 < caught.value.cpu_s < 2.5


def test_a_job_that_sleeps_is_ended_by_the_wall_clock(sandbox: Sandbox, take: BinaryIO) -> None:
    begun = time.monotonic()

    with pytest.raises(SandboxTimeout):
        sandbox.run(take.fileno(), b'{"task":"sleep"}', wall_s=0.5)

    assert time.monotonic() - begun < 20


def test_a_job_gives_way_to_whoever_asked_for_it(sandbox: Sandbox, take: BinaryIO) -> None:
    """Nobody waits for an answer longer because somebody's recording is being looked at."""
    with ThreadPoolExecutor() as threads:
        job = threads.submit(sandbox.run, take.fileno(), b'{"task":"sleep"}', wall_s=1)
        zygote, found = psutil.Process(sandbox.pid), set()
        while not job.done() and GIVING_WAY not in found:
            found |= {child.nice() - zygote.nice() for child in zygote.children()}

    assert GIVING_WAY in found
    assert isinstance(job.exception(), SandboxTimeout)


def test_a_job_that_takes_too_much_memory_is_ended(sandbox: Sandbox, take: BinaryIO) -> None:
    with pytest.raises(SandboxKilled):
        sandbox.run(take.fileno(), b'{"task":"eat"}', wall_s=20, cpu_s=10)


def test_a_job_that_talks_too_much_is_ended_and_forgotten(sandbox: Sandbox, take: BinaryIO) -> None:
    with pytest.raises(SandboxOverflow):
        sandbox.run(take.fileno(), b'{"task":"talk"}', wall_s=20)

    assert _without_children(sandbox)


def test_a_system_call_of_an_intruder_ends_the_process(sandbox: Sandbox, take: BinaryIO) -> None:
    with pytest.raises(SandboxKilled) as caught:
        sandbox.run(take.fileno(), b'{"task":"execute"}', wall_s=20, cpu_s=5)

    assert signal.SIGSYS == caught.value.signal


def test_an_error_of_our_own_comes_back_in_its_own_words(sandbox: Sandbox, take: BinaryIO) -> None:
    with pytest.raises(SandboxError, match="KeyError: 'no-such-task'"):
        sandbox.run(take.fileno(), b'{"task":"no-such-task"}', wall_s=20)


def test_a_zygote_that_died_is_started_again_by_the_next_job(take: BinaryIO) -> None:
    with Sandbox(IDLE) as sandbox:
        os.kill(before := sandbox.pid, signal.SIGKILL)
        while sandbox.pid:
            time.sleep(0.01)

        answer = sandbox.run(take.fileno(), b'{"task":"length"}', wall_s=20)
        assert os.fstat(take.fileno()).st_size == int(answer)
        assert before != sandbox.pid


def test_a_job_dies_with_its_zygote(take: BinaryIO) -> None:
    with Sandbox(IDLE) as sandbox:
        killer = threading.Timer(0.5, os.kill, (sandbox.pid, signal.SIGKILL))
        killer.start()

        with pytest.raises(SandboxUnavailable):
            sandbox.run(take.fileno(), b'{"task":"sleep"}', wall_s=20)


def test_closing_ends_the_zygote_and_its_jobs(take: BinaryIO) -> None:
    sandbox = Sandbox(IDLE)
    sandbox.start()
    pid = sandbox.pid

    sandbox.close()

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_without_isolation_the_zygote_says_so_loudly(
    take: BinaryIO, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(UNSAFE_SWITCH, "1")

    with Sandbox() as sandbox:
        escaped = msgspec.json.decode(sandbox.run(take.fileno(), b'{"task":"escape"}', wall_s=20))

    assert "WITHOUT" in caplog.text
    assert escaped["open"], "the switch is meant to take the fences down, else it tests nothing"


def test_secrets_of_the_service_do_not_reach_the_zygote(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")

    with Sandbox(IDLE) as sandbox, open(f"/proc/{sandbox.pid}/environ", "rb") as file:  # noqa: PTH123
        environment = file.read()

    assert b"secret" not in environment


def test_a_zygote_whose_starter_is_gone_ends_quietly() -> None:
    """Ctrl-C while it warms up: a traceback of it would look like a fault of the recording."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        ours.close()
        words = ["-m", "capture_validation.sandbox.zygote", str(theirs.fileno()), "1", IDLE]
        alone = os.environ | ONE_THREAD
        ended = subprocess.run(
            [sys.executable, *words], pass_fds=[theirs.fileno()], env=alone, capture_output=True, check=False
        )

    assert (0, b"") == (ended.returncode, ended.stderr)


def _without_children(sandbox: Sandbox) -> bool:
    """Whether the zygote has reaped all its children within three seconds."""
    for _ in range(60):
        with open(f"/proc/{sandbox.pid}/task/{sandbox.pid}/children") as file:  # noqa: PTH123
            if not file.read().strip():
                return True
        time.sleep(0.05)
    return False

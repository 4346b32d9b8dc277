"""A new file leaves the sandbox piece by piece; whoever sends something else gets nothing written."""

import io
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_validation.errors import SandboxKilled, SandboxOverflow, SandboxTimeout
from capture_validation.sandbox import Sandbox, Target
from capture_validation.sandbox.streaming import HEAD, MEDIA, Intake, Outlet

LARGEST = 100_000


def received(send: Callable[[int], None], into: io.BytesIO, heard: list[float], wait_s: float = 10.0) -> bytes:
    """What comes out of a pipe into which a thread writes."""
    reading, writing = os.pipe()

    def work() -> None:
        try:
            send(writing)
        except BrokenPipeError:
            pass
        finally:
            os.close(writing)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        return Intake(reading, into, LARGEST, time.monotonic() + wait_s, heard.append).take(1000)
    finally:
        os.close(reading)
        thread.join()


@given(st.lists(st.tuples(st.integers(0, 2000), st.binary(max_size=300)), max_size=10), st.binary(max_size=50))
def test_what_is_written_anywhere_arrives_there(pieces: list[tuple[int, bytes]], answer: bytes):
    """A muxer goes back to fill in lengths; after the pieces comes the result."""
    expected, into, heard = io.BytesIO(), io.BytesIO(), []

    def send(descriptor: int) -> None:
        out = Outlet(descriptor)
        for at, data in pieces:
            out.seek(at)
            out.write(data)
        out.progress(0.5)
        os.write(descriptor, b"R" + answer)

    for at, data in pieces:
        if data:
            expected.seek(at)
            expected.write(data)

    assert b"R" + answer == received(send, into, heard)
    assert expected.getvalue() == into.getvalue()
    assert [0.5] == heard


@pytest.mark.parametrize(("place", "length"), [(LARGEST, 1), (0, LARGEST + 1), (2**63, 10), (0, 2**31)])
def test_a_piece_beyond_the_limit_is_an_overflow(place: int, length: int):
    """Nothing of it is written: a decoder that was taken over must not fill a disk."""
    into = io.BytesIO()
    with pytest.raises(SandboxOverflow):
        received(lambda descriptor: os.write(descriptor, MEDIA + HEAD.pack(place, length)) and None, into, [])

    assert b"" == into.getvalue()


def test_a_sender_that_says_nothing_is_not_waited_for_for_ever():
    with pytest.raises(SandboxTimeout):
        received(lambda _: time.sleep(0.5), io.BytesIO(), [], wait_s=0.1)


def test_a_result_without_end_is_an_overflow():
    with pytest.raises(SandboxOverflow):
        received(lambda descriptor: os.write(descriptor, b"R" * 5000) and None, io.BytesIO(), [])


def test_only_a_job_that_asks_for_threads_can_start_one_and_none_can_start_a_process(sandbox: Sandbox, tmp_path: Path):
    """SVT-AV1 needs threads; what a decoder that was taken over wants is a process."""
    recording = tmp_path / "recording"
    recording.write_bytes(b"x")
    with recording.open("rb") as file:
        ask = [
            sandbox.run(file.fileno(), job, wall_s=20, cpu_s=10, into=Target(io.BytesIO(), 0, lambda _: None))
            for job in (b'{"task":"thread"}', b'{"task":"thread","threads":true}')
        ]
        escaped = sandbox.run(file.fileno(), b'{"task":"escape","threads":true}', wall_s=20, cpu_s=10)

    assert [b"refused", b"done"] == ask
    assert b"true" not in escaped


def test_a_process_that_is_killed_in_the_middle_of_a_piece_is_reported_as_killed(sandbox: Sandbox, tmp_path: Path):
    recording = tmp_path / "recording"
    recording.write_bytes(b"x")
    into = io.BytesIO()
    with recording.open("rb") as file, pytest.raises(SandboxKilled):
        sandbox.run(file.fileno(), b'{"task":"half"}', wall_s=20, cpu_s=10, into=Target(into, 1000, lambda _: None))

    assert b"abc" == into.getvalue().rstrip(b"\0")

"""Each fence stands alone: what one refuses is refused without the other."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PREPARE = """
import ctypes, os, socket, sys
from capture_validation.sandbox import landlock, seccomp
reader, writer = os.pipe()
listener = socket.socket(); listener.bind(("127.0.0.1", 0)); listener.listen()
assert ctypes.CDLL(None).prctl(38, 1, 0, 0, 0) == 0
def refused(attempt):
    try:
        attempt()
    except OSError:
        return True
    return False
"""
TRY = """
print(
    refused(lambda: os.open("/proc/self/status", os.O_RDONLY)),
    refused(lambda: os.listdir("/")),
    refused(lambda: socket.socket().connect(listener.getsockname())),
    flush=True,
)
"""


def outcome(fence: str) -> str:
    """What a process prints that has put up this fence only; standard output stays open behind both."""
    done = subprocess.run(
        [sys.executable, "-c", PREPARE + fence + TRY], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert not done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("fence", ["landlock.give_up_everything()", "seccomp.install(seccomp.assemble(1))"])
def test_one_fence_alone_refuses_paths_and_addresses(fence: str) -> None:
    assert outcome(fence) == "True True True"


def test_without_a_fence_everything_is_open() -> None:
    assert outcome("") == "False False False"

"""Files that try to hurt a decoder: each is contained, and the service goes on.

Three attempts with every file: as the service would examine it; with the recogniser fooled, so that FFmpeg's demuxer
and decoders get it; and with nothing but the sandbox, FFmpeg free to follow whatever it believes the file to be.
Watched all the while: an address on this machine that many of the files name, and a file that they try to read.
"""

import contextlib
import ctypes
import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from capture_validation import validate
from capture_validation.errors import SandboxKilled, SandboxOverflow, SandboxTimeout
from capture_validation.sandbox import UNSAFE_SWITCH, Sandbox
from capture_validation.sandbox.child import MEMORY_HEADROOM
from tests.capture_validation.conftest import MISBEHAVING
from tests.media import all_hostile, hostile
from tests.processes import spent_by_children

PORT = 18_765
CANARY = Path("/var/lib/companion-canary/canary/canary.mp4")
# What a file may cost (seconds of a core) and how long anything is waited for. Only the first is a promise: on a busy
# machine a job of two seconds has waited four for its core.
DEAREST_S, LONGEST_S = 6.0, 60.0
GROWTH_LIMIT = 120 << 20
IN_OPEN, IN_NONBLOCK = 0x20, 0o4000
FORMATS = {
    ".flac": "flac", ".wav": "wav", ".w64": "w64", ".aiff": "aiff", ".caf": "caf", ".ogg": "ogg", ".opus": "ogg",
    ".mp3": "mp3", ".mp4": "mov", ".mov": "mov", ".webm": "matroska", ".mkv": "matroska", ".avi": "avi",
}  # fmt: skip
SOUND = {"flac", "wav", "w64", "aiff", "caf", "ogg", "mp3"}
# Besides the controls these are harmless once decoded: tags, chains and lies that a careful reader passes over.
MAY_PASS = {"16_ogg_chain300.ogg", "20_mp3_apic_pngbomb.mp3"}


class Watch:
    """What the files try to reach."""

    def __init__(self, port: int = PORT, bait: Path = CANARY) -> None:
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        # Several test processes listen at once; each connection reaches one of them.
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen()
        self.listener.setblocking(False)
        libc = ctypes.CDLL(None)
        self.inotify = libc.inotify_init1(IN_NONBLOCK)
        # Only root can lay out the bait where the files look for it.
        if bait != CANARY or os.geteuid() == 0:
            bait.parent.mkdir(parents=True, exist_ok=True)
            # Linked into place when complete: another test process may already watch for anybody who opens it.
            with tempfile.NamedTemporaryFile(dir=bait.parent) as complete, contextlib.suppress(FileExistsError):
                complete.write(hostile("canary_rel.mp4").read_bytes())
                complete.flush()
                Path(complete.name).chmod(0o644)
                bait.hardlink_to(complete.name)
            assert libc.inotify_add_watch(self.inotify, str(bait).encode(), IN_OPEN) >= 0

    def close(self) -> None:
        """Stop watching."""
        self.listener.close()
        os.close(self.inotify)

    def touched(self) -> list[str]:
        """What was reached since the last look: "address", "bait", both or nothing."""
        found = []
        with contextlib.suppress(BlockingIOError):
            self.listener.accept()[0].close()
            found.append("address")
        with contextlib.suppress(BlockingIOError):
            if os.read(self.inotify, 4096):
                found.append("bait")
        return found


class Growth(threading.Thread):
    """The largest private memory of any child of a zygote, sampled every few milliseconds (bytes).

    A fresh child shares everything with the zygote, so what is private to it is what the job has cost. Only root may
    look into a child; for others it stays 0.
    """

    def __init__(self, zygote: int) -> None:
        super().__init__(daemon=True)
        self.children = Path(f"/proc/{zygote}/task/{zygote}/children")
        self.largest = 0
        self.limit = GROWTH_LIMIT
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.004):
            try:
                for pid in self.children.read_text().split():
                    self.largest = max(self.largest, _private_bytes(pid))
            except (OSError, ValueError):
                continue


def _private_bytes(pid: str) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith(("Private_Dirty", "Private_Clean")))


@pytest.fixture(scope="module")
def watch() -> Iterator[Watch]:
    found = Watch()
    yield found
    found.close()


@pytest.fixture
def contained(sandbox: Sandbox, watch: Watch) -> Iterator[Growth]:
    """Every test here: nothing reached, little memory and time, and the next job works in the same zygote."""
    zygote = sandbox.pid
    growth = Growth(zygote)
    growth.start()
    begun = spent_by_children(zygote)

    yield growth

    spent = spent_by_children(zygote) - begun
    growth.over.set()
    growth.join()
    assert [] == watch.touched()
    assert spent <= DEAREST_S
    assert growth.largest <= growth.limit
    assert zygote == sandbox.pid
    with hostile("00_ok.wav").open("rb") as file:
        assert b'"samples":48000' in sandbox.run(file.fileno(), b'{"task":"count"}', wall_s=LONGEST_S)


def test_there_are_hostile_files_to_test_with() -> None:
    """Without them the parametrised tests below would pass by being empty."""
    hostile("")

    assert len(all_hostile()) >= 65


@pytest.mark.usefixtures("contained")
@pytest.mark.parametrize("name", all_hostile())
def test_a_hostile_file_is_examined_or_clearly_refused(name: str, sandbox: Sandbox) -> None:
    report = validate(hostile(name), "speech" if FORMATS.get(Path(name).suffix) in SOUND else "video", sandbox=sandbox)

    if name.startswith("00_ok") or name == "canary_rel.mp4":
        assert report.rejection is None
        assert report.checks
    elif name not in MAY_PASS:
        assert report.rejection is not None
        assert report.rejection.code not in ("undecodable", "too-expensive"), "it should not have reached the decoder"


@pytest.mark.usefixtures("contained")
@pytest.mark.parametrize("name", all_hostile())
def test_a_fooled_recogniser_is_not_the_last_fence(name: str, sandbox: Sandbox) -> None:
    demuxer = FORMATS.get(Path(name).suffix, "mov")
    job = {"task": "decode_as", "format": demuxer, "kind": "audio" if demuxer in SOUND else "video"}

    run_to_the_end(sandbox, hostile(name), job)


@pytest.mark.parametrize("name", all_hostile())
def test_the_sandbox_alone_keeps_ffmpeg_from_every_file_and_address(
    name: str, sandbox: Sandbox, contained: Growth
) -> None:
    """Here FFmpeg may use what the sandbox gives at most, because none of our own limits reaches it."""
    contained.limit = MEMORY_HEADROOM

    run_to_the_end(sandbox, hostile(name), {"task": "decode_naively", "name": str(hostile(name))})


@pytest.fixture(scope="module")
def bare() -> Iterator[Sandbox]:
    """A zygote without Landlock and seccomp."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(UNSAFE_SWITCH, "1")
        started = Sandbox(MISBEHAVING)
        started.start()
    yield started
    started.close()


@pytest.mark.parametrize("address", ["http", "file"])
def test_without_fences_the_bait_is_taken(address: str, bare: Sandbox) -> None:
    """The watch itself works: outside of Landlock and seccomp the same naive decoder connects and opens the bait.

    The bait is one of its own, because the other is watched by tests that run at the same time.
    """
    with tempfile.TemporaryDirectory() as folder:
        # The job runs as nobody, who must be able to reach the bait.
        Path(folder).chmod(0o755)
        watch = Watch(0, bait := Path(folder) / "bait.mp4")
        port = watch.listener.getsockname()[1]
        target = f"http://127.0.0.1:{port}/bait.ts" if address == "http" else bait.as_uri()
        playlist = Path(folder) / "playlist.m3u8"
        playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{target}\n#EXT-X-ENDLIST\n")

        run_to_the_end(bare, playlist, {"task": "decode_naively", "name": str(playlist)}, wall_s=2)

        touched = watch.touched()
        watch.close()
    assert [{"http": "address", "file": "bait"}[address]] == touched


def run_to_the_end(sandbox: Sandbox, path: Path, job: dict[str, str], wall_s: float = LONGEST_S) -> None:
    """Run a job that may be ended by a limit; a failure of our own code is raised."""
    limits = contextlib.suppress(SandboxKilled, SandboxTimeout, SandboxOverflow)
    with path.open("rb") as file, limits:
        sandbox.run(file.fileno(), msgspec.json.encode(job), wall_s=wall_s, cpu_s=2)

"""What the wheels carry in C: an SBOM names the wheel, never the FFmpeg inside it.

FFmpeg before 8.1.2 lets a crafted MagicYUV stream write out of bounds (CVE-2026-8461). PyAV decodes what
strangers send, so its FFmpeg must be newer. OpenCV's wheel carries an older one, which is harmless only as
long as no module of ours opens a file through OpenCV.
"""

import ast
import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OLDEST_SAFE_FFMPEG = (8, 1, 2)
# Wheels whose FFmpeg decodes recordings, and wheels whose FFmpeg is never called (the second test holds that).
DECODES = {"av"}
NEVER_CALLED = {"opencv-python-headless"}
OPENS_FILES_ITSELF = {
    "cv2": {"VideoCapture", "VideoWriter", "imread", "imreadmulti", "imreadanimation", "imdecode", "imdecodemulti"},
    "librosa": {"load", "stream"},
    "audioread": {"audio_open"},
}
FFMPEG_LIBRARY = re.compile(r"libavutil[-.]")
FFMPEG_PROGRAM = re.compile(r"^(ffmpeg|ffprobe)([-.].*)?$")


def distribution_name(distribution: importlib.metadata.Distribution) -> str:
    return re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower()


@cache
def installed() -> list[tuple[str, importlib.metadata.PackagePath]]:
    """Every file of this environment with its wheel's name, read once: there are tens of thousands."""
    return [
        (name, file)
        for distribution in importlib.metadata.distributions()
        for name in [distribution_name(distribution)]
        for file in distribution.files or ()
    ]


def ffmpeg_versions() -> Iterator[tuple[str, tuple[int, ...]]]:
    """Every FFmpeg in this environment, asked for its own version in a process that loads nothing else."""
    ask = (
        "import ctypes, sys; library = ctypes.CDLL(sys.argv[1]); "
        "library.av_version_info.restype = ctypes.c_char_p; print(library.av_version_info().decode())"
    )
    for wheel, file in installed():
        if FFMPEG_LIBRARY.match(file.name):
            path = str(file.locate())
            told = subprocess.run([sys.executable, "-c", ask, path], capture_output=True, text=True, check=True)
            yield wheel, tuple(int(n) for n in re.findall(r"\d+", told.stdout)[:3])


def names_used(nodes: list[ast.AST], module: str) -> set[str]:
    """What a file takes from a module, by attribute or by import; an alias of the module counts too."""
    aliases, taken = {module}, set()
    for node in nodes:
        if isinstance(node, ast.Import):
            aliases |= {name.asname for name in node.names if name.name == module and name.asname}
        elif isinstance(node, ast.ImportFrom) and node.module == module:
            taken |= {name.name for name in node.names}
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases:
            taken.add(node.attr)
    return taken


def nodes_of(source: str) -> list[ast.AST]:
    return list(ast.walk(ast.parse(source)))


def test_every_ffmpeg_that_decodes_recordings_is_new_enough():
    """The version comes from the library, because the wheel's own number says nothing about it."""
    found = dict(ffmpeg_versions())

    assert found.keys() >= DECODES
    assert {} == {name: version for name, version in found.items() if name in DECODES and version < OLDEST_SAFE_FFMPEG}


def test_no_wheel_brings_another_ffmpeg_unnoticed():
    """A new wheel with an FFmpeg inside is a decision: name it above, as decoding or as never called."""
    carriers = {
        wheel for wheel, file in installed() if FFMPEG_LIBRARY.match(file.name) or FFMPEG_PROGRAM.match(file.name)
    }

    assert set() == carriers - DECODES - NEVER_CALLED


@pytest.mark.parametrize("package", ["api", "capture_validation", "storage"])
def test_no_module_lets_another_library_open_a_recording(package):
    """PyAV alone decodes: OpenCV gets frames that are already pixels."""
    offenders = {
        f"{path.relative_to(ROOT)}: {module}.{name}"
        for path in (ROOT / package).rglob("*.py")
        for nodes in [nodes_of(path.read_text())]
        for module, forbidden in OPENS_FILES_ITSELF.items()
        for name in names_used(nodes, module) & forbidden
    }

    assert set() == offenders


def test_an_alias_does_not_hide_a_forbidden_name():
    """Without this the test above could stop finding anything and stay green."""
    assert names_used(nodes_of("import cv2 as c\nc.VideoCapture(0)"), "cv2") == {"VideoCapture"}
    assert names_used(nodes_of("from cv2 import imread"), "cv2") == {"imread"}


def test_one_wheel_owns_the_cv2_folder():
    """opencv-python and opencv-python-headless overwrite each other's files without a word from any installer."""
    owners = {wheel for wheel, file in installed() if file.parts[0] == "cv2"}

    assert {"opencv-python-headless"} == owners

"""The real and the hostile recordings that tests read.

They are too large for the repository and lie in the folders `media` and `hostile` of `COMPANION_TEST_MEDIA` (a
path, relative to the repository when not absolute; default `../shared`). Each folder carries a MANIFEST.md.
"""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / os.environ.get("COMPANION_TEST_MEDIA", "../shared")


def media(name: str) -> Path:
    """Path of a real recording; without the folder the test is skipped, in CI it fails."""
    return _existing(FOLDER / "media" / name)


def hostile(name: str) -> Path:
    """Path of a hostile file; without the folder the test is skipped, in CI it fails."""
    return _existing(FOLDER / "hostile" / name)


def all_media() -> list[str]:
    """Names of all real recordings, sorted; empty when the folder is missing."""
    return _names("media")


def all_hostile() -> list[str]:
    """Names of all hostile files, sorted; empty when the folder is missing."""
    return _names("hostile")


def _names(kind: str) -> list[str]:
    folder = FOLDER / kind
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".md")


def _existing(path: Path) -> Path:
    if path.parent.is_dir():
        return path
    message = f"no test recordings: {path.parent} does not exist, set COMPANION_TEST_MEDIA"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)

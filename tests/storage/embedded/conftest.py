"""Data directories and the processes that work on them."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from storage.embedded import directory, process
from storage.embedded.directory import Directory


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return an empty folder whose parents everybody may enter; pytest's own lie in one of mode 0700."""
    path = Path(tempfile.mkdtemp(prefix="companion-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def place(folder: Path) -> Directory:
    """Return an opened, empty data directory."""
    return directory.opened(folder / "data")


@pytest.fixture(scope="module")
def shared_place() -> Iterator[Directory]:
    """Return a data directory for the tests of one module."""
    path = Path(tempfile.mkdtemp(prefix="companion-"))
    yield directory.opened(path)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
async def children() -> AsyncIterator[list[process.Child]]:
    """Return a list; what a test puts in is killed at its end."""
    started: list[process.Child] = []
    yield started
    for child in started:
        process.kill(child)
        await process.stop(child)

"""Where Unix sockets lie when the data directory's path is long."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.embedded import directory, sockets
from storage.embedded.directory import Directory


@pytest.fixture
def deep(folder: Path) -> Iterator[Directory]:
    """Return a data directory below a path that no socket's name can hold."""
    place = directory.opened(folder / ("d" * 60) / ("e" * 60) / "data")
    yield place
    shutil.rmtree(sockets.socket_folder(place), ignore_errors=True)


def test_a_short_path_keeps_its_sockets(place: Directory) -> None:
    assert place.path / "sockets" == sockets.socket_folder(place)


def test_a_long_path_gets_a_short_private_folder(deep: Directory) -> None:
    short = sockets.socket_folder(deep)

    status = short.stat()
    assert len(os.fsencode(short)) + sockets.NAME_MAX < sockets.PATH_MAX
    assert (0o700, deep.engine_user.uid) == (stat.S_IMODE(status.st_mode), status.st_uid)


def test_the_short_folder_is_used_again(deep: Directory) -> None:
    assert sockets.socket_folder(deep) == sockets.socket_folder(deep)


def test_a_folder_that_was_opened_since_is_not_used_again(deep: Directory) -> None:
    """Whoever could enter it could put a socket of his own in our place."""
    first = sockets.socket_folder(deep)
    first.chmod(0o755)

    second = sockets.socket_folder(deep)
    first.rmdir()

    assert first != second


def test_a_link_is_not_a_private_folder(folder: Path) -> None:
    (folder / "real").mkdir(mode=0o700)
    (folder / "link").symlink_to(folder / "real")

    assert sockets.is_private(folder / "real", os.geteuid())
    assert not sockets.is_private(folder / "link", os.geteuid())
    assert not sockets.is_private(folder / "missing", os.geteuid())

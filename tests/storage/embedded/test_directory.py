"""The data directory: where it lies, who may enter, and what is refused."""

import base64
import os
import stat
from pathlib import Path

import pytest

from storage.embedded import directory
from storage.embedded.directory import Directory, User
from storage.embedded.errors import DirectoryClosed, DirectoryInUse, DirectoryRefused

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the engines as another user")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_root_keeps_data_where_every_parent_can_be_entered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of mode 0700 would keep the engines' user out."""
    monkeypatch.delenv("COMPANION_DATA", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    assert Path("/var/lib/contributor-companion") == directory.located()


def test_a_user_keeps_data_where_xdg_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG Base Directory Specification: $XDG_DATA_HOME, else ~/.local/share."""
    monkeypatch.delenv("COMPANION_DATA", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    at_home = directory.located()
    monkeypatch.setenv("XDG_DATA_HOME", "/data/ada")

    assert Path("/home/ada/.local/share/contributor-companion") == at_home
    assert Path("/data/ada/contributor-companion") == directory.located()


def test_the_variable_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPANION_DATA", "/somewhere/else")

    assert Path("/somewhere/else") == directory.located()


def test_the_directory_may_be_passed_and_its_children_may_not_be_entered(place: Directory) -> None:
    for name in ("postgres", "sockets"):
        directory.engine_folder(place, name)
    directory.own_folder(place, "secrets")

    assert 0o711 == mode(place.path)
    assert {0o700} == {mode(child) for child in place.path.iterdir() if child.is_dir()}


def test_no_parents_mode_is_changed(folder: Path) -> None:
    """Whatever they are: opening a parent would open a stranger's home."""
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a").chmod(0o751)
    (folder / "a" / "b").chmod(0o775)

    directory.engine_folder(directory.opened(folder / "a" / "b" / "data"), "postgres")

    assert (0o755, 0o751, 0o775) == (mode(folder), mode(folder / "a"), mode(folder / "a" / "b"))


@as_root
def test_a_closed_parent_is_refused_with_what_to_set(folder: Path) -> None:
    folder.chmod(0o700)

    with pytest.raises(DirectoryClosed, match="COMPANION_DATA") as refused:
        directory.opened(folder / "data")

    assert str(folder) in str(refused.value)
    assert 0o700 == mode(folder)


@pytest.mark.parametrize(
    ("bits", "owner", "group", "may"),
    [(0o700, 5, 5, True), (0o700, 6, 5, False), (0o710, 6, 5, True), (0o701, 6, 6, True), (0o607, 5, 6, False)],
)
def test_the_first_class_that_fits_decides_who_may_enter(bits: int, owner: int, group: int, may: bool) -> None:
    """As in path_resolution(7): an owner without the bit stays out even when everybody else may enter."""
    status = os.stat_result((stat.S_IFDIR | bits, 0, 0, 1, owner, group, 0, 0, 0, 0))

    assert may is directory.may_enter(status, User(5, 5))


def test_a_folder_with_other_files_is_refused_and_left_alone(folder: Path) -> None:
    """COMPANION_DATA=$HOME must not change a home."""
    (folder / "letter.txt").write_text("dear")

    with pytest.raises(DirectoryRefused, match="holds other files"):
        directory.opened(folder)

    assert 0o755 == mode(folder)
    assert ["letter.txt"] == [entry.name for entry in folder.iterdir()]


@as_root
def test_another_users_folder_is_refused(folder: Path) -> None:
    (folder / "data").mkdir()
    os.chown(folder / "data", 65534, 65534)

    with pytest.raises(DirectoryRefused, match="belongs to"):
        directory.opened(folder / "data")


def test_a_folder_that_cannot_be_made_is_refused(folder: Path) -> None:
    (folder / "file").write_text("")

    with pytest.raises(DirectoryRefused, match="set COMPANION_DATA"):
        directory.opened(folder / "file" / "data")


def test_a_second_companion_hears_that_the_first_is_running(place: Directory) -> None:
    with directory.locked(place), pytest.raises(DirectoryInUse, match="Another companion"), directory.locked(place):
        pass


def test_the_lock_is_free_after_its_holder(place: Directory) -> None:
    with directory.locked(place):
        pass
    with directory.locked(place):
        pass


def test_a_secret_stays_what_it_was_and_only_its_owner_reads_it(place: Directory) -> None:
    first = directory.secret(place, "password")

    assert first == directory.secret(directory.opened(place.path), "password")
    assert first != directory.secret(place, "another")
    assert 43 == len(first)
    assert 0o600 == mode(place.path / "secrets" / "password")


def test_the_master_key_is_256_bits_in_base64(place: Directory) -> None:
    key = directory.master_key(place)

    assert 32 == len(base64.b64decode(key, validate=True))
    assert key == directory.master_key(place)


def test_root_never_follows_a_link_that_an_engine_put(place: Directory, folder: Path) -> None:
    """A child that is a link would turn the next start into a chown of its target."""
    target = folder / "target"
    target.mkdir(mode=0o755)
    (place.path / "postgres").symlink_to(target)

    with pytest.raises(OSError, match="postgres"):
        directory.engine_folder(place, "postgres")

    assert 0o755 == mode(target)


def test_a_private_file_replaces_a_link_instead_of_writing_through_it(place: Directory, folder: Path) -> None:
    (folder / "precious").write_text("old")
    (place.path / "file").symlink_to(folder / "precious")

    directory.write_private(place.path / "file", "new")

    assert ("old", "new") == ((folder / "precious").read_text(), (place.path / "file").read_text())
    assert 0o600 == mode(place.path / "file")


def test_what_is_published_counts_only_while_somebody_runs(place: Directory) -> None:
    """The file that a crash leaves must not send `companion doctor` to a stranger's port."""
    directory.publish(place, {"S3_ENDPOINT": "http://127.0.0.1:1"})
    before = directory.published(place.path)
    with directory.locked(place):
        during = directory.published(place.path)

    assert (None, {"S3_ENDPOINT": "http://127.0.0.1:1"}) == (before, during)


def test_nothing_is_published_where_nothing_is(folder: Path) -> None:
    assert None is directory.published(folder / "nowhere")
    assert [] == list(folder.iterdir())

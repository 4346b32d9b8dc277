"""The data directory: where the embedded engines keep every recording, and who may enter.

    COMPANION_DATA/            0711, ours
        lock                   held while a companion runs on this directory
        running.json           0600, how to reach the running engines: for `companion doctor` and its siblings
        secrets/               0700, ours: random passwords and keys, made once
        run/                   0700, ours: locks, ports and the first words of each engine
        engines/               0700, the engines' user; only as root: copies of the binaries
        postgres/ sockets/ seaweedfs/ seaweedfs-home/     0700, the engines' user

PostgreSQL refuses to run as root. So as root the engines run as an unprivileged user, which has to be able to enter
every parent of its data. We never change the mode of a parent to make that true: opening /root to everybody would
be a high price for a database. The default for root therefore lies below /var/lib, and a closed parent is an error
that says what to set.

As root we write by path only into direct children of the data directory, which is ours, and never through a link: an
engine that was taken over could otherwise put a link where root writes next.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import pwd
import secrets
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from storage.embedded.errors import DirectoryClosed, DirectoryInUse, DirectoryRefused

ENGINE_USER = "nobody"
LOCK = "lock"
RUNNING = "running.json"


@dataclass(frozen=True, slots=True)
class User:
    """Who owns the engines' files and processes: ourselves, or an unprivileged user when we are root."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Directory:
    """An opened data directory."""

    path: Path
    engine_user: User


def located() -> Path:
    """Say where the data directory is, without making it.

    COMPANION_DATA decides. Else root gets /var/lib/contributor-companion, because a home of mode 0700 cannot be
    entered by the engines' user, and everybody else the place that XDG names for such data.
    """
    if chosen := os.environ.get("COMPANION_DATA"):
        return Path(chosen).expanduser().absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/contributor-companion")
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser().absolute() / "contributor-companion"


def opened(path: Path | None = None) -> Directory:
    """Make the data directory if need be, and make sure that the engines' user can enter it.

    Raises DirectoryRefused when it belongs to somebody else or holds something else, DirectoryClosed when a parent
    keeps the engines' user out.
    """
    path = (path or located()).resolve()
    user = engine_user()
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o711)
    except OSError as error:
        raise DirectoryRefused(f"{path} cannot be made ({error.strerror}): set COMPANION_DATA.") from error
    refuse_foreign(path)
    refuse_closed_parents(path, user)
    # An existing folder, or one made under a strict umask, may have another mode.
    path.chmod(0o711)
    (path / LOCK).touch(mode=0o600)
    return Directory(path, user)


def engine_user() -> User:
    """Find the user that the engines run as."""
    if os.geteuid() != 0:
        return User(os.geteuid(), os.getegid())
    try:
        entry = pwd.getpwnam(ENGINE_USER)
    except KeyError:
        raise DirectoryRefused(
            f"There is no user {ENGINE_USER} to run the engines: start as an ordinary user."
        ) from None
    return User(entry.pw_uid, entry.pw_gid)


def refuse_foreign(path: Path) -> None:
    """Refuse a folder that is another user's, or that holds files we did not make.

    Its mode will be changed and engines will write into it: that must never happen to somebody's home because a
    variable was set too short.
    """
    if path.stat().st_uid != os.geteuid():
        owner = path.owner() if path.exists() else "?"
        raise DirectoryRefused(f"{path} belongs to {owner}: run as that user, or set COMPANION_DATA to another folder.")
    content = {entry.name for entry in path.iterdir()} - {"lost+found"}
    if content and LOCK not in content:
        raise DirectoryRefused(f"{path} holds other files: set COMPANION_DATA to a new or empty folder.")


def refuse_closed_parents(path: Path, user: User) -> None:
    """Refuse a path with a parent that the engines' user cannot enter."""
    if user.uid == os.geteuid():
        return
    for parent in path.parents:
        if not may_enter(parent.stat(), user):
            raise DirectoryClosed(
                f"{path} lies below {parent}, which only its owner may enter, "
                f"and as root the engines run as {ENGINE_USER}. "
                "Set COMPANION_DATA to a folder whose parents everybody may enter, "
                "such as /var/lib/contributor-companion.",
            )


def may_enter(status: os.stat_result, user: User) -> bool:
    """Tell whether a user may pass through a folder, by its mode bits."""
    if status.st_uid == user.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == user.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


@contextlib.contextmanager
def locked(directory: Directory) -> Iterator[None]:
    """Hold the data directory against a second companion for as long as the block runs.

    The kernel drops the lock when the holder dies, however it dies, so there is nothing to clean up.
    """
    descriptor = os.open(directory.path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = (
                f"Another companion is running on {directory.path}: stop it, or set COMPANION_DATA to another folder."
            )
            raise DirectoryInUse(message) from None
        yield
    finally:
        os.close(descriptor)


def engine_folder(directory: Directory, name: str) -> Path:
    """Make a child that only the engines' user may enter, and return it."""
    return private_folder(directory.path / name, directory.engine_user)


def own_folder(directory: Directory, name: str) -> Path:
    """Make a child that only we may enter, and return it."""
    return private_folder(directory.path / name, User(os.geteuid(), os.getegid()))


def private_folder(path: Path, user: User) -> Path:
    """Make a folder of mode 0700 for a user."""
    path.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        os.fchown(descriptor, user.uid, user.gid)
        os.fchmod(descriptor, 0o700)
    finally:
        os.close(descriptor)
    return path


def link_or_copy(source: str | Path, target: str | Path) -> None:
    """Give a program's file a second name, or a copy where that cannot be (another file system).

    A link costs neither time nor space. The engines' user cannot write to it: the file stays its installer's.
    """
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def write_private(path: Path, content: str | bytes, user: User | None = None) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    data = content.encode() if isinstance(content, str) else content
    with open(draft, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(data)
        if user:
            os.fchown(file.fileno(), user.uid, user.gid)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    # The new name is durable only once its folder is: data encrypted under a lost key would be lost too.
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def secret(directory: Directory, name: str) -> str:
    """Return the random secret of that name, made at its first use: 256 bits, safe in URLs and in TOML."""
    return kept_secret(directory, name, secrets.token_urlsafe(32))


def master_key(directory: Directory) -> str:
    """Return the key that wraps every contributor's key: 32 random bytes in base64, made at its first use.

    It lies beside the data it opens, which is right for a trial on one machine; an operator sets COMPANION_MASTER_KEY.
    """
    return kept_secret(directory, "master-key", base64.b64encode(secrets.token_bytes(32)).decode())


def kept_secret(directory: Directory, name: str, fresh: str) -> str:
    """Return the secret of that name, which is `fresh` from its first use on."""
    path = own_folder(directory, "secrets") / name
    if not path.exists():
        write_private(path, fresh)
    return path.read_text()


def publish(directory: Directory, environment: dict[str, str]) -> None:
    """Write down how the running engines are reached, for other commands of the same user."""
    write_private(directory.path / RUNNING, json.dumps(environment))


def published(path: Path | None = None) -> dict[str, str] | None:
    """Return the environment of the engines that run on this data directory now, or None when none do.

    The file may be left from a crash: it counts only while somebody holds the lock.
    """
    path = path or located()
    try:
        with (path / LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        with contextlib.suppress(OSError, ValueError):
            return {str(name): str(value) for name, value in json.loads((path / RUNNING).read_text()).items()}
    except OSError:
        return None
    return None

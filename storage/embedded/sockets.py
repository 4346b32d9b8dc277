"""A private folder whose path is short enough to hold a Unix socket.

A long data directory (a CI workspace, a deep home) is common, and a socket's path holds 107 bytes (Linux, unix(7):
`sun_path` has 108 with its closing zero). Then the sockets lie in a folder with a random name below the system's
runtime directory: of mode 0700, remembered beside the data, and used again by the next start.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from storage.embedded.directory import Directory, engine_folder, own_folder, write_private

PATH_MAX = 107
# Longer than the name of every socket we make.
NAME_MAX = 24


def socket_folder(directory: Directory) -> Path:
    """Return the folder for the engines' sockets; only the engines' user (and root) may enter it."""
    folder = directory.path / "sockets"
    if len(os.fsencode(folder)) + 1 + NAME_MAX <= PATH_MAX:
        return engine_folder(directory, "sockets")
    remembered = own_folder(directory, "run") / "socket-folder"
    if remembered.exists() and is_private(short := Path(remembered.read_text()), directory.engine_user.uid):
        return short
    short = Path(tempfile.mkdtemp(prefix="companion-", dir=runtime_folder()))
    os.chown(short, directory.engine_user.uid, directory.engine_user.gid)
    write_private(remembered, str(short))
    return short


def runtime_folder() -> str:
    """Return a short folder for run-time files: the system's, the session's, or the one that everybody has."""
    session = os.environ.get("XDG_RUNTIME_DIR", "")
    preferred = "/run" if os.geteuid() == 0 else session
    if 0 < len(preferred) < PATH_MAX // 2 and os.access(preferred, os.W_OK | os.X_OK):
        return preferred
    return "/tmp"  # noqa: S108 - The folder made in it is private and has a random name.


def is_private(folder: Path, uid: int) -> bool:
    """Tell whether a folder is still the private one we made: a real folder of that user, closed to all others."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == uid and stat.S_IMODE(status.st_mode) == 0o700

"""Everything the embedded engines raise.

    EmbeddedError
    ├── DirectoryError            the data directory itself
    │   ├── DirectoryInUse            another process runs on it
    │   ├── DirectoryClosed           the engines' user cannot enter one of its parents
    │   └── DirectoryRefused          it belongs to somebody else, or holds something else
    └── EngineError               an engine did not do what it should
        ├── EngineMissing             its binaries are not installed
        ├── EngineBusy                processes of an earlier start are still there
        └── EngineFailed              it ended, or did not answer in time

Their messages are read by the person who typed `companion run`, so each says what to do.
"""

from __future__ import annotations

from storage.errors import StorageError


class EmbeddedError(StorageError):
    """The embedded engines cannot be used."""


class DirectoryError(EmbeddedError):
    """The data directory cannot be used."""


class DirectoryInUse(DirectoryError):
    """Another companion is running on this data directory: stop it, or set COMPANION_DATA to another folder."""


class DirectoryClosed(DirectoryError):
    """The user that runs the engines cannot enter the data directory."""


class DirectoryRefused(DirectoryError):
    """This folder is not a data directory of ours."""


class EngineError(EmbeddedError):
    """An embedded engine did not do what it should."""


class EngineMissing(EngineError):
    """The binaries of an embedded engine are not installed: install from the lock file again."""


class EngineBusy(EngineError):
    """Processes of an earlier start still work on the data; they did not end in time."""


class EngineFailed(EngineError):
    """An embedded engine ended, or did not answer in time."""

"""What tests of measures share."""

import fcntl
import os
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.conftest import FOLDER


@pytest.fixture(scope="session")
def librosa() -> ModuleType:
    """The reference, compiled: its first use takes a processor for ten to thirty seconds and is kept on disk.

    So one process after the other. All at once each would compile the same, and on a busy machine take longer than
    waiting for one.
    """
    import librosa

    with (Path(os.environ[FOLDER]) / "librosa.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        librosa.stft(np.zeros(2048, np.float32))
    return librosa

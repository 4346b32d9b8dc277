"""What tests of measures share."""

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from capture_validation.sandbox import Sandbox

MISBEHAVING = "tests.capture_validation.sandbox.misbehaving"


def as_written(*given: Any, **_: Any) -> Callable[..., Any]:
    """Stand in for a decorator of Numba that compiles, with arguments or without: the function stays as it is."""
    return given[0] if len(given) == 1 and callable(given[0]) else lambda function: function


@pytest.fixture(scope="session")
def librosa() -> ModuleType:
    """The reference, with the loops of its other features left in Python.

    Spectra and mel bands are NumPy and call none of those loops, which would be compiled when librosa is imported: half
    a minute of a processor after every new installation.
    """
    import numba

    with pytest.MonkeyPatch.context() as patch:
        for name in ("guvectorize", "jit", "stencil", "vectorize"):
            patch.setattr(numba, name, as_written)
        import librosa

        power = np.abs(librosa.stft(np.zeros(2048, np.float32)))
        librosa.feature.melspectrogram(S=power, sr=16_000)
    return librosa


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A warm zygote whose jobs may misbehave: one for each test process, because warming up costs two seconds."""
    with Sandbox(MISBEHAVING) as started:
        yield started

"""What every audio check must stand, whatever it measures; a new check file is tested here by itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture_validation import checks
from capture_validation.check import AudioCheck
from tests.capture_validation.listening import clip, heard

NAMES = [name for name, check in checks.published().items() if issubclass(check, AudioCheck)]
SHAPES = [(8000, 1, 0.1), (8000, 1, 0.0004), (192000, 8, 0.1), (11025, 2, 1.3), (44100, 6, 0.5), (48000, 5, 0.7)]


def profile_of(name: str) -> str:
    return next(iter(checks.published()[name].profiles))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("rate", "channels", "seconds"), SHAPES)
def test_any_rate_channels_and_length_give_a_verdict(name, rate, channels, seconds):
    """From a tenth of a second down to three samples, 8 to 192 kHz, 1 to 8 channels."""
    noise = np.random.default_rng(0).normal(0, 0.1, (max(round(rate * seconds), 1), channels))

    assert heard(name, noise, rate, profile_of(name)).name == name


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sound", ["silence", "square", "impulse", "constant", "nothing"])
def test_sounds_no_microphone_makes_give_a_verdict(name, sound):
    times = np.arange(32000)
    sounds = {
        "silence": np.zeros(32000),
        "square": np.sign(np.sin(times / 7)),
        "impulse": (times == 16000).astype(float),
        "constant": np.ones(32000),
        "nothing": np.zeros(0),
    }

    value = heard(name, sounds[sound], 16000, profile_of(name)).value

    assert value is None or np.isfinite(value)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=4, deadline=None)
@given(sizes=st.lists(st.integers(97, 9000), min_size=1, max_size=5))
def test_no_result_depends_on_how_blocks_are_cut(name, sizes):
    """A decoder's habits are no property of the recording."""
    mono, rate = clip("speech_weather_16k.wav")
    samples = np.hstack((mono, np.roll(mono, 5, axis=0) / 2))

    whole = heard(name, samples, rate, profile_of(name))
    pieces = heard(name, samples, rate, profile_of(name), blocks=sizes)

    assert (whole.status, whole.code) == (pieces.status, pieces.code)
    assert (whole.value is None) == (pieces.value is None)
    assert whole.value is None or whole.value == pytest.approx(pieces.value, rel=1e-3, abs=1e-3)

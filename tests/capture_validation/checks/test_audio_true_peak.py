"""True peak."""

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from capture_validation.checks.audio_true_peak import near
from tests.capture_validation.ebur128 import measured
from tests.capture_validation.listening import clip, heard
from tests.media import all_media

NAME = "audio.true_peak"


def whole_file(samples: np.ndarray) -> float:
    """The reference: interpolate everything."""
    fine = scipy.signal.resample_poly(samples, 4, 1, axis=0, window=("kaiser", 5.0))
    return 20 * np.log10(max(np.abs(fine).max(), np.abs(samples).max()))


@pytest.mark.parametrize("name", ["speech_jfk_16k.wav", "music_trumpet_44k_stereo.ogg", "ambient_noise_1s_16k.wav"])
def test_looking_only_where_a_peak_can_be_finds_the_same_peak(name):
    samples, rate = clip(name)

    assert heard(NAME, samples, rate).value == pytest.approx(whole_file(samples), abs=1e-3)


@pytest.mark.parametrize("name", [name for name in all_media() if not name.startswith("video")])
def test_ffmpeg_agrees_on_every_real_recording(name):
    """Within 0.3 dB at worst: its oversampling filter is another one."""
    samples, rate = clip(name)

    assert heard(NAME, samples, rate).value == pytest.approx(measured(samples, rate)[1], abs=0.3)


def test_a_peak_between_the_samples_is_found():
    """EBU Tech 3341, case 15: a sine at a quarter of the rate, sampled beside its peaks, still reads −6 dBTP."""
    samples = 0.5 * np.sin(2 * np.pi * 0.25 * np.arange(48000) + np.pi / 4)

    assert -9.0 == pytest.approx(20 * np.log10(np.abs(samples).max()), abs=0.1)
    assert heard(NAME, samples, 48000).value == pytest.approx(-6.02, abs=0.2)


def test_overdriven_speech_gets_a_hint():
    samples, rate = clip("speech_jfk_16k.wav")

    assert "passed" == heard(NAME, samples, rate).status
    assert "too-high" == heard(NAME, np.clip(samples * 8, -1.2, 1.2), rate).code


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(50, 4000), min_size=1, max_size=6), st.integers(0, 5))
def test_blocks_may_be_cut_anywhere(sizes, seed):
    noise = np.random.default_rng(seed).normal(0, 0.1, (5000, 2)).astype(np.float32)

    assert heard(NAME, noise, 8000, blocks=sizes).value == pytest.approx(heard(NAME, noise, 8000).value, abs=1e-4)


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(1, 10))
def test_windows_are_those_that_hold_a_mark(marked: list[bool], reach: int):
    width = 2 * reach + 1
    expected = [at for at in range(len(marked) - width + 1) if any(marked[at : at + width])]

    assert expected == near(np.flatnonzero(marked), reach, len(marked)).tolist()

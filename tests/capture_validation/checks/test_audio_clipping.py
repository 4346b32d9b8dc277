"""Clipping."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.capture_validation.listening import clip, heard

NAME = "audio.clipping"
CLEAN = ["speech_jfk_16k.wav", "speech_librispeech_198_16k.ogg", "speech_digits_en_44k.wav", "speech_zh.flac"]


def clipped(samples, share):
    """Samples turned up until this share of them is beyond full scale, and cut off there."""
    top = np.quantile(np.abs(samples), 1 - share)
    return np.clip(samples / top, -1, 1)


@pytest.mark.parametrize("name", CLEAN)
def test_clean_recordings_pass(name):
    assert "passed" == heard(NAME, *clip(name)).status


@pytest.mark.parametrize("name", CLEAN)
@pytest.mark.parametrize("gain", [1.0, 0.5])
def test_clipping_is_found_even_when_it_was_turned_down(name, gain):
    samples, rate = clip(name)

    assert "hint" == heard(NAME, clipped(samples, 0.01) * gain, rate).status
    assert "failed" == heard(NAME, clipped(samples, 0.08) * gain, rate).status


def test_the_spans_point_at_the_clipped_second():
    samples, rate = clip("speech_jfk_16k.wav")
    spoilt = samples / np.abs(samples).max() * 0.5
    spoilt[4 * rate : 5 * rate] = np.clip(spoilt[4 * rate : 5 * rate] * 12, -1, 1)

    spans = heard(NAME, spoilt, rate).spans

    assert spans
    assert all(4 <= span.start_s <= span.end_s <= 5.001 for span in spans)


def test_one_clipped_channel_of_two_is_enough():
    samples, rate = clip("speech_jfk_16k.wav")

    assert "failed" == heard(NAME, np.hstack((samples, clipped(samples, 0.08))), rate).status


def test_silence_is_not_clipped():
    result = heard(NAME, np.zeros(16000), 16000)

    assert ("passed", 0.0) == (result.status, result.value)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(50, 5000), min_size=1, max_size=6), st.integers(0, 5))
def test_blocks_may_be_cut_anywhere(sizes, seed):
    rising = np.random.default_rng(seed).normal(0, 0.5, 8000) * np.linspace(0.01, 3, 8000)
    samples = np.clip(np.repeat(rising, 2), -1, 1)

    assert heard(NAME, samples, 8000).value == heard(NAME, samples, 8000, blocks=sizes).value

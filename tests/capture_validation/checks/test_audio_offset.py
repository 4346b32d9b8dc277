"""A constant offset, and very deep sound that is none."""

import numpy as np
import pytest

from tests.capture_validation.listening import clip, heard


def test_an_offset_is_measured_in_the_worst_channel():
    voice, rate = clip("speech_jfk_16k.wav")

    result = heard("audio.dc_offset", np.hstack((voice, voice + 0.06)), rate)

    assert "failed" == result.status
    assert 6.0 == pytest.approx(result.value, abs=0.1)


def test_an_offset_that_clicks_at_every_cut_is_told():
    """0.8 % of full scale are −42 dBFS, louder than a quiet room."""
    voice, rate = clip("speech_jfk_16k.wav")

    assert ("passed", "hint") == tuple(heard("audio.dc_offset", voice + offset, rate).status for offset in (3e-3, 8e-3))


def test_an_offset_is_told_under_a_deep_rumble_too():
    """The means of single stretches differ by more than half of the offset; all together they do not."""
    voice, rate = clip("speech_jfk_16k.wav")
    rumble = 0.03 * np.sin(2 * np.pi * 1.3 * np.arange(len(voice)) / rate)[:, None]

    assert 1.0 == pytest.approx(heard("audio.dc_offset", voice + rumble + 0.01, rate).value, abs=0.3)
    assert 0.3 > heard("audio.dc_offset", voice + rumble, rate).value


def test_a_deep_swing_is_no_offset():
    """Four seconds of 0.3 Hz have a mean of 1.8 %, and nothing in them is constant."""
    voice, rate = clip("speech_jfk_16k.wav")
    swing = 0.2 * np.sin(2 * np.pi * 0.3 * np.arange(4 * rate) / rate)[:, None]

    assert 1.8 == pytest.approx(100 * swing.mean(), abs=0.1)
    assert 0.0 == heard("audio.dc_offset", voice[: 4 * rate] + swing, rate).value


def test_a_converter_that_settles_at_the_start_is_no_constant_offset():
    """As in a recording of a stranger: at full scale for a moment, and back to zero within a second."""
    voice, rate = clip("speech_jfk_16k.wav")
    settling = -0.9 * np.exp(-np.arange(len(voice)) / rate / 0.5)[:, None]

    assert 3.0 < abs(100 * settling.mean())
    assert "passed" == heard("audio.dc_offset", voice + settling, rate).status

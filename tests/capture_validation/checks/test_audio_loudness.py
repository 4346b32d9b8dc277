"""Integrated loudness."""

import numpy as np
import pytest

from tests.capture_validation.ebur128 import measured
from tests.capture_validation.listening import clip, heard
from tests.media import all_media

NAME = "audio.loudness"


def sine(dbfs: float, seconds: float, rate: int, hertz: float = 997.0) -> np.ndarray:
    return 10 ** (dbfs / 20) * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def test_a_full_scale_sine_in_one_channel_reads_minus_3_01():
    """The calibration of BS.1770-5, Annex 1."""
    assert heard(NAME, sine(0.0, 5, 48000), 48000).value == pytest.approx(-3.01, abs=0.01)


@pytest.mark.parametrize(("tones", "expected"), [
    ([(-23.0, 20.0)], -23.0),
    ([(-33.0, 20.0)], -33.0),
    ([(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)], -23.0),
    ([(-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)], -23.0),
    ([(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)], -23.0),
])  # fmt: skip
def test_the_cases_of_ebu_tech_3341(tones, expected):
    """Cases 1 to 5: a stereo sine of 1000 Hz at these levels and lengths, within 0.1 LU."""
    mono = np.concatenate([sine(level, seconds, 48000, 1000.0) for level, seconds in tones])

    assert heard(NAME, np.stack((mono, mono), axis=1), 48000).value == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("name", [name for name in all_media() if not name.startswith("video")])
def test_ffmpeg_agrees_on_every_real_recording(name):
    """Another program measures the same within 0.1 LU, from 8 to 48 kHz, mono and stereo."""
    samples, rate = clip(name)
    value = heard(NAME, samples, rate).value

    if value is not None:
        assert value == pytest.approx(measured(samples, rate)[0], abs=0.1)


def test_opposite_channels_are_as_loud_as_equal_ones():
    """A mix to mono would be silent."""
    samples, rate = clip("speech_jfk_16k.wav")

    equal = heard(NAME, np.hstack((samples, samples)), rate)
    opposite = heard(NAME, np.hstack((samples, -samples)), rate)

    assert equal.value == pytest.approx(opposite.value, abs=1e-4)


def test_silence_is_said_to_be_silent():
    result = heard(NAME, np.zeros(48000), 16000)

    assert ("failed", "silent", -70.0) == (result.status, result.code, result.value)


def test_a_quiet_recording_gets_a_hint_and_a_useless_one_fails():
    samples, rate = clip("speech_jfk_16k.wav")

    assert "passed" == heard(NAME, samples, rate).status
    assert "hint" == heard(NAME, samples * 10 ** (-28 / 20), rate).status
    assert "failed" == heard(NAME, samples * 10 ** (-45 / 20), rate).status


def test_under_400_milliseconds_there_is_no_loudness():
    assert "not_applicable" == heard(NAME, sine(-20, 0.39, 16000), 16000).status


@pytest.mark.parametrize(("tones", "expected"), [
    ([(-20.0, 20.0), (-30.0, 20.0)], 10.0),
    ([(-20.0, 20.0), (-15.0, 20.0)], 5.0),
    ([(-40.0, 20.0), (-20.0, 20.0)], 20.0),
    ([(-50.0, 20.0), (-35.0, 20.0), (-20.0, 20.0), (-35.0, 20.0), (-50.0, 20.0)], 15.0),
])  # fmt: skip
def test_the_cases_of_ebu_tech_3342(tones, expected):
    """Cases 1 to 4: loudness range of a stereo sine of 1000 Hz at these levels and lengths, within 1 LU."""
    mono = np.concatenate([sine(level, seconds, 48000, 1000.0) for level, seconds in tones])

    result = heard("audio.loudness_range", np.stack((mono, mono), axis=1), 48000)

    assert result.value == pytest.approx(expected, abs=1.0)


@pytest.mark.parametrize("wait_s", [0.0, 0.15, 0.6, 1.5])
def test_the_short_term_maximum_is_that_of_the_loudest_three_seconds(wait_s):
    """Like case 10 of EBU Tech 3341: wherever the tone starts, within 0.1 LU."""
    mono = np.concatenate((np.zeros(round(wait_s * 48000)), sine(-23.0, 3.1, 48000, 1000.0), np.zeros(48000)))

    result = heard("audio.short_term_loudness", np.stack((mono, mono), axis=1), 48000)

    assert result.value == pytest.approx(-23.0, abs=0.1)


def test_the_loudest_passage_is_pointed_at():
    mono = np.concatenate((sine(-30.0, 10.0, 16000), sine(0.0, 3.0, 16000), sine(-30.0, 5.0, 16000)))

    result = heard("audio.short_term_loudness", mono, 16000)

    assert "hint" == result.status
    assert (10.0, 13.0) == (result.spans[0].start_s, result.spans[0].end_s)


def test_a_voice_that_goes_away_has_too_wide_a_range():
    samples, rate = clip("speech_librispeech_5703_22k.ogg")
    far = np.concatenate((samples, samples * 10 ** (-18 / 20), samples * 10 ** (-19 / 20)))

    assert "passed" == heard("audio.loudness_range", np.concatenate((samples, samples, samples)), rate).status
    assert heard("audio.loudness_range", far, rate).value > 15


def test_two_words_that_are_stressed_differently_have_no_range():
    """One near the phone, one turned away, in twelve seconds: nobody can read that more evenly."""
    samples, rate = clip("speech_librispeech_5703_22k.ogg")
    near, far = samples[: 6 * rate], samples[: 6 * rate] * 10 ** (-30 / 20)

    assert "not_applicable" == heard("audio.loudness_range", np.concatenate((near, far)), rate).status

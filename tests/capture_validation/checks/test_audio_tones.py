"""Tones that do not belong into a recording: the hum of the mains, and a test signal."""

import numpy as np
import pytest

from tests.capture_validation.listening import clip, heard


def test_an_american_recording_of_1961_hums_at_60_hertz():
    """Three multiples of 60 Hz stand 18 to 24 dB above what lies beside them."""
    result = heard("audio.hum", *clip("speech_jfk_16k.wav"))

    assert ("hint", 60.0) == (result.status, result.parameters["mains_hz"])


@pytest.mark.parametrize("drift_hz", [0.0, 0.05])
def test_a_hum_that_wanders_with_the_mains_is_heard_in_a_long_recording(drift_hz):
    """Over a minute the phase goes astray by three turns, and within four seconds by a fifth of one."""
    voice, rate = clip("speech_librispeech_198_16k.ogg")
    samples = np.tile(voice[:, 0], 5)
    times = np.arange(len(samples)) / rate
    hum = sum(np.sin(2 * np.pi * (50 + drift_hz) * n * times) / n for n in range(1, 6))

    assert "hint" == heard("audio.hum", samples + 10 ** (-45 / 20) * hum, rate).status
    assert "passed" == heard("audio.hum", samples, rate).status


def test_what_nobody_hears_under_a_voice_is_no_hum():
    voice, rate = clip("speech_librispeech_198_16k.ogg")
    times = np.arange(len(voice)) / rate
    hum = sum(np.sin(2 * np.pi * 50 * n * times) / n for n in range(1, 6))[:, None]

    assert ("passed", "hint") == tuple(
        heard("audio.hum", voice + 10 ** (level / 20) * hum, rate).status for level in (-70, -50)
    )


@pytest.mark.parametrize(("hertz", "levels", "status"), [(50, (-47, -60), "passed"), (150, (-47, -60), "hint")])
def test_a_deep_tone_must_be_louder_than_a_high_one_to_be_heard(hertz, levels, status):
    """An ear needs 44 dB of pressure at 50 Hz, and 19 dB at 150 Hz, before it hears anything."""
    voice, rate = clip("speech_librispeech_198_16k.ogg")
    times = np.arange(len(voice)) / rate
    tones = sum(10 ** (level / 20) * np.sin(2 * np.pi * hertz * n * times) for n, level in enumerate(levels, 1))

    assert status == heard("audio.hum", voice + tones[:, None], rate).status


@pytest.mark.parametrize(("wander_hz", "status"), [(0.0, "failed"), (15.0, "passed")])
def test_a_pure_vowel_that_is_held_wanders_and_a_tone_does_not(wander_hz, status):
    """A child that sings "oo" at 400 Hz has hardly an overtone."""
    times = np.arange(3 * 16000) / 16000
    pitch = 400 + wander_hz * np.sin(2 * np.pi * 0.5 * times)

    assert status == heard("audio.constant_tone", 0.1 * np.sin(2 * np.pi * np.cumsum(pitch) / 16000), 16000).status


@pytest.mark.parametrize(("half_life_s", "status"), [(0.3, "passed"), (30.0, "hint")])
def test_a_note_that_dies_away_is_no_test_tone(half_life_s, status):
    """The open string of a double bass has hardly an overtone, and its pitch stays as it is."""
    times = np.arange(4 * 16000) / 16000
    note = 0.5 * 2 ** (-times / half_life_s) * np.sin(2 * np.pi * 110 * times)

    assert status == heard("audio.constant_tone", note, 16000, "music").status


def test_a_test_tone_is_refused_and_a_trumpet_is_not():
    tone = 0.3 * np.sin(2 * np.pi * 1000 * np.arange(48000) / 16000)

    assert "failed" == heard("audio.constant_tone", tone, 16000).status
    assert "passed" == heard("audio.constant_tone", *clip("music_trumpet_44k_stereo.ogg"), "music").status

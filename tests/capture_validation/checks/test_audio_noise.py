"""How far a voice stands out, where there is little of it or no pause."""

import numpy as np
import pytest
import scipy.signal

from tests.capture_validation.listening import clip, heard

RANDOM = 7


def test_a_single_word_in_a_long_quiet_file_stands_out():
    """The loudest twentieth of four seconds is longer than what a word of a quarter of a second is loud for."""
    voice, rate = clip("speech_librispeech_198_16k.ogg")
    word, room = voice[5600:9600], np.random.default_rng(5).normal(0, 0.0006, (4 * rate, 1))
    room[rate : rate + len(word)] += word

    assert heard("audio.signal_to_noise", room, rate).value > 26


@pytest.mark.parametrize(("check", "least"), [("audio.signal_to_noise", 0.0), ("audio.reverberation", 3.0)])
def test_of_a_short_take_little_is_known_and_its_error_is_in_its_favour(check, least):
    """Three syllables a second in one room: two seconds of them, and sixteen. The network is not asked: no voice."""
    rate, times = 16000, np.arange(16 * 16000) / 16000
    random = np.random.default_rng(RANDOM)
    syllables = 0.1 * random.normal(0, 1, len(times)) * 10 ** (-3 * (times * 3 % 1) / 3 / 0.35)
    spoken = syllables + random.normal(0, 1e-4, len(times))

    short, long = (heard(check, spoken[: seconds * rate], rate).value for seconds in (2, 16))

    assert short - long > least


def test_gaps_between_syllables_are_enough_and_bands_without_any_sound_do_not_count():
    """A voice of six syllables a second without a pause, over a hiss 30 dB lower; then the same at a higher rate."""
    rate, times = 8000, np.arange(4 * 8000) / 8000
    random = np.random.default_rng(RANDOM)
    syllables = 0.1 * random.normal(0, 1, len(times)) * (times * 6 % 1 < 0.5)
    spoken = syllables + random.normal(0, 0.1 * 10 ** (-30 / 20), len(times))
    blown_up = scipy.signal.resample_poly(spoken, 3, 1)

    narrow, wide = heard("audio.signal_to_noise", spoken, rate), heard("audio.signal_to_noise", blown_up, 3 * rate)

    # The quietest tenth of noise lies some dB under its mean, and the loudest twentieth of a voice as far above.
    assert 28 < narrow.value < 40
    assert narrow.value == pytest.approx(wide.value, abs=1.5)


def test_what_a_microphone_adds_where_no_voice_reaches_is_no_background():
    """Syllables below 2 kHz in a still room, and a hiss between 3 and 8 kHz that never stops, 40 dB under them."""
    rate, times = 16000, np.arange(4 * 16000) / 16000
    random = np.random.default_rng(RANDOM)
    voice = scipy.signal.sosfilt(scipy.signal.butter(8, 2000, fs=rate, output="sos"), random.normal(0, 0.1, len(times)))
    hiss = scipy.signal.sosfilt(
        scipy.signal.butter(8, 3000, "high", fs=rate, output="sos"), random.normal(0, 0.1, len(times))
    )
    spoken = voice * (times * 3 % 1 < 0.5) + random.normal(0, 1e-5, len(times))

    faint, loud = (
        heard("audio.signal_to_noise", spoken + hiss * 10 ** (-under_db / 20), rate).value for under_db in (44, 25)
    )

    assert faint > 40
    assert loud < 25

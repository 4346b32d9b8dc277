"""Thumps and gusts against what is as deep and harmless: voices, plosives, an offset."""

import numpy as np
import pytest
import scipy.signal

from capture_validation.rumble import Depths
from tests.capture_validation.listening import heard

RANDOM = 7


def deep_voice(rate):
    """A man's m of 0.3 s after 0.7 s of silence, over and over: 100 Hz, hardly anything above, set in at once."""
    times = np.arange(4 * rate) / rate
    voiced = np.sin(2 * np.pi * 100 * times) + 0.1 * np.sin(2 * np.pi * 200 * times)
    room = np.random.default_rng(RANDOM).normal(0, 1e-4, len(times))
    return 0.2 * voiced * (times % 1 >= 0.7) + room


@pytest.mark.parametrize("rate", [8000, 22050, 48000])
def test_a_deep_voice_after_a_pause_is_no_thump_and_no_gust(rate):
    """Its fundamental lies where wind and hands are louder, yet below 80 Hz there is nothing of it."""
    voice = deep_voice(rate)
    times = np.arange(int(0.15 * rate)) / rate
    knocked = voice.copy()
    knocked[rate : rate + len(times)] += 0.2 * np.sin(2 * np.pi * 55 * times) * np.exp(-times * 30)

    assert ("passed", "passed") == tuple(heard(f"audio.{name}", voice, rate).status for name in ("handling", "wind"))
    assert "hint" == heard("audio.handling", knocked, rate).status


def test_a_voice_that_creaks_below_80_hz_at_the_end_of_a_word_is_no_thump():
    """Its pitch falls from 88 to 66 Hz, and at last hardly anything is left above: yet it was louder before."""
    rate = 16000
    times = np.arange(4 * rate) / rate
    word = times % 2
    phase = 2 * np.pi * np.cumsum(np.interp(word, (0, 0.3), (88, 66))) / rate
    fading = np.interp(word, (0, 0.02, 0.1, 0.3, 0.31), (0, 1, 1, 0.3, 0))
    bright = np.interp(word, (0, 0.1, 0.15), (1, 1, 0))
    spoken = 0.3 * fading * (np.sin(phase) + bright * (np.sin(2 * phase) + np.sin(3 * phase)))
    room = np.random.default_rng(RANDOM).normal(0, 1e-4, len(times))

    assert "passed" == heard("audio.handling", spoken + room, rate).status
    assert "hint" == heard("audio.handling", np.where(word < 0.16, 0, spoken) + room, rate).status


def test_the_pop_of_a_p_is_no_gust():
    """Both are as deep and as loud as each other; only one lasts."""
    rate = 16000
    room = np.random.default_rng(RANDOM).normal(0, 0.02, 4 * rate)
    deep = 0.1 * np.sin(2 * np.pi * 40 * np.arange(rate) / rate)
    pop, gust = room.copy(), room.copy()
    pop[rate : rate + rate // 20] += deep[: rate // 20]
    gust[rate : rate + rate // 2] += deep[: rate // 2]

    assert ("passed", "hint") == (heard("audio.wind", pop, rate).status, heard("audio.wind", gust, rate).status)


def test_an_offset_that_is_there_from_the_first_sample_is_no_thump():
    powers = Depths(16000, 320).take(np.full((1, 3200), 0.05, np.float32))

    assert powers.max() < 1e-9


def test_a_rumble_far_under_the_voice_is_no_gust():
    """A car that passes while nobody speaks is louder than the pause, and a storm is louder than the voice, too."""
    rate = 16000
    random, times = np.random.default_rng(RANDOM), np.arange(4 * rate) / rate
    spoken = np.where(times < 3, 0.2, 1e-4) * random.normal(0, 1, len(times))
    deep = np.where(abs(times - 3.5) < 0.2, 1, 1e-3) * np.sin(2 * np.pi * 40 * times)

    assert ("passed", "hint") == tuple(heard("audio.wind", spoken + size * deep, rate).status for size in (0.01, 0.3))


def test_one_p_that_pops_is_no_knock_and_three_are_worth_another_take():
    rate = 16000
    room = np.random.default_rng(RANDOM).normal(0, 0.02, 6 * rate)
    times = np.arange(int(0.15 * rate)) / rate
    pop = 0.1 * np.sin(2 * np.pi * 55 * times) * np.exp(-times * 30)
    once, often = room.copy(), room.copy()
    for signal, places in ((once, (1,)), (often, (1, 3, 5))):
        for at_s in places:
            signal[at_s * rate : at_s * rate + len(pop)] += pop

    assert ("passed", "hint") == tuple(heard("audio.handling", one, rate).status for one in (once, often))


@pytest.mark.parametrize(("size", "status"), [(0.1, "passed"), (0.6, "hint")])
def test_one_b_out_of_nothing_is_no_knock_unless_it_is_louder_than_the_voice(size: float, status: str):
    """A call that is silenced between words leaves nothing to rise from, so how far a thump rises says little."""
    rate = 16000
    times = np.arange(6 * rate) / rate
    high = scipy.signal.butter(8, 300, "high", fs=rate, output="sos")
    voiced = scipy.signal.sosfilt(high, np.random.default_rng(RANDOM).normal(0, 0.2, len(times)))
    spoken = np.where(times % 1.5 < 1, voiced, 0)
    beat = np.arange(rate // 10) / rate
    spoken[int(4.3 * rate) : int(4.3 * rate) + len(beat)] += size * np.sin(2 * np.pi * 55 * beat)

    assert status == heard("audio.handling", spoken, rate).status


@pytest.mark.parametrize(("under_db", "status"), [(3, "hint"), (12, "passed")])
def test_a_knock_as_loud_as_the_vowel_around_it_is_heard_and_one_far_under_it_is_not(under_db: int, status: str):
    """A table that is knocked does not wait for a pause; what the voice covers nobody hears."""
    rate = 16000
    times, beat = np.arange(6 * rate) / rate, np.arange(rate // 10) / rate
    spoken = 0.1 * np.sin(2 * np.pi * 700 * times) + np.random.default_rng(RANDOM).normal(0, 1e-4, len(times))
    for at_s in (1, 3, 5):
        spoken[at_s * rate : at_s * rate + len(beat)] += 0.1 * 10 ** (-under_db / 20) * np.sin(2 * np.pi * 55 * beat)

    assert status == heard("audio.handling", spoken, rate).status

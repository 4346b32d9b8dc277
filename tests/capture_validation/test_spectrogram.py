"""The spectrogram of a report."""

import msgspec
import numpy as np
import pytest

from capture_validation.report import Report, Spectrogram
from capture_validation.sound import Stretches, spectrum_length
from capture_validation.spectrogram import BANDS, COLUMNS, LOWEST, STEP, GrowingSpectrogram, filters, hertz, mel
from tests.capture_validation.listening import clip, cut


def grown(samples: np.ndarray, rate: int, sizes: tuple[int, ...]) -> Spectrogram:
    stretches, growing = Stretches(rate), GrowingSpectrogram(rate)
    for block in cut(samples, sizes):
        sound = stretches.take(block)
        growing.add(sound.first_spectrum, sound.spectra)
    made = growing.spectrogram()
    assert made is not None
    return made


def cells(made: Spectrogram) -> np.ndarray:
    return np.frombuffer(made.cells, np.uint8).reshape(-1, made.bands).astype(int)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000, 192000])
def test_the_filters_are_those_of_librosa(librosa, rate):
    length = spectrum_length(rate)
    highest = min(rate / 2, 20000.0)

    theirs = librosa.filters.mel(sr=rate, n_fft=length, n_mels=BANDS, fmax=highest, norm=None)

    np.testing.assert_allclose(filters(rate, length, BANDS, highest), theirs, atol=2e-5)


def test_the_mel_scale_leads_there_and_back():
    frequencies = np.array([0.0, 440.0, 1000.0, 6400.0, 20000.0])

    np.testing.assert_allclose(hertz(mel(frequencies)), frequencies)


def test_it_is_what_librosa_computes_on_the_whole_file(librosa):
    """While every spectrum still has a column of its own, within a cell of 0.4 dB."""
    samples, rate = clip("speech_weather_16k.wav")
    samples = samples[: 5 * rate]
    length = spectrum_length(rate)

    made = cells(grown(samples, rate, (rate // 2,)))

    window = np.hanning(length + 1)[:-1]
    power = np.abs(librosa.stft(samples[:, 0], n_fft=length, hop_length=length // 2, window=window, center=False)) ** 2
    power /= window.sum() ** 2
    whole = librosa.feature.melspectrogram(S=power, sr=rate, n_mels=BANDS, fmax=rate / 2, norm=None).T
    expected = np.clip(np.round((10 * np.log10(np.maximum(whole, 1e-12)) - LOWEST) / STEP), 0, 255)
    assert made.shape == expected.shape
    assert np.abs(made - expected).max() <= 1


def test_it_does_not_depend_on_how_blocks_are_cut():
    samples, rate = clip("speech_jfk_16k.wav")

    assert np.abs(cells(grown(samples, rate, (8000,))) - cells(grown(samples, rate, (777, 5001)))).max() <= 1


def test_an_hour_has_no_more_columns_than_a_minute():
    growing = GrowingSpectrogram(8000)
    spectra = np.full((1000, spectrum_length(8000) // 2 + 1), 1e-4, np.float32)
    for first in range(0, 225_000, 1000):
        growing.add(first, spectra)

    made = growing.spectrogram()

    assert COLUMNS // 2 < len(cells(made)) <= COLUMNS
    assert 3600 == pytest.approx(made.step_s * len(cells(made)), rel=0.01)
    assert 1 == len(np.unique(cells(made), axis=0))


def test_a_tone_is_a_line_at_its_pitch():
    tone = np.sin(2 * np.pi * 2000 * np.arange(48000) / 48000)[:, None].astype(np.float32)

    made = grown(tone, 48000, (4800,))

    brightest = cells(made).argmax(axis=1)
    expected = float(mel(np.array(2000.0)) / mel(np.array(20000.0))) * (BANDS + 1) - 1
    assert np.abs(brightest - expected).max() <= 1


def test_a_recording_too_short_for_a_spectrum_has_none():
    assert GrowingSpectrogram(48000).spectrogram() is None


def test_it_survives_being_stored_as_json():
    report = Report("0", "speech", 1, None, None, (), (), Spectrogram(0.016, 2, 8000.0, b"\x00\xff\x80\x01"))

    stored = msgspec.json.decode(msgspec.json.encode(report))

    assert report == msgspec.convert(stored, Report)

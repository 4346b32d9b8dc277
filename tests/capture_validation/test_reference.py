"""Two references that everyone knows: librosa for the spectrum, libsndfile for exact samples."""

import io
from types import ModuleType

import numpy as np
import pytest
import soundfile

from capture_validation.decode import AudioBlock, open_recording
from capture_validation.sound import Stretches, spectrum_length
from tests.media import media


def decoded(file: io.BytesIO) -> np.ndarray:
    with open_recording(file) as recording:
        return np.concatenate([part.samples for part in recording.read() if isinstance(part, AudioBlock)])


@pytest.mark.parametrize("name", ["speech_weather_16k.wav", "speech_digits_en_44k.wav", "speech_fsdd_7_theo_0.wav"])
def test_the_streamed_spectrum_is_the_one_librosa_computes_on_the_whole_file(librosa: ModuleType, name: str):
    """Power of Hann frames of 32 ms, every half frame; in blocks of half a second or at once, it is the same."""
    samples, rate = soundfile.read(media(name), dtype="float32", always_2d=True)
    stretches = Stretches(rate)
    blocks = np.array_split(samples, max(len(samples) // (rate // 2), 1))
    streamed = np.concatenate([stretches.take(block).spectra for block in blocks])
    length = spectrum_length(rate)

    whole = np.abs(librosa.stft(samples[:, 0], n_fft=length, hop_length=length // 2, center=False)).T ** 2

    scale = np.median(streamed[whole > whole.mean()] / whole[whole > whole.mean()])
    assert whole.shape == streamed.shape
    np.testing.assert_allclose(streamed, whole * scale, rtol=2e-3, atol=float(whole.max() * scale) * 1e-5)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"])
@pytest.mark.parametrize("channels", [1, 2, 8])
def test_samples_are_exactly_what_libsndfile_wrote(subtype: str, channels: int):
    """No scaling, dithering or resampling happens on the way to a measurement."""
    rng = np.random.default_rng(7)
    file = io.BytesIO()
    soundfile.write(file, rng.uniform(-1, 1, (16000, channels)), 16000, subtype=subtype, format="WAV")
    file.seek(0)
    expected, _ = soundfile.read(file, dtype="float32", always_2d=True)
    file.seek(0)

    assert np.array_equal(expected, decoded(file))

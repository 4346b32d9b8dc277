"""What an MP3 encoder leaves behind in a file that says nothing of it."""

import io

import av
import numpy as np
import pytest
import scipy.signal

from capture_validation.hybrid import EXCERPT, GRANULE, places
from tests.capture_validation.listening import clip, heard

NAME = "audio.mp3_history"


def through_mp3(samples, rate, bits=64000):
    """One channel out of an MP3, rounded to 16 bits as a WAV is."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as out:
        stream = out.add_stream("libmp3lame", rate=rate, layout="mono")
        stream.bit_rate = bits
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T, np.float32), "fltp", "mono")
        frame.sample_rate = rate
        for packet in (*stream.encode(frame), *stream.encode(None)):
            out.mux(packet)
    file.seek(0)
    with av.open(file) as media:
        parts = [frame.to_ndarray()[0] for frame in media.decode(audio=0)]
    return np.round(np.concatenate(parts) * 32768) / 32768


def music(seconds=4.0):
    """The trumpet's first seconds in one channel, which reach far above what MP3 keeps."""
    samples, rate = clip("music_trumpet_44k_stereo.ogg")
    return samples[: round(seconds * rate), :1], rate


@pytest.mark.parametrize("cut", [0, 1, 1000])
def test_an_mp3_shows_in_a_wav_wherever_its_grid_begins(cut):
    samples, rate = music()

    assert heard(NAME, samples, rate).value < 0.3
    assert heard(NAME, through_mp3(samples, rate)[cut:], rate).value > 1


def test_an_mp3_of_a_cd_shows_at_the_rate_of_a_film():
    samples, rate = music()
    turned = scipy.signal.resample_poly(through_mp3(samples, rate), 160, 147)

    assert heard(NAME, turned, 48000).value > 1


@pytest.mark.parametrize("name", ["speech_jfk_16k.wav", "speech_digits_en_44k.wav", "ambient_bear_48k.flac"])
def test_what_was_no_mp3_has_no_place_of_its_own(name):
    assert heard(NAME, *clip(name)).value < 0.3


def test_block_sizes_make_no_difference_however_many_excerpts_are_left_out():
    samples, rate = music(6.0)
    spoilt = through_mp3(samples, rate)

    whole, pieces = (heard(NAME, spoilt, rate, blocks=blocks).value for blocks in ([len(spoilt)], [333, 40000]))

    assert whole == pytest.approx(pieces, abs=1e-4)


@pytest.mark.parametrize(("rate", "seconds"), [(96000, 2.0), (44100, 0.02)])
def test_no_mp3_has_such_a_rate_or_so_few_samples(rate, seconds):
    samples = np.random.default_rng(3).normal(0, 0.1, round(rate * seconds))

    assert "not_applicable" == heard(NAME, samples, rate).status


def test_the_spectrum_is_that_of_the_standard():
    """A tone in the middle of line 100 fills that line and its neighbours, at each place and as loud."""
    tone = np.sin(np.pi * (100.5 / GRANULE) * np.arange(EXCERPT)).astype(np.float32)
    beyond = np.sin(np.pi * (400.5 / GRANULE) * np.arange(EXCERPT)).astype(np.float32)

    assert places(tone).min() - places(beyond).max() > 10

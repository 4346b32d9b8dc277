"""Recordings nobody would make on purpose: each gets a correct report or a clear refusal, and never an exception."""

import io
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from capture_validation.analysis import analyse
from capture_validation.profile import profile
from capture_validation.report import Report
from tests.capture_validation.made import sound, tone

NOISE = np.random.default_rng(4)


def report_on(samples: np.ndarray, rate: int = 16000, judged_by: str = "speech", subtype: str = "FLOAT") -> Report:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, subtype, format="WAV")
    return told(file.getvalue(), judged_by)


def told(content: bytes, judged_by: str = "speech") -> Report:
    return analyse(io.BytesIO(content), profile(judged_by))


def failed(report: Report) -> set[str]:
    return {check.name for check in report.failed}


def test_a_twentieth_of_a_second_is_too_short_and_nothing_else():
    report = report_on(NOISE.normal(0, 0.1, 800))

    assert {"audio.duration"} == failed(report)
    assert 0.05 == report.media.duration_s


def test_ten_minutes_of_silence_are_silent():
    """A few kilobytes of FLAC stand for them."""
    file = io.BytesIO()
    with av.open(file, "w", format="flac") as out:
        stream: Any = out.add_stream("flac", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000 * 60), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        for _ in range(10):
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))

    report = told(file.getvalue(), "ambient")

    assert 600 == report.media.duration_s
    assert {"audio.loudness"} == failed(report)
    assert "silent" == next(check.code for check in report.failed)


def test_white_noise_is_no_speech():
    report = report_on(NOISE.normal(0, 0.1, 48000))

    assert {"audio.speech"} == failed(report)


def test_a_full_scale_square_wave_is_overdriven():
    report = report_on(np.sign(np.sin(np.arange(48000) / 20 + 0.01)))

    assert {"audio.clipping", "audio.loudness"} <= failed(report)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused(value):
    samples = NOISE.normal(0, 0.1, 16000)
    samples[9000] = value

    assert "not-finite" == report_on(samples).rejection.code


def test_eight_channels_at_192_khz_are_measured():
    report = report_on(NOISE.normal(0, 0.05, (384_000, 8)), 192_000, "ambient")

    assert (192_000, 8) == (report.media.audio.sample_rate_hz, report.media.audio.channels)
    assert report.rejection is None
    assert "audio.duration" in {check.name for check in report.checks if check.status == "passed"}


def test_eight_channels_of_a_lossy_encoder_are_measured():
    """AAC comes in one plane a channel, and PyAV dies of the eighth."""
    file, rate = io.BytesIO(), 48_000
    with av.open(file, "w", format="ipod") as out:
        stream: Any = out.add_stream("aac", rate=rate, layout="7.1")
        frame = av.AudioFrame.from_ndarray(NOISE.normal(0, 0.05, (1, 8 * rate)).astype(np.float32), "flt", "7.1")
        frame.sample_rate = rate
        whole = av.AudioResampler(format="fltp", layout="7.1", rate=rate, frame_size=1024)
        for part in [*whole.resample(frame), *whole.resample(None)]:
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))

    report = told(file.getvalue(), "ambient")

    assert (rate, 8) == (report.media.audio.sample_rate_hz, report.media.audio.channels)
    assert report.rejection is None
    assert -60 < next(one.value for one in report.checks if one.name == "audio.loudness") < 0


def test_a_rate_that_changes_in_the_middle_is_told():
    """Two MP3 files glued together, the second at another rate: what follows the change cannot be measured."""
    slow, fast = (sound("mp3", "libmp3lame", tone(2.0, rate), rate, "s16p") for rate in (16_000, 44_100))

    report = told(slow + fast)

    assert report.rejection is not None or "audio.decodable" in {
        check.name for check in report.checks if check.status != "passed"
    }


def test_of_two_tracks_one_is_measured():
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as out:
        streams: list[Any] = [out.add_stream("pcm_s16le", rate=16000, layout="mono") for _ in range(2)]
        for stream, level in zip(streams, (1, 0), strict=True):
            frame = av.AudioFrame.from_ndarray((tone(2.0) * level)[None], "s16", "mono")
            frame.sample_rate = 16000
            out.mux(stream.encode(frame))

    report = told(file.getvalue(), "ambient")

    assert 2.0 == pytest.approx(report.media.duration_s, abs=0.01)
    assert -9 == pytest.approx(next(one.value for one in report.checks if one.name == "audio.loudness"), abs=1.5)


def test_a_header_that_claims_twice_as_much_tells_that_half_is_missing():
    """What is there is measured, and the contributor hears that the recording breaks off."""
    file = io.BytesIO()
    soundfile.write(file, NOISE.normal(0, 0.1, 48000), 16000, "PCM_16", format="WAV")
    content = bytearray(file.getvalue())
    place = content.index(b"data") + 4
    content[place : place + 4] = (2 * 96000).to_bytes(4, "little")

    report = told(bytes(content))

    broken = next(check for check in report.failed if check.name == "audio.decodable")
    assert (None, 3.0) == (report.rejection, report.media.duration_s)
    assert ("truncated", 3.0) == (broken.code, broken.parameters["missing_s"])


@pytest.mark.parametrize("length", [0, 1, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_header_without_a_true_length_hides_nothing(length):
    """A recorder that streams cannot know it; a length of a single byte still leaves one sample, or a reason."""
    file = io.BytesIO()
    soundfile.write(file, NOISE.normal(0, 0.1, 48000), 16000, "PCM_16", format="WAV")
    content = bytearray(file.getvalue())
    place = content.index(b"data") + 4
    content[place : place + 4] = length.to_bytes(4, "little")

    report = told(bytes(content))

    assert report.rejection is not None or report.media.duration_s in (3.0, 0.0) or "audio.duration" in failed(report)

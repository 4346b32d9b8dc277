"""Everything that phones, browsers and old cameras write is decoded to its end; what is not says which codec it is.

Vorbis, wide-band AMR and Dolby Vision, which cannot be encoded here, are in the real recordings.
"""

import io
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest

from capture_validation.analysis import analyse
from capture_validation.profile import Profile, profile

SECONDS, RATE = 2, 15
#: Container, encoder and format of the picture, encoder and rate of the sound, and what the report calls both.
KNOWN = [
    ("mp4", "libx264", "yuv420p", "aac", 44_100, ("h264", "aac")),
    ("mov", "libx265", "yuv420p", "pcm_s16le", 48_000, ("hevc", "pcm_s16le")),
    ("mp4", "libx265", "yuv420p10le", "aac", 48_000, ("hevc", "aac")),
    ("mp4", "libsvtav1", "yuv420p", "libopus", 48_000, ("av1", "opus")),
    ("3gp", "h263", "yuv420p", "libopencore_amrnb", 8_000, ("h263", "amr_nb")),
    ("3gp", "mpeg4", "yuv420p", "aac", 16_000, ("mpeg4", "aac")),
    ("webm", "libvpx", "yuv420p", "libopus", 48_000, ("vp8", "opus")),
    ("webm", "libvpx-vp9", "yuv420p", "libopus", 48_000, ("vp9", "opus")),
    ("matroska", "libx264", "yuv420p", "pcm_s16le", 48_000, ("h264", "pcm_s16le")),
    ("matroska", "libsvtav1", "yuv420p10le", "libopus", 48_000, ("av1", "opus")),
    ("matroska", "mpeg4", "yuv420p", "eac3", 48_000, ("mpeg4", "eac3")),
    ("avi", "mpeg4", "yuv420p", "pcm_s16le", 44_100, ("mpeg4", "pcm_s16le")),
    ("avi", "mjpeg", "yuvj420p", "pcm_u8", 8_000, ("mjpeg", "pcm_u8")),
]
UNKNOWN = [
    ("matroska", "mpeg2video", "yuv420p", "aac", 44_100), ("avi", "wmv2", "yuv420p", "pcm_s16le", 44_100),
    ("avi", "msmpeg4", "yuv420p", "pcm_s16le", 44_100), ("mp4", "mpeg2video", "yuv420p", "aac", 44_100),
    ("matroska", "ffv1", "yuv420p", "pcm_s16le", 48_000),
]  # fmt: skip


def film(container: str, pictures: str, pixels: str, sounds: str, rate: int) -> bytes:
    """Two seconds of moving noise at 176 × 144, which every one of these encoders can, with a tone."""
    file = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 256, (144, 176, 3), np.uint8)
    with av.open(file, "w", format=container) as out:
        stream: Any = out.add_stream(pictures, rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 176, 144, pixels
        stream.codec_context.options = {"libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
                                        "libsvtav1": {"preset": "12"}}.get(pictures, {})  # fmt: skip
        audio: Any = out.add_stream(sounds, rate=rate, layout="mono")
        for number in range(SECONDS * RATE):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(np.roll(noise, number, axis=1)))
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            out.mux(stream.encode(frame))
        tone = (8000 * np.sin(np.arange(SECONDS * rate) * 0.2)).astype(np.int16)[None]
        heard = av.AudioFrame.from_ndarray(tone, "s16", "mono")
        heard.sample_rate = rate
        for part in av.AudioResampler(audio.codec_context.format, "mono", rate).resample(heard):
            out.mux(audio.encode(part))
        out.mux(audio.encode(None))
        out.mux(stream.encode(None))
    return file.getvalue()


def rules() -> Profile:
    whole = profile("video")
    names = ("video.decodable", "audio.decodable", "video.duration")
    return Profile(whole.name, whole.version, whole.media, {name: whole.rules[name] for name in names})


@pytest.mark.parametrize(("container", "pictures", "pixels", "sounds", "rate", "called"), KNOWN)
def test_a_codec_is_decoded_to_its_end(
    container: str, pictures: str, pixels: str, sounds: str, rate: int, called: tuple[str, str]
):
    report = analyse(io.BytesIO(film(container, pictures, pixels, sounds, rate)), rules())

    assert report.media is not None, report.rejection
    assert report.media.video is not None
    assert report.media.audio is not None
    assert called == (report.media.video.codec, report.media.audio.codec)
    assert SECONDS == pytest.approx(report.media.duration_s, abs=0.2)
    assert {0.0} == {check.value for check in report.checks if check.name.endswith("decodable")}


@pytest.mark.parametrize(("container", "pictures", "pixels", "sounds", "rate"), UNKNOWN)
def test_a_codec_that_is_not_decoded_is_the_reason(container: str, pictures: str, pixels: str, sounds: str, rate: int):
    """The sound alone could be read; a film without its picture is none."""
    report = analyse(io.BytesIO(film(container, pictures, pixels, sounds, rate)), rules())

    assert report.rejection is not None
    assert "codec-unsupported" == report.rejection.code
    assert report.rejection.parameters["codec"]

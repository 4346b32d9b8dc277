"""Fingerprints that come out of the sandbox are the ones that a decoder in here would give."""

import pytest

from capture_validation.duplicates.printed import Printed, printed
from capture_validation.duplicates.recording import fingerprints
from capture_validation.errors import Unreadable
from tests.media import hostile, media


@pytest.mark.parametrize("name", ["speech_weather_16k.wav", "video_face_h264.mp4"])
def test_a_fingerprint_crosses_the_wall_unchanged(name: str):
    """Same content hash, same bytes of both tracks."""
    with media(name).open("rb") as file:
        inside = printed(file.fileno())
        direct = fingerprints(file)

    assert Printed.of(direct) == Printed.of(inside)


def test_a_file_that_is_no_recording_says_why():
    """The reason crosses the wall, too."""
    with hostile("51_hls_http.m3u8").open("rb") as file, pytest.raises(Unreadable) as reason:
        printed(file.fileno())

    assert "playlist" == reason.value.code

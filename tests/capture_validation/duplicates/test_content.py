"""Content hash: another wrapper is the same recording, another coding is not."""

import io

import av
import pytest

from capture_validation.duplicates.recording import fingerprints
from tests.media import media


def rewrapped(name, container, **metadata):
    """The same packets in another file."""
    made = io.BytesIO()
    with av.open(str(media(name)), metadata_errors="ignore") as held, av.open(made, "w", format=container) as new:
        new.metadata.update(metadata)
        streams = {
            stream.index: new.add_stream_from_template(stream) for stream in held.streams if stream.type != "data"
        }
        for packet in held.demux(*[held.streams[index] for index in streams]):
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                new.mux(packet)
    made.seek(0)
    return made


def content(file):
    return fingerprints(file).content


@pytest.mark.parametrize(
    ("name", "container"),
    [("video_face_h264.mp4", "matroska"), ("video_rabbit_320.mp4", "mov"), ("speech_zh.flac", "ogg")],
)
def test_another_wrapper_and_another_title_are_the_same_content(name, container):
    with media(name).open("rb") as file:
        assert content(file) == content(rewrapped(name, container, title="something else"))


def test_another_coding_of_the_same_sound_is_other_content():
    """That is for the fingerprints to find."""
    with media("speech_jfk_16k.wav").open("rb") as one, media("speech_jfk_16k.mp3").open("rb") as two:
        assert content(one) != content(two)

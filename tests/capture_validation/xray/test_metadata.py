"""What files tell by themselves is found wherever cameras and programs hide it, and values are never repeated."""

import io
import struct
from fractions import Fraction

import av
import msgspec
import numpy as np
import pytest

from capture_validation.decode import open_recording
from capture_validation.xray import Trace
from capture_validation.xray.looking import Looking
from capture_validation.xray.metadata import CAMCORDER, in_stream, kind_of
from capture_validation.xray.models import Models
from tests.capture_validation.made import video
from tests.media import all_media, media

NOBODY = Models(None, None)


def traces(data: bytes) -> set[Trace]:
    """Everything that a file tells; no network is asked."""
    file = io.BytesIO(data)
    looking = Looking(file, NOBODY)
    with open_recording(file) as recording:
        looking.start(recording)
        for part in recording.read():
            looking.feed(part)
        return set(looking.finish().traces)


@pytest.mark.parametrize("name", [name for name in all_media() if "gps" in name])
def test_a_phone_s_position_is_found(name: str):
    """These were filmed with the camera's location switched on."""
    assert "location" in {trace.kind for trace in traces(media(name).read_bytes())}


def test_the_make_and_the_motion_tracks_of_an_iphone_are_found():
    kinds = {trace.kind for trace in traces(media("video_bracelet_iphone_hevc_gps.mp4").read_bytes())}

    assert {"location", "device", "telemetry", "time", "software"} == kinds


def test_no_value_leaves_the_file():
    """A report that repeated the position would be one more place where it lies."""
    told = msgspec.json.encode(sorted(traces(media("video_face_h264.mp4").read_bytes())))

    assert b"location" in told
    assert b"40.6" not in told


def test_a_file_that_tells_nothing_has_no_traces():
    file = io.BytesIO()
    with av.open(file, "w", format="mp4", options={"fflags": "+bitexact"}) as out:
        stream = out.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        out.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        out.mux(stream.encode(None))

    assert set() == traces(file.getvalue())


def test_messages_of_the_encoder_inside_of_the_stream_are_found():
    """They survive copying into another container."""
    assert Trace("software", "message in the picture's stream") in traces(video("mp4", "libx264"))
    assert [Trace("location", "message in the picture's stream")] == [*in_stream(bytes(16) + b"GPSLatitude=1.2")]
    assert [Trace("words", "message in the picture's stream")] == [*in_stream(bytes(16) + b"Anna's camera")]
    assert [Trace("device", "message in the picture's stream")] == [*in_stream(CAMCORDER + b"MDPM\x01\xe0\x08\x02")]
    assert [] == [*in_stream(bytes(16) + b"\x01\x02\x03")]


def test_a_message_that_only_its_writer_can_read_tells_of_the_writer():
    """A Tesla says in one where it is; what Apple's and MainConcept's encoders write are times."""
    apple = bytes.fromhex("47564adc5c4c433f94efc5113cd143a8000000000004")
    driven = b"B" * 3 + b"i\x08\x01\x59" + struct.pack("<d", 47.3769) + b"\x61" + struct.pack("<d", 8.5417)

    assert ["location"] == [trace.kind for trace in in_stream(driven)]
    assert ["device"] == [trace.kind for trace in in_stream(bytes(16) + b"\x01\x02\xfe" * 4)]
    assert [] == [*in_stream(apple + b"=\xeex\x03\xee\x11\x11\xee\x02\x00"), *in_stream(bytes(64))]


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_exif_of_a_camera_s_jpegs_is_found_in_the_film_that_they_make(order: str):
    """Cameras before H.264 wrote films of JPEGs, each with its own EXIF; PyAV has no name for it and used to fail."""
    film = io.BytesIO()
    with av.open(film, "w", format="avi", options={"fflags": "+bitexact"}) as out:
        stream = out.add_stream("mjpeg", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuvj420p"
        picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))
        for packet in [*stream.encode(picture), *stream.encode(None)]:
            out.mux(with_exif(packet, positioned(order)))

    told = {trace.kind for trace in traces(film.getvalue()) if trace.where == "message in the picture's stream"}

    assert {"device", "location"} == told


def positioned(order: str) -> bytes:
    """EXIF of one entry, which points to a position that says no more than "north"."""
    entries = struct.pack(f"{order}HHHII", 1, 0x8825, 4, 1, 26), struct.pack(f"{order}HHHI4s", 1, 1, 2, 2, b"N\0\0\0")
    return (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8) + bytes(4).join(entries) + bytes(4)


def with_exif(packet: av.Packet, entry: bytes) -> av.Packet:
    """A JPEG with EXIF behind its first marker, at the same moment."""
    segment = b"Exif\0\0" + entry
    changed = av.Packet(bytes(packet)[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment
                        + bytes(packet)[2:])  # fmt: skip
    changed.stream, changed.time_base = packet.stream, packet.time_base
    changed.pts, changed.dts = packet.pts, packet.dts
    changed.is_keyframe = True
    return changed


def test_the_titles_of_chapters_are_words():
    film = io.BytesIO()
    with av.open(film, "w", format="matroska") as out:
        out.set_chapters([{"id": 1, "start": 0, "end": 100, "time_base": Fraction(1, 1000),
                           "metadata": {"title": "Anna's birthday"}}])  # fmt: skip
        stream = out.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        out.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        out.mux(stream.encode(None))

    assert Trace("words", "chapters") in traces(film.getvalue())


def test_a_track_of_timecode_is_no_track_of_positions():
    """Editing programs and action cameras add one; it counts frames."""
    film = io.BytesIO()
    with av.open(film, "w", format="mov", options={"fflags": "+bitexact"}) as out:
        stream = out.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        stream.metadata["timecode"] = "10:00:00:00"
        out.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        out.mux(stream.encode(None))
    with av.open(io.BytesIO(film.getvalue())) as opened:
        assert ["video", "data"] == [stream.type for stream in opened.streams]

    assert set() == traces(film.getvalue())


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("com.apple.quicktime.location.ISO6709", "location"),
        ("com.apple.quicktime.model", "device"),
        ("com.apple.quicktime.software", "software"),
        ("creation_time", "time"),
        ("com.apple.quicktime.displayname", "words"),
        ("firmware", "software"),
    ],
)
def test_a_field_is_known_by_its_name(name: str, kind: str):
    assert kind == kind_of(name)


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_a_track_that_nobody_looks_at_is_told(container: str):
    """A second camera's pictures lie in it, perhaps."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        streams = [out.add_stream("mpeg4", rate=10) for _ in range(2)]
        for stream in streams:
            stream.width = stream.height = 64
            stream.pix_fmt = "yuv420p"
        for stream in streams:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
            out.mux(stream.encode(None))

    assert Trace("words", "another video track") in traces(file.getvalue())
    assert "another video track" not in {trace.where for trace in traces(video(container))}


def spoken(line: bytes) -> bytes:
    """A Matroska film with one subtitle."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as out:
        stream = out.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        said = out.add_stream("ass")
        said.codec_context.subtitle_header = b"[Script Info]\nScriptType: v4.00+\n\n[Events]\nFormat: Text\n"
        out.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        packet = av.Packet(b"0,0,Default,,0,0,0,," + line)
        packet.pts, packet.dts, packet.duration, packet.time_base, packet.stream = 0, 0, 900, Fraction(1, 1000), said
        out.mux(packet)
        out.mux(stream.encode(None))
    return file.getvalue()


def test_a_position_in_the_subtitles_of_a_matroska_film_is_found():
    """A drone's film that a program put into another container."""
    place, words = Trace("location", "subtitle track"), Trace("words", "subtitle track")
    drone = traces(spoken(b"HOME(8.6500,47.3700) ISO:100"))

    assert {place, words} <= drone
    assert place not in traces(spoken(b"Hello"))

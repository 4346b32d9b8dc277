"""What files tell by themselves is found wherever cameras and programs hide it, and values are never repeated."""

import io
import struct

import av
import msgspec
import numpy as np
import pytest

from capture_validation.decode import open_recording
from capture_validation.xray import Trace
from capture_validation.xray.looking import Looking
from capture_validation.xray.metadata import XMP, in_boxes, in_stream, kind_of
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


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


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
    assert Trace("location", "message in the picture's stream") == in_stream(bytes(16) + b"GPSLatitude=1.2")
    assert Trace("words", "message in the picture's stream") == in_stream(bytes(16) + b"Anna's camera")
    assert in_stream(bytes(16) + b"\x01\x02\x03") is None


@pytest.mark.parametrize(
    ("packet", "kinds"),
    [
        (b"<exif:GPSLatitude>1</exif:GPSLatitude>", {"words", "location"}),
        (b"<tiff:Make>X</tiff:Make><xmp:CreatorTool>Y</xmp:CreatorTool>", {"words", "device", "software"}),
    ],
)
def test_xmp_is_found_in_both_places_where_it_may_lie(packet: bytes, kinds: set[str]):
    for hidden in (box(b"uuid", XMP + packet), box(b"moov", box(b"udta", box(b"XMP_", packet)))):
        assert kinds == {trace.kind for trace in in_boxes(io.BytesIO(hidden))}


def test_boxes_of_action_cameras_are_found():
    """GoPro keeps positions, its serial number and its lens in boxes of its own."""
    hidden = box(b"moov", box(b"udta", box(b"GPMF", b"x") + box(b"CAME", b"x") + box(b"loci", b"x")))

    assert {"telemetry", "device", "location"} == {trace.kind for trace in in_boxes(io.BytesIO(hidden))}


def test_a_structure_without_end_is_left_after_a_while():
    """Boxes in boxes, and a box that says it is longer than the file."""
    deep = b""
    for _ in range(100):
        deep = box(b"moov", deep)

    assert [] == list(in_boxes(io.BytesIO(deep + struct.pack(">I4s", 2**31, b"moov"))))
    assert [] == list(in_boxes(io.BytesIO(b"\0\0\0\3moov" * 10)))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("com.apple.quicktime.location.ISO6709", "location"),
        ("com.apple.quicktime.model", "device"),
        ("com.apple.quicktime.software", "software"),
        ("creation_time", "time"),
        ("com.apple.quicktime.displayname", "words"),
    ],
)
def test_a_field_is_known_by_its_name(name: str, kind: str):
    assert kind == kind_of(name)

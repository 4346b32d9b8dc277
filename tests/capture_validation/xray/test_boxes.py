"""What lies in boxes and chunks that no demuxer shows is found, whoever invented them, and a player's own are not."""

import io
import struct

import pytest

from capture_validation.xray import Trace
from capture_validation.xray.boxes import STREAMING, XMP, in_boxes
from capture_validation.xray.chunks import in_chunks


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack("<4sI", kind, len(content)) + content + bytes(len(content) % 2)


def user_data(*boxes: bytes) -> io.BytesIO:
    return io.BytesIO(box(b"moov", box(b"udta", b"".join(boxes))))


@pytest.mark.parametrize(
    ("packet", "kinds"),
    [
        (b"<exif:GPSLatitude>1</exif:GPSLatitude>", {"words", "location"}),
        (b"<tiff:Make>X</tiff:Make><xmp:CreatorTool>Y</xmp:CreatorTool>", {"words", "device", "software"}),
        (b"<xmpMM:History/>" * 9000 + b"<exif:GPSLatitude>1</exif:GPSLatitude>", {"words", "location"}),
    ],
)
def test_xmp_is_found_in_both_places_where_it_may_lie(packet: bytes, kinds: set[str]):
    """However long its history of edits is before the position comes."""
    for hidden in (box(b"uuid", XMP + packet), box(b"moov", box(b"udta", box(b"XMP_", packet)))):
        assert kinds == {trace.kind for trace in in_boxes(io.BytesIO(hidden))}


def test_boxes_of_action_cameras_are_found():
    """GoPro keeps positions, its serial number and its lens in boxes of its own."""
    hidden = user_data(box(b"GPMF", b"x"), box(b"CAME", b"x"), box(b"loci", b"x"))

    assert {"telemetry", "device", "location"} == {trace.kind for trace in in_boxes(hidden)}


@pytest.mark.parametrize(
    ("kind", "content", "told"),
    [
        (b"auth", b"\0\0\0\0\x15\xc7FLIR One\0", "words"),
        (b"date", b"2021-05-16T19:27:55Z", "time"),
        (b"TAGS", b"PENTAX DIGITAL CAMERA", "device"),
        (b"MUID", b"\x2a\xbb\x85\xc6", "device"),
        (b"\xa9csn", b"\0\x0d\x15\xc753HQ123456789", "device"),
    ],
)
def test_user_data_tells_of_its_writer_whether_anybody_knows_the_box_or_not(kind: bytes, content: bytes, told: str):
    assert [Trace(told, f"box {kind.decode('latin-1')}")] == [*in_boxes(user_data(box(kind, content)))]


@pytest.mark.parametrize(
    "content",
    [
        box(b"HMMT", bytes(64)),
        box(b"WLOC", b"\0\x58\0\x20"),
        box(b"\xa9TSC", b"2997"),
        box(b"\xa9nam", b"shown by the demuxer"),
    ],
)
def test_what_is_empty_or_for_players_tells_nothing(content: bytes):
    assert [] == [*in_boxes(user_data(content))]


def test_a_track_that_cameras_write_positions_into_tells_the_place():
    for name, kinds in ((b"gpmd", ["location"]), (b"djmd", ["location"]), (b"tmcd", []), (b"avc1", [])):
        table = box(b"stbl", box(b"stsd", struct.pack(">III", 0, 1, 16) + name))
        film = box(b"moov", box(b"trak", box(b"mdia", box(b"minf", table))))

        assert kinds == [trace.kind for trace in in_boxes(io.BytesIO(film))]


@pytest.mark.parametrize(
    ("measured", "kinds"),
    [(b"com.apple.quicktime.location.ISO6709", ["location"]), (b"com.apple.quicktime.detected-face", [])],
)
def test_a_track_of_an_iphone_s_measurements_says_what_they_are(measured: bytes, kinds: list[str]):
    keys = box(b"keys", box(b"\0\0\0\1", box(b"keyd", b"mdta" + measured)))
    entry = struct.pack(">I4s6xH", 16 + len(keys), b"mebx", 1) + keys
    film = box(b"moov", box(b"trak", box(b"mdia", box(b"stsd", struct.pack(">II", 0, 1) + entry))))

    assert kinds == [trace.kind for trace in in_boxes(io.BytesIO(film))]


def track(handler: bytes, sample: bytes, table: bytes = b"stco") -> io.BytesIO:
    """A film of one track with one stretch, which lies in front of the tables."""
    media = box(b"mdat", sample)
    begins = struct.pack(">III" if table == b"stco" else ">IIQ", 0, 1, 8)
    made_for = box(b"hdlr", bytes(8) + handler)
    return io.BytesIO(media + box(b"moov", box(b"trak", box(b"mdia", made_for + box(b"minf", box(table, begins))))))


@pytest.mark.parametrize(
    ("sample", "found"),
    [
        (b"F/2.8, ISO 100, GPS (8.5417, 47.3769, 15), H 1.5m", True),
        (b"[latitude: 47.376900] [longitude: 8.541700]", True),
        (b"$GPRMC,081754.00,A,4717.50000,N,00833.00000,E,0.049", True),
        (b"\0\0\0\x22\0\0\0\1+37.3349-122.0090+020.000/", True),
        (b"The GPS says left. It is latency, at 3.14.", False),
    ],
)
@pytest.mark.parametrize("table", [b"stco", b"co64"])
def test_positions_in_a_track_beside_sound_and_picture_are_found(sample: bytes, table: bytes, *, found: bool):
    """Drones write theirs into subtitles, which a person may well speak in, too."""
    for handler, where in ((b"sbtl", "subtitle track"), (b"meta", "data track")):
        assert [Trace("location", where)] * found == [*in_boxes(track(handler, sample, table))]
    assert [] == [*in_boxes(track(b"vide", sample, table))]


def test_positions_between_sound_and_picture_are_found_wherever_they_lie(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("capture_validation.xray.boxes.PIECE", 16)
    for before in range(32):
        film = box(b"mdat", bytes(before) + b"freeGPS \x4c\0\0\0" + bytes(40))
        assert [Trace("location", "between sound and picture")] == [*in_boxes(io.BytesIO(film))]
    assert [] == [*in_boxes(io.BytesIO(box(b"mdat", bytes(100))))]


def test_keys_of_a_single_track_are_found():
    """An iPad names its lens in the list of the picture's track alone."""
    name = b"mdtacom.apple.quicktime.camera.lens_model"
    keys = box(b"keys", struct.pack(">II", 0, 1) + struct.pack(">I", len(name) + 4) + name)
    hidden = box(b"moov", box(b"trak", box(b"meta", bytes(4) + keys)) + box(b"trak", box(b"meta", keys)))

    assert {Trace("device", "com.apple.quicktime.camera.lens_model")} == {*in_boxes(io.BytesIO(hidden))}


@pytest.mark.parametrize(
    ("content", "kinds"),
    [
        (b"IsoMedia File Produced with GPAC 0.4.5", ["software"]),
        (b"\0\0gps \x4c\0\0\0[1623057074211]$GPRMC,081754.00,A,4717.50000,N", ["location"]),
        (bytes(70_000) + b"$GPGGA,081754.00,4717.50000,N", ["location"]),
        (b"Anna's summer", ["words"]),
        (b"0" * 1000, []),
        (bytes(64), []),
        (b"", []),
    ],
)
def test_words_in_boxes_to_be_skipped_are_read(content: bytes, kinds: list[str]):
    """Players skip them; a dashboard camera keeps its positions there."""
    assert kinds == [trace.kind for trace in in_boxes(io.BytesIO(box(b"free", content)))]


def test_a_named_box_of_nobody_we_know_is_the_device_s_unless_it_is_for_streaming():
    for known in STREAMING:
        assert [] == [*in_boxes(io.BytesIO(box(b"uuid", known + b"x")))]
    assert [Trace("device", "box uuid")] == [*in_boxes(io.BytesIO(box(b"uuid", bytes(16) + b"x")))]


def test_exif_in_a_box_tells_where_it_was_when_it_has_a_position():
    entry = b"MM\0*\0\0\0\x08\0\x01\x88\x25\0\x04\0\0\0\x01\0\0\0\x1a\0\0\0\0"

    assert {"device"} == {trace.kind for trace in in_boxes(user_data(box(b"Exif", b"\0\0MM\0*\0\0\0\x08\0\0")))}
    assert {"device", "location"} == {trace.kind for trace in in_boxes(user_data(box(b"Exif", b"\0\0" + entry)))}


@pytest.mark.parametrize(("end", "kind"), [(b"SEFT", "device"), (b"8db42d694ccc418790edff439fe026bf", "telemetry")])
def test_what_is_appended_behind_the_last_box_is_found(end: bytes, kind: str):
    """A 360° camera's positions are no box of the film, so that no player sees them."""
    assert [Trace(kind, "end of the file")] == [*in_boxes(io.BytesIO(box(b"free", b"") + bytes(100) + end))]


def test_a_structure_without_end_is_left_after_a_while():
    """Boxes in boxes, and a box that says it is longer than the file."""
    deep = b""
    for _ in range(100):
        deep = box(b"moov", deep)

    assert [] == list(in_boxes(io.BytesIO(deep + struct.pack(">I4s", 2**31, b"moov"))))
    assert [] == list(in_boxes(io.BytesIO(b"\0\0\0\3moov" * 10)))
    assert [] == list(in_boxes(io.BytesIO(box(b"moov", box(b"keys", b"\0" * 4000)))))


@pytest.mark.parametrize(
    ("content", "kinds"),
    [
        (chunk(b"_PMX", b"<exif:GPSLatitude>1</exif:GPSLatitude>"), {"words", "location"}),
        (chunk(b"LIST", b"exif" + chunk(b"ecor", b"Ricoh")), {"device"}),
        (chunk(b"LIST", b"hdrl" + chunk(b"LIST", b"strl" + chunk(b"strd", b"AVIF\0FUJIFILM"))), {"device"}),
        (chunk(b"JUNK", b"PENTAX DIGITAL CAMERA"), {"words"}),
        (chunk(b"JUNK", b"odmldmlh\xf8\0\0\0" + bytes(248)), set()),
        (chunk(b"iXML", b"<BWFXML><LOCATION_GPS>1</LOCATION_GPS></BWFXML>"), {"words", "location"}),
        (chunk(b"idx1", b"00dcthis is an index"), set()),
    ],
)  # fmt: skip
def test_chunks_that_no_demuxer_shows_are_found(content: bytes, kinds: set[str]):
    assert kinds == {trace.kind for trace in in_chunks(io.BytesIO(b"RIFF\0\0\0\0AVI " + content))}


def test_chunks_without_end_are_left_after_a_while():
    deep = chunk(b"strd", b"x")
    for _ in range(20):
        deep = chunk(b"LIST", b"hdrl" + deep)

    assert [] == [*in_chunks(io.BytesIO(b"RIFF\0\0\0\0AVI " + deep))]
    assert [] == [*in_chunks(io.BytesIO(b"RIFF\0\0\0\0AVI " + bytes(100_000)))]

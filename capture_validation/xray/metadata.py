"""What a file tells by itself: where and when it was made, with what, by whom.

Containers say it in tags, tracks beside the sound and the picture, and boxes that players skip; encoders leave messages
inside the picture's own stream (H.264 and HEVC user data, ITU-T H.264, D.1.7), which survive copying into another
container. A trace names the field, never its value: a report that repeated a position would be one more place for it.

Known false alarms: `software` in almost every file; a title that a person typed counts as words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from av.container import InputContainer
from av.stream import Disposition

from capture_validation.containers.window import Window
from capture_validation.errors import Unreadable
from capture_validation.xray.findings import Trace, TraceKind

#: Fields by their names, the first match counts; everything that is no machinery of the container is words.
FIELDS: tuple[tuple[TraceKind, str], ...] = (
    ("location", r"location|latitude|longitude|gps|geo|\bxyz|place|city|country"),
    ("device", r"\bmake\b|model|manufacturer|serial|camera|lens|device|phone"),
    ("time", r"creation|date|\btime\b|year"),
    ("software", r"encode|software|tool|android\.version|writer|muxer|application|capture\.fps"),
)
MACHINERY = re.compile(
    r"major_brand|minor_version|compatible_brands|language|vendor_id|duration|bps|number_of_(frames|bytes)"
    r"|_statistics.*|(creation_)?timecode|alpha_mode|stereo_mode|rotate|vbi.*|replaygain.*|itunsmpb|itungapless",
    re.IGNORECASE,
)
#: What every muxer writes; other names of a handler tell which program or camera made the file.
NEUTRAL_HANDLERS = re.compile(r"\W*(video|sound|audio|subtitle|meta|data|text)? ?(media)? ?handler?\W*", re.IGNORECASE)
#: Boxes of MP4 and QuickTime (and GoPro's) that FFmpeg does not show as tags.
BOXES: dict[bytes, TraceKind] = {
    b"loci": "location", b"\xa9xyz": "location", b"GPMF": "telemetry", b"CAME": "device", b"LENS": "device",
    b"FIRM": "software", b"\xa9mak": "device", b"\xa9mod": "device", b"\xa9swr": "software", b"Exif": "device",
    b"exif": "device", b"thmb": "words", b"smta": "device", b"sefd": "device",
}  # fmt: skip
#: XMP in a box of its own (XMP Specification part 3, 2020, section 3.4).
XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
XMP_FIELDS: tuple[tuple[TraceKind, re.Pattern[bytes]], ...] = (
    ("location", re.compile(rb"GPS(Lat|Long)|LocationCreated|[Cc]ity>")),
    ("device", re.compile(rb"tiff:(Make|Model)|SerialNumber")),
    ("software", re.compile(rb"CreatorTool")),
    ("time", re.compile(rb"(Create|Modify)Date")),
)
NESTING = {b"moov", b"trak", b"udta", b"mdia", b"minf", b"moof"}
DEEPEST, MOST_BOXES = 6, 4000
#: A message in a video stream that can be read: at least this many letters in a row, after an identifier of 16 bytes.
LETTERS = re.compile(rb"[ -~]{8,}")
ENCODERS = re.compile(rb"x26[45]|Lavc|encoder|HandBrake|options:", re.IGNORECASE)


def tagged(media: InputContainer) -> Iterator[Trace]:
    """What the tags of a container and its tracks tell, and the tracks that are neither sound nor picture."""
    yield from of_fields(dict(media.metadata))
    for stream in media.streams:
        yield from of_fields(dict(stream.metadata))
        if stream.type in {"data", "attachment", "subtitle"}:
            kind: TraceKind = "telemetry" if stream.type == "data" else "words"
            yield Trace(kind, f"{stream.type} track")
        elif stream.disposition & Disposition.attached_pic:
            yield Trace("words", "cover picture")


def of_fields(fields: dict[str, str]) -> Iterator[Trace]:
    """What named fields tell; a field of the container's own machinery tells nothing."""
    for name, value in fields.items():
        if name == "handler_name":
            if not NEUTRAL_HANDLERS.fullmatch(value):
                yield Trace("software", name)
        elif value and not MACHINERY.fullmatch(name):
            yield Trace(kind_of(name), name)


def kind_of(name: str) -> TraceKind:
    """What a field of this name is about."""
    return next((kind for kind, pattern in FIELDS if re.search(pattern, name, re.IGNORECASE)), "words")


def in_stream(message: bytes) -> Trace | None:
    """What a message inside the picture's stream tells; None for numbers that only the camera's maker can read."""
    words = message[16:]
    if ENCODERS.search(words):
        return Trace("software", "message in the picture's stream")
    if re.search(rb"GPS|[Ll]atitude|[Ll]ongitude", words):
        return Trace("location", "message in the picture's stream")
    return Trace("words", "message in the picture's stream") if LETTERS.search(words) else None


def in_boxes(file: BinaryIO) -> Iterator[Trace]:
    """What boxes of an MP4 or QuickTime file tell that are no tags. The file's structure was recognised before."""
    window = Window(file)
    left = MOST_BOXES

    def walk(at: int, end: int, depth: int) -> Iterator[Trace]:
        nonlocal left
        while at + 8 <= end and left and depth < DEEPEST:
            left -= 1
            size, kind = window.unpack(">I4s", at)
            header = 8
            if size == 1 and at + 16 <= end:
                size, header = window.unpack(">Q", at + 8)[0], 16
            size = end - at if size == 0 else size
            if size < header:
                return
            yield from told_by(window, kind, at + header, min(at + size, end))
            if kind in NESTING:
                yield from walk(at + header, min(at + size, end), depth + 1)
            at += size

    try:
        yield from walk(0, window.size, 0)
    except Unreadable:
        # Cut off in the middle of a box: what was before it has been told.
        return


def told_by(window: Window, kind: bytes, at: int, end: int) -> Iterator[Trace]:
    """What one box tells."""
    if kind in BOXES:
        yield Trace(BOXES[kind], f"box {kind.decode('latin-1')}")
    elif kind == b"XMP_" or (kind == b"uuid" and window.read(at, 16) == XMP):
        packet = window.read(at, end - at)
        yield Trace("words", "XMP")
        yield from (Trace(found, "XMP") for found, pattern in XMP_FIELDS if pattern.search(packet))

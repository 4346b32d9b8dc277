"""What a file tells by itself: where and when it was made, with what, by whom.

Containers say it in tags, in tracks beside the sound and the picture, and in places that no demuxer shows (`boxes`,
`chunks`); encoders and cameras leave messages inside the picture's own stream (H.264 and HEVC user data, ITU-T H.264,
D.1.7, and the EXIF of a JPEG), which survive copying into another container. A trace names the field, never its value:
a report that repeated a position would be one more place for it.

Known false alarms: `software` in almost every file; a title that a person typed counts as words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from av.container import InputContainer
from av.stream import Disposition

from capture_validation.tracks import best
from capture_validation.xray.findings import Trace, TraceKind

#: Fields by their names, the first match counts; everything that is no machinery of the container is words.
FIELDS: tuple[tuple[TraceKind, str], ...] = (
    ("location", r"location|latitude|longitude|gps|geo|\bxyz|place|city|country"),
    ("device", r"\bmake\b|model|manufacturer|serial|camera|lens|device|phone"),
    ("time", r"creation|date|\btime\b|year"),
    ("software", r"encode|software|firmware|tool|android\.version|writer|muxer|application|capture\.fps"),
)
MACHINERY = re.compile(
    r"major_brand|minor_version|compatible_brands|language|vendor_id|duration|bps|number_of_(frames|bytes)"
    r"|_statistics.*|(creation_)?timecode|alpha_mode|stereo_mode|rotate|vbi.*|replaygain.*|itunsmpb|itungapless|.*pixeldensity",
    re.IGNORECASE,
)
#: What every muxer writes; other names of a handler tell which program or camera made the file.
NEUTRAL_HANDLERS = re.compile(
    r"\W*(video|sound|audio|subtitle|meta|data|text|time ?code)? ?(media)? ?handler?\W*", re.IGNORECASE
)
#: A message in a video stream that can be read: so many characters in a row, three letters among them.
LETTERS = re.compile(rb"(?=[ -~]*[A-Za-z]{3})[ -~]{8,}")
ENCODERS = re.compile(rb"x26[45]|Lav[cf]|encoder|HandBrake|VirtualDub|options:|packager|Produced with", re.IGNORECASE)
#: A position in words: what a receiver says (NMEA 0183), ISO 6709, or a number behind a word for it.
POSITION = re.compile(
    rb"\$G[A-Z]{4},|[+-]\d{2,}\.\d{2,}[+-]\d{3,}\.\d{2,}"
    rb"|(GPS|HOME|\b[Ll]at(itude)?|\b[Ll]o(ng?t?i?tude|ng?))\W{0,6}[+-]?\d{1,3}\.\d{2,}"
)
IN_STREAM = "message in the picture's stream"
#: Identifiers of messages that tell nothing: times of pictures, by Apple's and by MainConcept's encoders.
TIMES = {bytes.fromhex("47564adc5c4c433f94efc5113cd143a8"), bytes.fromhex("0387f44ecd0a4bdca1943ac3d49b171f")}
#: How the messages of a Tesla begin, which say where it is (`SeiMetadata` of teslamotors/dashcam).
DRIVEN = re.compile(rb"B{3,}i")
#: A message that nobody described tells of its writer from this many bytes on.
TELLING = 8
#: An AVCHD camcorder's settings, which hold its make and often a position (Modified Digital Video Pack Metadata).
CAMCORDER = bytes.fromhex("17ee8c60f84d11d98cd60800200c9a66")
#: How EXIF begins, and the entry that points to its position, in both orders of bytes (CIPA DC-008-2023, 4.6.3).
EXIF = (b"II*\0", b"MM\0*")
EXIF_POSITION = re.compile(rb"\x25\x88[\x04\x0d]\0\x01\0\0\0|\x88\x25\0[\x04\x0d]\0\0\0\x01")


def tagged(media: InputContainer) -> Iterator[Trace]:
    """What the tags of a container and its tracks tell, and the tracks that nobody looks at or listens to."""
    yield from of_fields(dict(media.metadata))
    shown = best(media.streams.video), best(media.streams.audio)
    for stream in media.streams:
        yield from of_fields(dict(stream.metadata))
        if stream.type in {"data", "attachment", "subtitle"} and "timecode" not in stream.metadata:
            kind: TraceKind = "telemetry" if stream.type == "data" else "words"
            yield Trace(kind, f"{stream.type} track")
        elif stream.disposition & Disposition.attached_pic:
            yield Trace("words", "cover picture")
        elif stream.type in {"video", "audio"} and stream not in shown:
            yield Trace("words", f"another {stream.type} track")
    if any(chapter["metadata"].get("title") for chapter in media.chapters()):
        yield Trace("words", "chapters")


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


def in_stream(message: bytes) -> Iterator[Trace]:
    """What a message inside the picture's stream tells; numbers that only the camera's maker can read tell of it.

    A message begins with an identifier of 16 bytes, unless it is the EXIF of a JPEG.
    """
    content = message[16:]
    if message.startswith(EXIF):
        yield from of_exif(message, IN_STREAM)
    elif message.startswith(CAMCORDER):
        yield Trace("device", IN_STREAM)
    elif DRIVEN.match(message):
        yield Trace("location", IN_STREAM)
    elif (kind := kind_of_words(content)) is not None:
        yield Trace(kind, IN_STREAM)
    elif len(content) >= TELLING and any(content) and message[:16] not in TIMES:
        yield Trace("device", IN_STREAM)


def of_exif(exif: bytes, where: str) -> Iterator[Trace]:
    """What EXIF tells: always of the camera, and of the place where it has an entry for that."""
    yield Trace("device", where)
    if EXIF_POSITION.search(exif):
        yield Trace("location", where)


def kind_of_words(content: bytes) -> TraceKind | None:
    """What bytes that nobody described are about, by the words in them; None where there are none."""
    if ENCODERS.search(content):
        return "software"
    if re.search(rb"GPS|[Ll]atitude|[Ll]ongitude", content) or POSITION.search(content):
        return "location"
    return "words" if LETTERS.search(content) else None

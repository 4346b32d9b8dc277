"""What the boxes of an MP4, QuickTime or 3GPP file tell that no demuxer shows as tags.

User data is a list that every maker adds boxes of its own to, and no table of them is ever complete. So whatever is in
it counts, but for what players need: what nobody knows was written by the device. XMP, EXIF and words that lie in boxes
to be skipped are looked for as well, positions in tracks that are neither sound nor picture and between the media of
dashboard cameras, and what cameras put behind the last box.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import BinaryIO

from capture_validation.containers.window import READ_LIMIT, Window
from capture_validation.errors import Unreadable
from capture_validation.xray.findings import Trace, TraceKind
from capture_validation.xray.metadata import EXIF, MACHINERY, POSITION, kind_of, kind_of_words, of_exif

#: Boxes that are known by their names, wherever they lie: 3GPP TS 26.244, 8.2, GoPro, Samsung, dashboard cameras.
BOXES: dict[bytes, TraceKind] = {
    b"loci": "location", b"\xa9xyz": "location", b"gps ": "location", b"GPMF": "telemetry", b"CAME": "device",
    b"LENS": "device", b"FIRM": "software", b"\xa9mak": "device", b"\xa9mod": "device", b"\xa9swr": "software",
    b"\xa9enc": "software", b"thmb": "words", b"smta": "device", b"sefd": "device", b"titl": "words", b"auth": "words",
    b"dscp": "words", b"perf": "words", b"gnre": "words", b"kywd": "words", b"albm": "words", b"cprt": "words",
    b"clsf": "words", b"coll": "words", b"clfn": "words", b"Xtra": "words", b"name": "words", b"chpl": "words",
    b"date": "time", b"yrrc": "time",
}  # fmt: skip
#: User data that players need, or that tells how to play: windows, loops, hints, timecode, loudness, tables.
PLAYERS = {
    b"meta", b"ilst", b"free", b"skip", b"WLOC", b"SelO", b"AllF", b"LOOP", b"ptv ", b"hnti", b"hinf", b"hinv", b"tsel",
    b"kind", b"ludt", b"strk", b"FIEL", b"ramf", b"XMP_", b"uuid", b"\xa9TIM", b"\xa9TSC", b"\xa9TSZ", b"cmID", b"cmnm",
}  # fmt: skip
#: Tags of QuickTime that the demuxer shows by itself.
SHOWN = {
    "ART", "PRD", "alb", "aut", "cmt", "com", "cpy", "day", "dir", "dis", "ed1", "enc", "fmt", "gen", "grp", "hst",
    "inf", "lyr", "mak", "mod", "nam", "ope", "prd", "prf", "req", "src", "st3", "swr", "too", "trk", "url", "wrn",
    "wrt", "xyz",
}  # fmt: skip
#: XMP in a box of its own (XMP Specification part 3, 2020, section 3.4).
XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
#: Boxes of Protected Interoperable File Format 1.3 (annex A) and of Smooth Streaming: keys and times of fragments.
STREAMING = {
    bytes.fromhex(name) for name in (
        "a2394f525a9b4f14a2446c427c648df4", "8974dbce7be74c5184f97148f9882554", "d08a4f1810f34a82b6c832d8aba183d3",
        "6d1d9b0542d544e680e2141daff757b2", "d4807ef2ca3946958e5426cb9e46a79f",
    )
}  # fmt: skip
XMP_FIELDS: tuple[tuple[TraceKind, re.Pattern[bytes]], ...] = (
    ("location", re.compile(rb"GPS(Lat|Long)|LocationCreated|[Cc]ity>")),
    ("device", re.compile(rb"tiff:(Make|Model)|SerialNumber")),
    ("software", re.compile(rb"CreatorTool")),
    ("time", re.compile(rb"(Create|Modify)Date")),
)
NESTING = {b"moov", b"trak", b"udta", b"mdia", b"minf", b"stbl", b"moof", b"meta"}
#: Boxes to be skipped: old tables and dashboard cameras' positions lie in them.
SKIPPED = {b"free", b"skip", b"ID32"}
DEEPEST, MOST_BOXES = 6, 4000
#: What is read of one box; positions in XMP come after long lists of edits.
MOST_READ, OVERLAP = 1 << 20, 64
#: How what is appended to a file ends: the index of a Samsung phone, the records of an Insta360 camera.
TRAILERS: dict[bytes, TraceKind] = {b"SEFT": "device", b"8db42d694ccc418790edff439fe026bf": "telemetry"}
#: Tracks in which cameras that know where they are write it: GoPro's GPMF, Google's Camera Motion Metadata, DJI, Sony.
POSITIONED = (b"gpmd", b"camm", b"djmd", b"dbgi", b"rtmd")
#: How an iPhone names what a track of measurements holds (QuickTime File Format, timed metadata sample descriptions).
MEASURED = re.compile(rb"keydmdta([\w.-]{1,200})")
#: Tables that tell what a track is for, what it holds, and where its stretches begin; and what subtitles are called.
TABLES = {b"hdlr", b"stsd", b"stco", b"co64"}
SUBTITLES = {b"sbtl", b"subt", b"text", b"clcp"}
#: Of a track that is neither sound nor picture so many stretches are read, and so many bytes of each.
STRETCHES, STRETCH = 8, 4096
#: How a block of positions begins that dashboard cameras put between sound and picture, and how much is read at once.
BETWEEN, PIECE = b"freeGPS ", 1 << 20


def in_boxes(file: BinaryIO) -> Iterator[Trace]:
    """What boxes tell that are no tags. The file's structure was recognised before."""
    window = Window(file)
    # Cut off in the middle of a box: what was before it has been told.
    with contextlib.suppress(Unreadable):
        yield from Boxes(window).told(0, window.size, b"", 0)
    if any(BETWEEN in piece for piece in pieces(file)):
        yield Trace("location", "between sound and picture")
    for end, kind in TRAILERS.items():
        if window.size > len(end) and Window(file).read(window.size - len(end), len(end)) == end:
            yield Trace(kind, "end of the file")


class Boxes:
    """A walk through the boxes of one file that visits a bounded number of them."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.left = MOST_BOXES
        #: What the track is for that is being walked through.
        self.handler = b""

    def told(self, at: int, end: int, parent: bytes, depth: int) -> Iterator[Trace]:
        """What the boxes between two positions tell, and those in them."""
        while at + 8 <= end and self.left and depth < DEEPEST:
            self.left -= 1
            size, kind = self.window.unpack(">I4s", at)
            header = 8
            if size == 1 and at + 16 <= end:
                size, header = self.window.unpack(">Q", at + 8)[0], 16
            size = end - at if size == 0 else size
            if size < header:
                return
            inside, after = at + header, min(at + size, end)
            yield from self.of_one(kind, inside, after, parent)
            if kind in NESTING:
                # The list of ISO/IEC 14496-12, 8.11.1, has a version first, the one of QuickTime has none.
                inside += 4 if kind == b"meta" and self.window.read(inside, 4) == bytes(4) else 0
                yield from self.told(inside, after, kind, depth + 1)
            at += size

    def of_one(self, kind: bytes, at: int, end: int, parent: bytes) -> Iterator[Trace]:
        """What one box tells."""
        where = f"box {kind.decode('latin-1')}"
        if kind in BOXES:
            yield Trace(BOXES[kind], where)
        elif kind in (b"Exif", b"exif"):
            content = self.window.read(at, READ_LIMIT)
            begins = [found for order in EXIF if (found := content.find(order)) >= 0]
            yield from of_exif(content[min(begins, default=0) :], where)
        elif kind == b"XMP_" or (kind == b"uuid" and self.window.read(at, 16) == XMP):
            yield from of_xmp(self.window, at, end)
        elif kind == b"keys":
            yield from self.of_keys(at, end)
        elif kind in SKIPPED:
            yield from self.of_words(at, end, where)
        elif kind in TABLES:
            yield from self.of_track(kind, at, end, parent)
        elif self.is_unknown(kind, at, end, parent):
            yield Trace("device", where)

    def is_unknown(self, kind: bytes, at: int, end: int, parent: bytes) -> bool:
        """Whether a box is user data, or named by a number, that nobody but its writer knows, and is not empty."""
        if kind == b"uuid":
            return self.window.read(at, 16) not in STREAMING
        # What a © begins is a tag, and the demuxer shows those that it knows.
        own = parent == b"udta" and kind not in PLAYERS and kind.removeprefix(b"\xa9").decode("latin-1") not in SHOWN
        return own and any(self.window.read(at, min(end - at, READ_LIMIT)))

    def of_words(self, at: int, end: int, where: str) -> Iterator[Trace]:
        """What a box to be skipped tells by the words in it; positions may come late, behind room that was kept."""
        if (about := kind_of_words(self.window.read(at, min(end - at, READ_LIMIT)))) is not None:
            yield Trace(about, where)
        for piece in range(at + READ_LIMIT - OVERLAP, min(end, at + MOST_READ), READ_LIMIT - OVERLAP):
            if POSITION.search(self.window.read(piece, min(READ_LIMIT, end - piece))):
                yield Trace("location", where)
                return

    def of_track(self, kind: bytes, at: int, end: int, parent: bytes) -> Iterator[Trace]:
        """What a table of a track tells that is neither sound nor picture: what it holds, and where it was."""
        if kind == b"hdlr":
            self.handler = self.window.read(at + 8, 4) if parent == b"mdia" else self.handler
        elif kind == b"stsd":
            held = [name.decode() for name in MEASURED.findall(self.window.read(at, min(end - at, READ_LIMIT)))]
            if self.window.read(at + 12, 4) in POSITIONED or "location" in map(kind_of, held):
                yield Trace("location", "data track")
        elif self.handler not in (b"vide", b"soun") and self.is_positioned(at, end, wide=kind == b"co64"):
            yield Trace("location", "subtitle track" if self.handler in SUBTITLES else "data track")

    def is_positioned(self, at: int, end: int, *, wide: bool) -> bool:
        """Whether the first stretches of a track, by the table of where they begin, hold positions in words."""
        size = 8 if wide else 4
        few = self.window.read(at + 8, min(end - at - 8, STRETCHES * size))
        begins = (int.from_bytes(few[first : first + size], "big") for first in range(0, len(few), size))
        return any(POSITION.search(self.window.read(begin, STRETCH)) for begin in begins)

    def of_keys(self, at: int, end: int) -> Iterator[Trace]:
        """What the names of QuickTime's metadata keys tell, those of single tracks too."""
        at += 8
        while at + 8 <= end and self.left:
            self.left -= 1
            size: int = self.window.unpack(">I", at)[0]
            name = self.window.read(at + 8, min(size - 8, 256)).decode("latin-1") if size > 8 else ""
            if name and not MACHINERY.fullmatch(name):
                yield Trace(kind_of(name), name)
            at += max(size, 8)


def of_xmp(window: Window, at: int, end: int) -> Iterator[Trace]:
    """What a packet of XMP tells, read in pieces."""
    yield Trace("words", "XMP")
    last = min(end, at + MOST_READ)
    for piece in range(at, last, READ_LIMIT - OVERLAP):
        packet = window.read(piece, min(READ_LIMIT, last - piece))
        yield from (Trace(found, "XMP") for found, pattern in XMP_FIELDS if pattern.search(packet))


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """The whole file, piece by piece, each with the end of the one before it."""
    file.seek(0)
    end = b""
    while piece := file.read(PIECE):
        yield end + piece
        end = piece[-len(BETWEEN) :]

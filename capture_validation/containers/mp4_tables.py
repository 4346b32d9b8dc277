"""The tables of one MP4 track: which codec, how many samples, and whether every count fits its box.

A decoder allocates what a table claims before it reads it: 691 bytes that claim 170 million samples cost
gigabytes. Section numbers are those of ISO/IEC 14496-12:2022.
"""

import math
from array import array
from dataclasses import dataclass, field

from capture_validation.capacity import Capacity
from capture_validation.containers.container import at_most, malformed, picture, sound
from capture_validation.containers.window import READ_LIMIT, Window
from capture_validation.errors import Unreadable

EDIT_LIMIT = 256
ENTRY_LIMIT = 16
PICTURE = {
    b"avc1", b"avc2", b"avc3", b"avc4", b"hvc1", b"hev1", b"dvh1", b"dvhe", b"dva1", b"dvav", b"vp08", b"vp09",
    b"av01", b"mp4v", b"s263", b"h263", b"H263", b"jpeg", b"mjpa", b"mjpb",
    b"apch", b"apcn", b"apcs", b"apco", b"ap4h", b"ap4x",
}  # fmt: skip
COMPRESSED_SOUND = {
    b"mp4a", b"samr", b"sawb", b"alac", b"fLaC", b"Opus", b".mp3", b"ms\x00U", b"mp3 ", b"ima4", b"ms\x00\x11",
    b"ms\x00\x02", b"ac-3", b"ec-3",
}  # fmt: skip
PCM = {
    b"sowt", b"twos", b"lpcm", b"in24", b"in32", b"fl32", b"fl64", b"raw ", b"NONE", b"ulaw", b"alaw", b"ipcm",
    b"fpcm", b"s16l",
}  # fmt: skip
# Bytes of one entry of tables that start with version, flags and a count (8.6.1, 8.6.2, 8.7.4, 8.7.5).
ENTRY_BYTES = {b"stts": 8, b"ctts": 8, b"stsc": 12, b"stco": 4, b"co64": 8, b"stss": 4, b"stps": 4}


@dataclass
class Track:
    """One `trak` box while it is read: handler, codec four-character codes, samples, picture size in pixels."""

    handler: bytes = b""
    codecs: list[bytes] = field(default_factory=list)
    samples: int = 0
    constant_size: bool = False
    width: int = 0
    height: int = 0

    @property
    def decodable(self) -> bool:
        """Whether a codec of the track is one this library decodes."""
        known = PICTURE if self.handler == b"vide" else PCM | COMPRESSED_SOUND
        return any(codec in known for codec in self.codecs)

    @property
    def is_still(self) -> bool:
        """Whether this is one picture, as podcasts show beside a chapter of sound; a film of fragments claims none."""
        return self.samples == 1 and self.codecs == [b"jpeg"]

    @property
    def codec_name(self) -> str:
        """The codec for a message to the contributor."""
        return self.codecs[0].decode("latin-1").strip("\x00 ") if self.codecs else "unknown"

    @property
    def packets(self) -> int:
        """Packets of compressed media. PCM counts every sample as one and is bounded by its bytes instead."""
        return 0 if self.constant_size and any(codec in PCM for codec in self.codecs) else self.samples


def read_table(window: Window, kind: bytes, at: int, end: int, track: Track, capacity: Capacity) -> None:
    """Take what matters of one box inside `trak`; boxes of other kinds are passed over."""
    if kind == b"hdlr" and not track.handler:
        # A `hdlr` also stands in `minf` and in metadata; the first of a track is the one of `mdia`.
        track.handler = window.exactly(at + 8, 4)
    elif kind == b"stsd":
        _sample_descriptions(window, at, end, track, capacity)
    elif kind == b"dref":
        _data_references(window, at, end)
    elif kind == b"elst":
        _edits(window, at, end)
    elif kind in (b"stsz", b"stz2"):
        _sample_sizes(window, kind, at, end, track)
    elif kind in ENTRY_BYTES:
        _entries(window, kind, at, end, track, capacity)


def _sample_descriptions(window: Window, at: int, end: int, track: Track, capacity: Capacity) -> None:
    """Codecs, picture size and sample rate (8.5.2; QuickTime File Format, sound sample description)."""
    count = window.unpack(">I", at + 4)[0]
    at_most("sample descriptions", count, ENTRY_LIMIT)
    at += 8
    for _ in range(count):
        size, codec = window.unpack(">I4s", at)
        if size < 16 or at + size > end:
            raise malformed("stsd", size)
        track.codecs.append(codec)
        if track.handler == b"vide" and size >= 36:
            width, height = window.unpack(">HH", at + 32)
            picture(width, height, capacity)
            track.width, track.height = max(track.width, width), max(track.height, height)
        elif track.handler == b"soun" and size >= 36:
            _sound_description(window, at, codec, capacity)
        at += size


def _sound_description(window: Window, at: int, codec: bytes, capacity: Capacity) -> None:
    version, channels, rate = window.unpack(">16xH6xH6xH2x", at)
    if version == 2:
        rate, channels = window.unpack(">dI", at + 40)
        if not math.isfinite(rate):
            raise malformed("sample rate")
    if codec in PCM:
        sound(rate, channels, capacity)
    # For compressed sound the field is a hint only: 16 bits cannot hold 96 kHz and writers leave 0 there.
    at_most("sample_rate", rate, capacity.sample_rate_max)
    at_most("channels", channels, capacity.channels)


def _data_references(window: Window, at: int, end: int) -> None:
    """Raises Unreadable when media are said to lie in another file (8.7.2).

    The flag 1 says "in this file"; iPhones write it with an empty alias (`alis`) instead of an empty `url `.
    """
    count = window.unpack(">I", at + 4)[0]
    at_most("data references", count, ENTRY_LIMIT)
    at += 8
    for _ in range(count):
        size, kind, flags = window.unpack(">I4sI", at)
        if size < 12 or at + size > end:
            raise malformed("dref", size)
        if not flags & 1 and size > 12:
            raise Unreadable("external-reference", what=kind.decode("latin-1"))
        at += size


def _edits(window: Window, at: int, end: int) -> None:
    """An edit list (8.6.6). Phones write one to three entries; a decoder's cost grows with entries x samples."""
    version, count = window.unpack(">B3xI", at)
    if count * (20 if version == 1 else 12) > end - at - 8:
        raise malformed("elst", count)
    at_most("edits", count, EDIT_LIMIT)


def _sample_sizes(window: Window, kind: bytes, at: int, end: int, track: Track) -> None:
    """Samples of the track (8.7.3); a common size needs no table and so has no other bound than the limit."""
    size, count = window.unpack(">II", at + 4)
    bits = (size & 0xFF) if kind == b"stz2" else 0 if size else 32
    if count * bits > (end - at - 12) * 8:
        raise malformed(kind.decode(), count)
    track.samples += count
    track.constant_size = kind == b"stsz" and size > 0


def _entries(window: Window, kind: bytes, at: int, end: int, track: Track, capacity: Capacity) -> None:
    count = window.unpack(">I", at + 4)[0]
    if count * ENTRY_BYTES[kind] > end - at - 8:
        raise malformed(kind.decode(), count)
    at_most("packets", count, capacity.packets)
    # Run lengths are expanded to one entry per sample by the decoder, so their sum counts, not their number.
    if kind in (b"stts", b"ctts") and not any(codec in PCM for codec in track.codecs):
        at_most("packets", _sum_of_runs(window, at + 8, count), capacity.packets)


def _sum_of_runs(window: Window, at: int, count: int) -> int:
    """Sum of the run lengths of `count` pairs (run length, value)."""
    total, end = 0, at + count * 8
    while at < end:
        pairs = array("I", window.exactly(at, min(end - at, READ_LIMIT)))
        pairs.byteswap()
        total += sum(pairs[::2])
        at += len(pairs) * pairs.itemsize
    return total

"""Ogg (RFC 3533) with Opus (RFC 7845), Vorbis (Vorbis I, 4.2) or FLAC inside.

The streams stand in the first pages; the end of the last page says how long the recording claims to be, which
is how ten hours of Opus silence in one megabyte are refused before a sample is decoded.
"""

import struct
from typing import NamedTuple

from capture_validation.capacity import Capacity
from capture_validation.containers.container import Container, at_most, malformed, sound
from capture_validation.containers.flac import STREAMINFO_SIZE, streaminfo
from capture_validation.containers.window import READ_LIMIT, Window
from capture_validation.errors import Unreadable

FIRST_PAGE = 0x02
OPUS_RATE = 48_000
UNKNOWN = 0xFFFFFFFFFFFFFFFF
#: Comments may hold a picture of some megabytes, in pages of 64 kB; 255 packets of 120 ms are the longest page.
HEADER_PAGES, LONGEST_PAGE_S = 256, 31.0


class Clock(NamedTuple):
    """How a stream counts: granules per second, and those at the start that no player plays (RFC 7845, 4.2)."""

    rate: int
    skipped: int = 0


class Page(NamedTuple):
    """One page: header flags, end position in samples of the stream, stream number, content and total length."""

    flags: int
    granule: int
    serial: int
    at: int
    size: int
    end: int


def is_ogg(head: bytes) -> bool:
    """Whether the file starts with an Ogg page of version 0."""
    return head[:5] == b"OggS\x00"


def recognise_ogg(window: Window, capacity: Capacity) -> Container:
    """An Ogg file with a sound stream that can be decoded. Raises Unreadable otherwise."""
    clocks: dict[int, Clock] = {}
    unknown: list[str] = []
    at = 0
    # All first pages of all streams stand before any other page (RFC 3533, section 4).
    while (page := _page(window, at)) and page.flags & FIRST_PAGE:
        at_most("tracks", len(clocks) + len(unknown) + 1, capacity.tracks)
        head = window.read(page.at, min(page.size, 64))
        if clock := _stream(head, capacity):
            clocks[page.serial] = clock
        else:
            unknown.append(head[:8].decode("latin-1"))
        at = page.end
    if not clocks:
        raise Unreadable("codec-unsupported" if unknown else "truncated", codec=unknown[0] if unknown else "")
    seconds, cut = _last_page(window, clocks)
    if seconds is not None:
        seconds = max(seconds - _begins_s(window, at, clocks), 0.0)
    at_most("duration_s", seconds or 0.0, capacity.audio_duration_s)
    return Container(
        format="ogg",
        kind="audio",
        media_type="audio/ogg",
        size_bytes=window.size,
        claimed_duration_s=seconds,
        incomplete=cut,
    )


def _page(window: Window, at: int) -> Page | None:
    head = window.read(at, 27)
    if len(head) < 27 or head[:5] != b"OggS\x00":
        return None
    flags, granule, serial, segments = struct.unpack("<5xBQI8xB", head)
    lacing = window.read(at + 27, segments)
    if len(lacing) < segments:
        return None
    start = at + 27 + segments
    return Page(flags, granule, serial, start, sum(lacing), start + sum(lacing))


def _stream(head: bytes, capacity: Capacity) -> Clock | None:
    """The clock of a stream by its first packet; None for a stream that is not decoded here."""
    if head.startswith(b"OpusHead") and len(head) >= 19:
        sound(OPUS_RATE, head[9], capacity)
        return Clock(OPUS_RATE, int.from_bytes(head[10:12], "little"))
    if head.startswith(b"\x01vorbis") and len(head) >= 30:
        channels, rate = struct.unpack_from("<BI", head, 11)
        sound(rate, channels, capacity)
        return Clock(rate)
    # Ogg mapping of FLAC: marker, version, count, then "fLaC", a block header and STREAMINFO.
    if head.startswith(b"\x7fFLAC") and len(head) >= 17 + STREAMINFO_SIZE:
        block = head[17 : 17 + STREAMINFO_SIZE]
        streaminfo(block, capacity)
        return Clock(int.from_bytes(block[10:13], "big") >> 4)
    if head.startswith((b"OpusHead", b"\x01vorbis", b"\x7fFLAC")):
        raise malformed("stream header")
    return None


def _begins_s(window: Window, at: int, clocks: dict[int, Clock]) -> float:
    """Where the end of the first page of sound stands, in seconds, if no page is that long; else 0.

    What was cut out of a running transmission counts on from there (RFC 7845, 4.5). Where it begins within that length,
    the demuxer knows better, because it looks into the page.
    """
    for _ in range(HEADER_PAGES):
        page = _page(window, at)
        if page is None:
            return 0.0
        if page.serial in clocks and page.granule not in (0, UNKNOWN):
            seconds = page.granule / clocks[page.serial].rate
            return seconds if seconds > LONGEST_PAGE_S else 0.0
        at = page.end
    return 0.0


def _last_page(window: Window, clocks: dict[int, Clock]) -> tuple[float | None, bool]:
    """Seconds at the end of the last page, and whether that page is cut off.

    It is found by the capture pattern in the last 64 kB (RFC 3533, section 3).
    """
    start = max(window.size - READ_LIMIT, 0)
    tail = window.read(start, READ_LIMIT)
    found = len(tail)
    while (found := tail.rfind(b"OggS\x00", 0, found)) >= 0:
        page = _page(window, start + found)
        if page and page.granule != UNKNOWN and page.serial in clocks:
            rate, skipped = clocks[page.serial]
            return max(page.granule - skipped, 0) / rate, page.end > window.size
    return None, False

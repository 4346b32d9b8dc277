"""Core Audio Format (Apple, Core Audio Format Specification 1.0): recordings of iOS and macOS apps."""

import math
from typing import NamedTuple

from capture_validation.capacity import Capacity
from capture_validation.containers.container import Container, at_most, claimed_s, malformed, sound
from capture_validation.containers.window import Window
from capture_validation.errors import Unreadable

CHUNK_LIMIT = 256
PCM = {b"lpcm", b"ulaw", b"alaw"}
COMPRESSED = {b"aac ", b"alac", b"ima4", b"opus", b".mp3", b".mp1", b".mp2", b"samr", b"flac"}


def is_caf(head: bytes) -> bool:
    """Whether the file starts as a CAF of version 1 or 2."""
    return head[:4] == b"caff" and head[4:6] in (b"\x00\x01", b"\x00\x02")


def recognise_caf(window: Window, capacity: Capacity) -> Container:
    """A CAF file. Raises Unreadable when it is not one that may be decoded."""
    at, seconds, layout, available, cut = 8, None, None, 0, False
    for _ in range(CHUNK_LIMIT):
        if at + 12 > window.size:
            break
        name, size = window.unpack(">4sq", at)
        if size < 0 and name != b"data":
            raise malformed("chunk size", size)
        if name == b"desc":
            layout = _description(window, at + 12, capacity)
        elif name == b"pakt" and layout and not layout.bytes_per_second:
            seconds = _packets(window, at + 12, layout.sample_rate, capacity)
        elif name == b"data" and layout:
            # The data chunk starts with a four-byte edit count; a length of -1 means "to the end of the file".
            available = window.size - at - 16
            cut = size - 4 > available
            # Of compressed sound only the table knows how long it is, and it may stand on either side.
            seconds = claimed_s(size - 4, available, layout.bytes_per_second, capacity) or seconds
        if size < 0:
            break
        at += 12 + size
    if layout is None or available <= 0:
        raise Unreadable("empty")
    if layout.needs_packets and seconds is None:
        # The table is written last, so a recorder that was interrupted leaves packets nobody can tell apart.
        raise Unreadable("truncated", what="pakt")
    return Container(
        format="caf",
        kind="audio",
        media_type="audio/x-caf",
        size_bytes=window.size,
        claimed_duration_s=seconds,
        incomplete=cut,
    )


class Layout(NamedTuple):
    """The `desc` chunk: Hz, bytes per second (0 for compressed sound), and whether packets differ in size."""

    sample_rate: float
    bytes_per_second: float
    needs_packets: bool


def _description(window: Window, at: int, capacity: Capacity) -> Layout:
    rate, codec, _flags, packet_bytes, packet_frames, channels, bits = window.unpack(">d4sIIIII", at)
    if not math.isfinite(rate):
        raise malformed("sample rate")
    sound(rate, channels, capacity)
    if codec in COMPRESSED:
        return Layout(rate, 0.0, needs_packets=packet_bytes == 0)
    if codec not in PCM:
        raise Unreadable("codec-unsupported", codec="CAF " + codec.decode("latin-1"))
    if packet_frames != 1 or not 0 < packet_bytes <= 8 * channels or bits > 64:
        raise malformed("bytes per packet", packet_bytes)
    return Layout(rate, rate * packet_bytes, needs_packets=False)


def _packets(window: Window, at: int, rate: float, capacity: Capacity) -> float:
    """Seconds claimed by the packet table."""
    packets, frames = window.unpack(">qq", at)
    at_most("packets", packets, capacity.packets)
    at_most("duration_s", frames / rate, capacity.audio_duration_s)
    if packets < 0 or frames < 0:
        raise malformed("packets", packets)
    return float(frames / rate)

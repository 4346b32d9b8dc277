"""WAV: RIFF/WAVE (Microsoft Multimedia Standards Update 3.0, 1994), RF64 (EBU Tech 3306) and Wave64.

Field recorders and browsers write WAV with many extra chunks (JUNK, bext, LIST, cue) and, while streaming, with
an unknown data length; all of that is accepted. Refused are rates and channel counts no microphone has.
"""

from collections.abc import Iterator
from typing import NamedTuple

from capture_validation.capacity import Capacity
from capture_validation.containers.container import Container, claimed_s, is_open_ended, malformed, sound
from capture_validation.containers.window import Window
from capture_validation.errors import Unreadable

CHUNK_LIMIT = 256
#: Less than this (s) behind the sound is no part of it that somebody would miss.
UNPLAYED_S = 0.5
TAGS = (b"ID3", b"TAG", b"APE")
PCM, FLOAT, EXTENSIBLE = 0x0001, 0x0003, 0xFFFE
# WAVE_FORMAT tags (RFC 2361) of what recorders and telephone systems write, besides plain PCM and float.
ALAW, MULAW, MS_ADPCM, IMA_ADPCM, GSM, MPEG, MP3 = 0x0006, 0x0007, 0x0002, 0x0011, 0x0031, 0x0050, 0x0055
COMPRESSED = {MS_ADPCM, IMA_ADPCM, GSM, MPEG, MP3}
# A Wave64 chunk is named by a GUID: four letters and this tail, or for `riff` and `list` another one.
W64_RIFF = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
W64_TAIL = b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"


class Chunk(NamedTuple):
    """One chunk: its four letters, where its content starts and the content length it claims (bytes)."""

    name: bytes
    at: int
    size: int


def recognise_wav(window: Window, capacity: Capacity) -> Container:
    """A RIFF/WAVE or RF64 file. Raises Unreadable when it is not one that may be decoded."""
    data_size = None
    rate = None
    for chunk in riff_chunks(window, 12):
        if chunk.name == b"ds64":
            data_size = int(window.unpack("<Q", chunk.at + 8)[0])
        elif chunk.name == b"fmt ":
            rate = _format(window, chunk, capacity)
        elif chunk.name == b"data":
            if rate is None:
                raise malformed("fmt", "after data")
            size = data_size if data_size is not None and chunk.size == 0xFFFFFFFF else chunk.size
            return _wav(window, "wav", Chunk(chunk.name, chunk.at, size), rate, capacity)
    raise Unreadable("truncated", what="data")


def recognise_w64(window: Window, capacity: Capacity) -> Container:
    """A Sony Wave64 file, which some field recorders write beyond 4 GB."""
    rate = None
    for chunk in _w64_chunks(window):
        if chunk.name == b"fmt ":
            rate = _format(window, chunk, capacity)
        elif chunk.name == b"data":
            if rate is None:
                raise malformed("fmt", "after data")
            return _wav(window, "w64", chunk, rate, capacity)
    raise Unreadable("truncated", what="data")


def riff_chunks(window: Window, at: int, end: int | None = None) -> Iterator[Chunk]:
    """The chunks from position `at` on, padded to even lengths; at most `CHUNK_LIMIT` of them."""
    end = window.size if end is None else min(end, window.size)
    for _ in range(CHUNK_LIMIT):
        if at + 8 > end:
            return
        name, size = window.unpack("<4sI", at)
        yield Chunk(name, at + 8, size)
        at += 8 + size + (size & 1)
    raise malformed("chunks", CHUNK_LIMIT)


def _w64_chunks(window: Window) -> Iterator[Chunk]:
    at = 40
    for _ in range(CHUNK_LIMIT):
        if at + 24 > window.size:
            return
        guid, size = window.unpack("<16sQ", at)
        if size < 24:
            raise malformed("chunk size", size)
        yield Chunk(guid[:4] if guid[4:] == W64_TAIL else b"", at + 24, size - 24)
        at += size + (-size % 8)
    raise malformed("chunks", CHUNK_LIMIT)


def _format(window: Window, chunk: Chunk, capacity: Capacity) -> float:
    """Bytes per second of the sound, from the `fmt ` chunk; 0 where a writer of compressed sound left it out."""
    tag, channels, rate, byte_rate, align, bits = window.unpack("<HHIIHH", chunk.at)
    if tag == EXTENSIBLE:
        # The real tag is the start of the sub-format GUID (WAVEFORMATEXTENSIBLE, 24 bytes into the chunk).
        tag = window.unpack("<H", chunk.at + 24)[0] if chunk.size >= 40 else PCM
    sound(rate, channels, capacity)
    if tag in COMPRESSED:
        return float(byte_rate if byte_rate >= 100 else 0)
    if tag not in (PCM, FLOAT, ALAW, MULAW):
        raise Unreadable("codec-unsupported", codec=f"WAVE format 0x{tag:04x}")
    width = align // channels
    if bits not in (8, 12, 16, 20, 24, 32, 64) or width * 8 < bits or width > 8 or align % channels:
        raise malformed("bits per sample", bits)
    return float(rate * align)


def _unplayed(window: Window, data: Chunk, bytes_per_second: float) -> int:
    """Bytes behind the sound that are no chunks, or a second file: more of it than its length says; 0 for little."""
    at = data.at + data.size + (data.size & 1)
    for chunk in riff_chunks(window, at):
        at, name = chunk.at - 8, chunk.name
        if not any(name) or name[:3] in TAGS:
            # Some writers fill a file up with zeros, and some taggers write behind its end.
            return 0
        if name == b"RIFF" or not all(0x20 <= letter < 0x7F for letter in name):
            break
        at = chunk.at + chunk.size
    left = window.size - at
    return left if left >= UNPLAYED_S * bytes_per_second > 0 else 0


def _wav(window: Window, name: str, data: Chunk, bytes_per_second: float, capacity: Capacity) -> Container:
    available = window.size - data.at
    if name == "wav" and not is_open_ended(data.size):
        data = data._replace(size=data.size + _unplayed(window, data, bytes_per_second))
    return Container(
        format=name,
        kind="audio",
        media_type="audio/wav",
        size_bytes=window.size,
        claimed_duration_s=claimed_s(data.size, available, bytes_per_second, capacity),
        incomplete=not is_open_ended(data.size) and data.size > available,
    )


def is_w64(head: bytes) -> bool:
    """Whether the file starts as Wave64."""
    return head.startswith(W64_RIFF)


def is_wav(head: bytes) -> bool:
    """Whether the file starts as RIFF/WAVE or RF64/WAVE."""
    return head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE"

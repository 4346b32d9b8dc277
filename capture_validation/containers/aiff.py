"""AIFF and AIFF-C (Apple, Audio Interchange File Format 1.3, 1989; AIFF-C draft, 1991)."""

import math

from capture_validation.capacity import Capacity
from capture_validation.containers.container import Container, at_most, malformed, sound
from capture_validation.containers.window import Window
from capture_validation.errors import Unreadable

CHUNK_LIMIT = 256
# Compression types of sound that is stored as samples, with their bits where the COMM field does not tell.
COMPRESSIONS = {
    b"NONE", b"twos", b"sowt", b"raw ", b"in24", b"in32", b"fl32", b"FL32", b"fl64", b"FL64",
    b"ulaw", b"ULAW", b"alaw", b"ALAW", b"ima4",
}  # fmt: skip


def is_aiff(head: bytes) -> bool:
    """Whether the file starts as FORM/AIFF or FORM/AIFC."""
    return head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC")


def recognise_aiff(window: Window, capacity: Capacity) -> Container:
    """An AIFF file. Raises Unreadable when it is not one that may be decoded."""
    compressed = window.read(8, 4) == b"AIFC"
    at, seconds, has_sound, cut = 12, None, False, False
    for _ in range(CHUNK_LIMIT):
        if at + 8 > window.size:
            break
        name, size = window.unpack(">4sI", at)
        if name == b"COMM":
            seconds = _common(window, at + 8, compressed, capacity)
        elif name == b"SSND":
            has_sound = at + 16 < window.size
            cut = at + 8 + size > window.size
        at += 8 + size + (size & 1)
    if seconds is None:
        raise Unreadable("truncated", what="COMM")
    if not has_sound:
        raise Unreadable("empty")
    return Container(
        format="aiff",
        kind="audio",
        media_type="audio/aiff",
        size_bytes=window.size,
        claimed_duration_s=seconds,
        incomplete=cut,
    )


def _common(window: Window, at: int, compressed: bool, capacity: Capacity) -> float:
    """Seconds claimed by the COMM chunk."""
    channels, frames, bits, exponent, mantissa = window.unpack(">hIhHQ", at)
    rate = extended(exponent, mantissa)
    if not math.isfinite(rate):
        raise malformed("sample rate")
    sound(rate, channels, capacity)
    if not 1 <= bits <= 64:
        raise malformed("bits per sample", bits)
    if compressed and (kind := window.exactly(at + 18, 4)) not in COMPRESSIONS:
        raise Unreadable("codec-unsupported", codec="AIFF-C " + kind.decode("latin-1"))
    at_most("duration_s", frames / rate, capacity.audio_duration_s)
    return float(frames / rate)


def extended(exponent: int, mantissa: int) -> float:
    """An IEEE 754 80-bit number with explicit leading bit, as AIFF stores the sample rate (Hz)."""
    sign = -1.0 if exponent & 0x8000 else 1.0
    power = (exponent & 0x7FFF) - 16383 - 63
    # ldexp raises where the number does not fit; such a rate is out of every limit anyway.
    return sign * math.ldexp(mantissa, power) if power < 900 else sign * math.inf

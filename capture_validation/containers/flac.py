"""FLAC (RFC 9639), with an ID3v2 tag in front where a tagger put one."""

from capture_validation.capacity import Capacity
from capture_validation.containers.container import Container, at_most, malformed, sound
from capture_validation.containers.window import Window
from capture_validation.errors import Unreadable

BLOCK_LIMIT = 128
# Blocks are held in memory while the file is opened. Cover art is the largest honest one.
METADATA_LIMIT = 16 << 20
STREAMINFO_SIZE = 34


def recognise_flac(window: Window, at: int, capacity: Capacity) -> Container:
    """A FLAC stream whose marker stands at position `at`. Raises Unreadable when its metadata lies."""
    position = at + 4
    seconds = None
    for _ in range(BLOCK_LIMIT):
        head = window.exactly(position, 4)
        last, kind, size = head[0] >> 7, head[0] & 0x7F, int.from_bytes(head[1:], "big")
        if (kind == 0) != (position == at + 4) or (kind == 0 and size != STREAMINFO_SIZE):
            raise malformed("STREAMINFO")
        if kind == 0:
            seconds = streaminfo(window.exactly(position + 4, STREAMINFO_SIZE), capacity)
        position += 4 + size
        if position > window.size:
            raise Unreadable("truncated", size=window.size, needed=position)
        at_most("tags", position - at, METADATA_LIMIT)
        if last:
            break
    else:
        raise malformed("metadata blocks", BLOCK_LIMIT)
    if position >= window.size:
        raise Unreadable("truncated", what="frames")
    return Container(
        format="flac", kind="audio", media_type="audio/flac", size_bytes=window.size, claimed_duration_s=seconds
    )


def streaminfo(block: bytes, capacity: Capacity) -> float | None:
    """Seconds claimed by a STREAMINFO block of 34 bytes; None when the encoder did not know them."""
    # 20 bits sample rate, 3 bits channels - 1, 5 bits depth - 1, 36 bits samples (RFC 9639, 8.2).
    fields = int.from_bytes(block[10:18], "big")
    rate, channels, samples = fields >> 44, (fields >> 41 & 7) + 1, fields & (1 << 36) - 1
    sound(rate, channels, capacity)
    if not samples:
        return None
    at_most("duration_s", samples / rate, capacity.audio_duration_s)
    at_most("sample_values", samples * channels, capacity.sample_values)
    return samples / rate

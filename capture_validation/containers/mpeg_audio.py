"""MP3 (ISO/IEC 11172-3, 13818-3), AAC in ADTS (ISO/IEC 14496-3, 1.A.2) and the ID3v2 tag in front of them.

Neither has a file header: a stream is believed when several frames follow each other at the places their own
headers say. A single matching byte pair, as in random data, is not enough.
"""

from typing import NamedTuple

from capture_validation.capacity import Capacity
from capture_validation.containers.container import Container, at_most, malformed, sound
from capture_validation.containers.window import READ_LIMIT, Window
from capture_validation.errors import Unreadable

# A tag is read into memory by the decoder. Cover art is the largest honest content.
TAG_LIMIT = 16 << 20
FRAMES_IN_A_ROW = 3
# Where other bytes than zeros stand before them it takes more: in 64 kB of samples without any header three frames of
# random sizes follow each other by chance (in 25 of 297 recordings whose header was taken off).
FRAMES_INSIDE = 8
# Bit rates in kbit/s by index, MPEG-1 layers 1 to 3, then MPEG-2 layer 1 and layers 2 and 3.
RATES_1 = {
    1: (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    2: (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
}
RATES_2 = {
    1: (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    3: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
SAMPLE_RATES = (44_100, 48_000, 32_000)
ADTS_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)


class Frame(NamedTuple):
    """One frame header: bytes to the next, samples in it, sample rate in Hz, channels, and where Xing data stand."""

    size: int
    samples: int
    sample_rate: int
    channels: int
    side: int = 0


def after_tags(window: Window) -> int:
    """Where the first byte after all ID3v2 tags stands. Raises Unreadable for a tag that the file cuts off."""
    at = 0
    for _ in range(4):
        head = window.read(at, 10)
        if len(head) < 10 or head[:3] != b"ID3" or max(head[6:10]) > 0x7F:
            return at
        # Seven bits per byte (ID3v2.4, 3.1); a footer repeats the header.
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        at_most("tags", size, TAG_LIMIT)
        at += 10 + size + (10 if head[5] & 0x10 else 0)
        if at > window.size:
            raise Unreadable("truncated", size=window.size, needed=at)
    raise malformed("ID3 tags", 4)


def recognise_mpeg_audio(window: Window, at: int, capacity: Capacity) -> Container | None:
    """An MP3 or ADTS stream within 64 kB after position `at`; None when there is none."""
    head = window.read(at, READ_LIMIT)
    # Encoders leave zeros after a tag and cut recordings start in the middle of a frame; text has no 0xFF.
    found = head.find(b"\xff")
    while 0 <= found < len(head) - 4:
        row = FRAMES_INSIDE if head[:found].strip(b"\0") else FRAMES_IN_A_ROW
        if frame := _run(window, at + found, mp3_frame, row):
            return _mp3(window, at + found, frame, capacity)
        if frame := _run(window, at + found, adts_frame, row):
            sound(frame.sample_rate, frame.channels or 2, capacity)
            return Container(format="aac", kind="audio", media_type="audio/aac", size_bytes=window.size)
        found = head.find(b"\xff", found + 1)
    return None


def _run(window: Window, at: int, parse, row: int) -> Frame | None:  # type: ignore[no-untyped-def]
    """The first of several frames in a row, or of a shorter row that ends with the file."""
    first = None
    for number in range(row):
        frame = parse(window.read(at, 8))
        if frame is None:
            # A file cut by a dying phone may hold two frames and a piece; a single one proves nothing.
            return first if number >= row // 2 and at + 8 > window.size and first and at > 2 * first.size else None
        if first and (frame.sample_rate, frame.samples) != (first.sample_rate, first.samples):
            return None
        first = first or frame
        at += frame.size
    return first


def mp3_frame(head: bytes) -> Frame | None:
    """An MPEG audio frame header (11172-3, 2.4.1.3); None when these bytes are not one."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    rate_index, sample_rate_index = head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or layer == 4 or rate_index in (0, 15) or sample_rate_index == 3:
        return None
    mpeg_1 = version == 3
    rate = (RATES_1 if mpeg_1 else RATES_2)[layer][rate_index] * 1000
    sample_rate = SAMPLE_RATES[sample_rate_index] // {3: 1, 2: 2, 0: 4}[version]
    samples = 384 if layer == 1 else 1152 if mpeg_1 or layer == 2 else 576
    padding = (head[2] >> 1 & 1) * (4 if layer == 1 else 1)
    slot = 4 if layer == 1 else 1
    size = samples // 8 // slot * rate // sample_rate * slot + padding
    mono = head[3] >> 6 == 3
    side = ((17 if mono else 32) if mpeg_1 else (9 if mono else 17)) if layer == 3 else 0
    return Frame(size, samples, sample_rate, 1 if mono else 2, side)


def adts_frame(head: bytes) -> Frame | None:
    """An ADTS frame header (14496-3, 1.A.2.2); None when these bytes are not one."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return None
    rate_index = head[2] >> 2 & 15
    size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    if rate_index >= len(ADTS_RATES) or size < 7:
        return None
    channels = (head[2] & 1) << 2 | head[3] >> 6
    return Frame(size, 1024, ADTS_RATES[rate_index], 8 if channels == 7 else channels)


def _mp3(window: Window, at: int, frame: Frame, capacity: Capacity) -> Container:
    sound(frame.sample_rate, frame.channels, capacity)
    seconds = None
    if frames := _frames(window, at + 4, frame.side):
        seconds = frames * frame.samples / frame.sample_rate
        at_most("duration_s", seconds, capacity.audio_duration_s)
    return Container(
        format="mp3", kind="audio", media_type="audio/mpeg", size_bytes=window.size, claimed_duration_s=seconds
    )


def _frames(window: Window, at: int, side: int) -> int:
    """The number of frames that variable bit rate encoders put into a silent first one; 0 where it is not told.

    Xing and Info tags stand behind the side information, the VBRI tag of Fraunhofer's encoder always 32 bytes on.
    """
    tag, other = window.read(at + side, 12), window.read(at + 32, 18)
    if tag[:4] in (b"Xing", b"Info") and len(tag) == 12 and tag[7] & 1:
        return int.from_bytes(tag[8:12], "big")
    if other[:4] == b"VBRI" and len(other) == 18:
        return int.from_bytes(other[14:18], "big")
    return 0


def refuse_id3_alone(at: int) -> None:
    """Raises Unreadable for a tag that is followed by no sound."""
    if at:
        raise Unreadable("truncated", what="frames")

"""AVI (Microsoft AVI RIFF File Reference, OpenDML 1.02): what older cameras write.

Only picture and sound streams are accepted: the subtitle stream of an AVI may carry a playlist that a decoder
follows (neex, 2017), and no camera writes one.
"""

from capture_validation.capacity import Capacity
from capture_validation.containers.container import Container, at_most, malformed, picture, sound
from capture_validation.containers.riff import Chunk, riff_chunks
from capture_validation.containers.window import Window
from capture_validation.errors import Unreadable

PICTURE = {
    b"cvid", b"mjpg", b"xvid", b"divx", b"dx50", b"mp4v", b"fmp4", b"h264", b"avc1", b"x264", b"h263", b"u263",
    b"hevc", b"hvc1", b"vp80", b"vp90", b"av01",
}  # fmt: skip


def is_avi(head: bytes) -> bool:
    """Whether the file starts as RIFF/AVI."""
    return head[:4] == b"RIFF" and head[8:12] == b"AVI "


def recognise_avi(window: Window, capacity: Capacity) -> Container:
    """An AVI file with at least one stream that can be decoded. Raises Unreadable otherwise."""
    header, index, movie = None, None, False
    for chunk in riff_chunks(window, 12):
        kind = window.read(chunk.at, 4) if chunk.name == b"LIST" else b""
        if kind == b"hdrl":
            header = _header(window, chunk, capacity)
        elif kind == b"movi":
            movie = True
        elif chunk.name == b"idx1":
            index = chunk
    if header is None or not movie:
        raise Unreadable("truncated", what="movi" if header else "hdrl")
    if index is not None:
        at_most("packets", index.size // 16, capacity.packets)
    return header


def _header(window: Window, header: Chunk, capacity: Capacity) -> Container:
    """The container as the `hdrl` list describes it."""
    seconds, streams, width, height = 0.0, 0, 0, 0
    for chunk in riff_chunks(window, header.at + 4, header.at + header.size):
        if chunk.name == b"LIST" and window.read(chunk.at, 4) == b"strl":
            streams += 1
            at_most("tracks", streams, capacity.tracks)
            stream_s, stream_width, stream_height = _stream(window, chunk, capacity)
            seconds, width, height = max(seconds, stream_s), max(width, stream_width), max(height, stream_height)
    if not streams:
        raise Unreadable("no-tracks")
    return Container(
        format="avi",
        kind="video" if width else "audio",
        media_type="video/x-msvideo",
        size_bytes=window.size,
        claimed_duration_s=seconds,
        width=width,
        height=height,
        # The index comes last, so a camera that lost power leaves a file shorter than its RIFF header says.
        incomplete=window.unpack("<I", 4)[0] + 8 > window.size,
    )


def _stream(window: Window, stream: Chunk, capacity: Capacity) -> tuple[float, int, int]:
    """Seconds, width and height of one `strl` list; sound has no width."""
    seconds, kind, codec, width, height = 0.0, b"", b"", 0, 0
    for chunk in riff_chunks(window, stream.at + 4, stream.at + stream.size):
        if chunk.name == b"strh":
            kind, codec, seconds = _stream_header(window, chunk, capacity)
        elif chunk.name == b"strf" and kind == b"vids":
            width, height, codec = _bitmap(window, chunk, capacity)
        elif chunk.name == b"strf" and kind == b"auds":
            _, channels, rate = window.unpack("<HHI", chunk.at)
            sound(rate, channels, capacity)
    if kind not in (b"vids", b"auds"):
        raise Unreadable("codec-unsupported", codec="AVI " + kind.decode("latin-1"))
    if kind == b"vids" and codec.lower() not in PICTURE:
        raise Unreadable("codec-unsupported", codec=codec.decode("latin-1"))
    return seconds, width, height


def _stream_header(window: Window, chunk: Chunk, capacity: Capacity) -> tuple[bytes, bytes, float]:
    kind, codec, scale, rate, length = window.unpack("<4s4s12xII4xI", chunk.at)
    if scale == 0 or rate == 0:
        raise malformed("frame rate", 0)
    if kind == b"vids":
        at_most("frame_rate", rate / scale, capacity.frame_rate_max)
        at_most("packets", length, capacity.packets)
    return kind, codec, length * scale / rate


def _bitmap(window: Window, chunk: Chunk, capacity: Capacity) -> tuple[int, int, bytes]:
    width, height, codec = window.unpack("<4xii4x4s", chunk.at)
    # A negative height means that rows are stored from top to bottom.
    width, height = abs(width), abs(height)
    if not width or not height:
        raise malformed("picture size", 0)
    picture(width, height, capacity)
    return width, height, codec

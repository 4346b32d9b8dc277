"""What the chunks of a WAV or AVI file tell that no demuxer shows as tags.

Cameras of the AVI years wrote EXIF, makers' notes and XMP between the lists that players read, or into JUNK; field
recorders write iXML (iXML specification 3.0), which may hold a position.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from capture_validation.containers.riff import riff_chunks
from capture_validation.containers.window import READ_LIMIT, Window
from capture_validation.errors import Unreadable
from capture_validation.xray.boxes import of_xmp
from capture_validation.xray.findings import Trace, TraceKind
from capture_validation.xray.metadata import kind_of_words

#: Chunks and lists that are known by their names: EXIF 2.3, section 5 (for WAV), Nikon, and AVI's own stream data.
CHUNKS: dict[bytes, TraceKind] = {
    b"exif": "device", b"ncdt": "device", b"strd": "device", b"iXML": "words", b"olym": "device", b"vndr": "device",
}  # fmt: skip
NESTING = {b"hdrl", b"strl", b"odml"}
#: Bytes that say nothing and may still hold words.
SKIPPED = {b"JUNK", b"PAD ", b"FLLR", b"iXML"}
DEEPEST = 4


def in_chunks(file: BinaryIO) -> Iterator[Trace]:
    """What chunks tell that are no tags. The file's structure was recognised before."""
    window = Window(file)
    try:
        yield from told(window, 12, window.size, 0)
    except Unreadable:
        # Cut off in the middle of a chunk: what was before it has been told.
        return


def told(window: Window, at: int, end: int, depth: int) -> Iterator[Trace]:
    """What the chunks between two positions tell, and those in them."""
    for chunk in riff_chunks(window, at, end):
        name = window.read(chunk.at, 4) if chunk.name == b"LIST" else chunk.name
        where, content = f"chunk {name.decode('latin-1')}", window.read(chunk.at, min(chunk.size, READ_LIMIT))
        if name in CHUNKS and any(content):
            yield Trace(CHUNKS[name], where)
        # A room kept for the index of a second gigabyte is named like what comes into it.
        if name in SKIPPED and not content.startswith(b"odml") and (found := kind_of_words(content)) is not None:
            yield Trace(found, where)
        if name == b"_PMX":
            yield from of_xmp(window, chunk.at, chunk.at + chunk.size)
        if chunk.name == b"LIST" and name in NESTING and depth < DEEPEST:
            yield from told(window, chunk.at + 4, chunk.at + chunk.size, depth + 1)

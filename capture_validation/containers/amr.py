"""AMR and AMR-WB storage format (RFC 4867, section 5): voice memos of older and simpler phones."""

from capture_validation.containers.container import Container
from capture_validation.containers.window import Window
from capture_validation.errors import Unreadable

NARROW, WIDE = b"#!AMR\n", b"#!AMR-WB\n"
SEVERAL_CHANNELS = (b"#!AMR_MC1.0\n", b"#!AMR-WB_MC1.0\n")


def is_amr(head: bytes) -> bool:
    """Whether the file starts with the magic number of AMR."""
    return head.startswith(b"#!AMR")


def recognise_amr(window: Window) -> Container:
    """An AMR file of one channel. Raises Unreadable otherwise."""
    head = window.read(0, 16)
    if head.startswith(SEVERAL_CHANNELS):
        raise Unreadable("codec-unsupported", codec="AMR with several channels")
    magic = next((magic for magic in (NARROW, WIDE) if head.startswith(magic)), None)
    if magic is None:
        raise Unreadable("container-unknown", looks_like="text")
    if window.size == len(magic):
        raise Unreadable("empty")
    # Frames are self-delimiting and 20 ms long, from one byte (silence) to 61: only decoding tells the length.
    media_type = "audio/amr" if magic == NARROW else "audio/amr-wb"
    return Container(format="amr", kind="audio", media_type=media_type, size_bytes=window.size)

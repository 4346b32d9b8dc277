"""Which file format a recording has, decided by reading its structure in pure Python.

This is the first thing that happens to the bytes of a stranger, before any native decoder sees them. A file is
accepted only as what its structure proves, never by its name; the decoder is then forced to that one format.
That keeps playlists from being followed and spares the decoder the headers made to exhaust it.

One module per family; each is bounded in bytes read, in boxes visited and in depth.
"""

import struct
from typing import BinaryIO

from capture_validation.capacity import CAPACITY, Capacity
from capture_validation.containers.aiff import is_aiff, recognise_aiff
from capture_validation.containers.amr import is_amr, recognise_amr
from capture_validation.containers.avi import is_avi, recognise_avi
from capture_validation.containers.caf import is_caf, recognise_caf
from capture_validation.containers.container import Container, Kind, within
from capture_validation.containers.flac import recognise_flac
from capture_validation.containers.foreign import refusal
from capture_validation.containers.matroska import is_matroska, recognise_matroska
from capture_validation.containers.mp4 import is_mp4, recognise_mp4
from capture_validation.containers.mpeg_audio import after_tags, recognise_mpeg_audio, refuse_id3_alone
from capture_validation.containers.ogg import is_ogg, recognise_ogg
from capture_validation.containers.riff import is_w64, is_wav, recognise_w64, recognise_wav
from capture_validation.containers.window import Window
from capture_validation.errors import Unreadable

__all__ = ["Container", "Kind", "recognise"]

FAMILIES = (
    (is_wav, recognise_wav),
    (is_w64, recognise_w64),
    (is_avi, recognise_avi),
    (is_aiff, recognise_aiff),
    (is_caf, recognise_caf),
    (is_ogg, recognise_ogg),
    (is_matroska, recognise_matroska),
    (is_mp4, recognise_mp4),
)


def recognise(file: BinaryIO, capacity: Capacity = CAPACITY) -> Container:
    """The container of a recording.

    `file` is seekable; its position is moved. Reads headers only, in pieces of at most 64 kB.

    Raises Unreadable: `empty`, `playlist`, `container-unknown` (with `looks_like`), `truncated`, `malformed`,
    `over-limit` (with `what`, `value`, `limit`), `codec-unsupported` (with `codec`), `external-reference`,
    `no-tracks`, `too-expensive`.
    """
    window = Window(file)
    if not window.size:
        raise Unreadable("empty")
    try:
        return within(_family(window, capacity), capacity)
    except (struct.error, OverflowError) as cause:
        raise Unreadable("malformed", what="header", value="") from cause


def _family(window: Window, capacity: Capacity) -> Container:
    head = window.read(0, 4096)
    for is_family, recognise_family in FAMILIES:
        if is_family(head):
            return recognise_family(window, capacity)
    if is_amr(head):
        return recognise_amr(window)
    at = after_tags(window)
    if window.read(at, 4) == b"fLaC":
        return recognise_flac(window, at, capacity)
    # Frames of MPEG audio are searched only where nothing else is known, and never in text.
    if (found := refusal(head)).parameters.get("looks_like") != "unknown data" and not at:
        raise found
    if container := recognise_mpeg_audio(window, at, capacity):
        return container
    refuse_id3_alone(at)
    raise found

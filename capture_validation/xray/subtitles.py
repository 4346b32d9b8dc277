"""Positions that a camera says in the subtitles of a Matroska film, as drones do.

What a person hears said is words; where the film was made is more than that. Subtitles lie between sound and picture
all over the file, so it is read once more, but only where there are any.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

import av
import av.error

from capture_validation import codecs
from capture_validation.xray.findings import Trace
from capture_validation.xray.metadata import POSITION

#: Subtitles that are read of each film; drones say where they are from the first on.
MOST_SUBTITLES = 200


def in_subtitles(file: BinaryIO) -> Iterator[Trace]:
    """What the subtitles of a Matroska file tell of a place."""
    file.seek(0)
    options = {
        "format_whitelist": "matroska",
        "protocol_whitelist": "none",
        "codec_whitelist": codecs.allowed(pictures=True),
    }
    try:
        with av.open(file, "r", format="matroska", options=options, metadata_errors="ignore") as media:
            said = media.demux([stream for stream in media.streams if stream.type == "subtitle"])
            if any(POSITION.search(bytes(packet)) for packet in islice(said, MOST_SUBTITLES)):
                yield Trace("location", "subtitle track")
    except (av.error.FFmpegError, ValueError):
        # What is damaged was said before, and what lies before the damage was read.
        return

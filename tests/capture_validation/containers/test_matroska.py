"""Which tracks a Matroska file may hold."""

import io

import pytest

from capture_validation.containers import recognise
from capture_validation.errors import Unreadable


def matroska(*kinds: int) -> bytes:
    entries = [b"\xae\x8b\x83\x81" + bytes([kind]) + b"\x86\x86A_OPUS" for kind in kinds]
    tracks = b"\x16\x54\xae\x6b\x40" + bytes([len(b"".join(entries))]) + b"".join(entries)
    return b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\xff" + tracks + b"\x1f\x43\xb6\x75\x80"


def test_subtitles_are_not_counted_as_sound() -> None:
    """A film with two tracks of sound and six of subtitles was refused; a ninth track of sound still is."""
    with pytest.raises(Unreadable) as refused:
        recognise(io.BytesIO(matroska(*[2] * 9)))

    assert "matroska" == recognise(io.BytesIO(matroska(2, 2, *[17] * 8))).format
    assert ("over-limit", 9) == (refused.value.code, refused.value.parameters["value"])

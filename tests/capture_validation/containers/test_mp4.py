"""Boxes of MP4: where media may lie, what tables may claim, and how deep boxes may be nested."""

import struct
from collections.abc import Iterable

import pytest

from tests.capture_validation.containers.test_recognise import box, of, refusal
from tests.capture_validation.made import video


def dref(kind: bytes, flags: int, content: bytes) -> bytes:
    """An MP4 whose data reference is replaced."""
    data = video("mp4")
    old = box(b"dref", bytes(4) + struct.pack(">I", 1) + box(b"url ", b"\0\0\0\1"))
    new = box(b"dref", bytes(4) + struct.pack(">I", 1) + box(kind, struct.pack(">I", flags) + content))
    assert old in data
    # The header stands last here, so only the boxes around the reference grow.
    position = data.index(old)
    out = bytearray(data.replace(old, new))
    for parent in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):
        at = data.rindex(parent, 0, position) - 4
        size = int.from_bytes(out[at : at + 4], "big") + len(new) - len(old)
        out[at : at + 4] = size.to_bytes(4, "big")
    return bytes(out)


def test_an_alias_that_says_in_this_file_is_how_iphones_write_it() -> None:
    assert of(dref(b"alis", 1, b"")).kind == "video"


@pytest.mark.parametrize("kind", [b"alis", b"url ", b"rsrc"])
def test_media_kept_in_another_file_are_refused(kind: bytes) -> None:
    assert refusal(dref(kind, 0, b"http://127.0.0.1:18765/a\0")).code == "external-reference"


@pytest.mark.parametrize("kind", [b"stts", b"stsc", b"stsz", b"stco"])
def test_a_table_that_claims_more_than_it_holds_is_refused(kind: bytes) -> None:
    data = bytearray(video("mp4"))
    at = data.index(kind) + (12 if kind == b"stsz" else 8)
    if kind == b"stsz":
        data[at - 4 : at] = bytes(4)
    data[at : at + 4] = struct.pack(">I", 1_900_000)

    assert refusal(bytes(data)).code in ("malformed", "over-limit")


def test_nested_boxes_end_at_a_depth() -> None:
    data = b""
    for _ in range(5000):
        data = box(b"moov", data)

    assert ("malformed", "box depth") == ((found := refusal(data)).code, found.parameters["what"])


def fragments(kept: Iterable[int], numbers: int = 1) -> bytes:
    """A fragmented film of which some of its six fragments are left, counted in steps of `numbers`."""
    data = bytearray(video("mp4", "libx264", {"movflags": "frag_every_frame+empty_moov"}, pictures=6))
    begins = [at - 4 for at in range(len(data)) if data[at : at + 4] == b"moof"]
    for number, at in enumerate(begins):
        data[at + 20 : at + 24] = struct.pack(">I", 1 + number * numbers)
        assert b"mfhd" == data[at + 12 : at + 16]
    ends = [*begins[1:], len(data)]
    return bytes(data[: begins[0]]) + b"".join(bytes(data[begins[one] : ends[one]]) for one in kept)


def test_a_fragment_that_is_missing_between_others_is_told() -> None:
    whole, lost = fragments(range(6)), fragments([0, 1, 3, 4, 5])

    assert (False, True) == (of(whole).incomplete, of(lost).incomplete)


def test_a_track_of_a_film_whose_tracks_were_counted_together_lacks_nothing() -> None:
    assert of(fragments(range(6), numbers=2)).incomplete is False

"""Recordings at rest: any range comes back, and nothing that was changed opens."""

import asyncio
import io
import os
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.encryption import HEADER, SEGMENT_SIZE, Layout, Sealed, SealingFile, unwrap, wrap
from storage.errors import MediaDamaged
from storage.media import Media, plaintext
from storage.objects import READ_SIZE

KEY = bytes(range(32))
RECORDING = UUID(int=1)


class Shelf:
    """The one method of a store that reading needs, over memory: property tests seal thousands of files."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    async def read(self, key: str, *, start: int = 0, size: int | None = None) -> bytes:
        """Read a range."""
        return self.content[start:] if size is None else self.content[start : start + size]


def sealed(content: bytes, segment_size: int, recording: UUID = RECORDING) -> bytes:
    """Encrypt bytes in small segments."""
    return SealingFile(io.BytesIO(content), Layout(len(content), segment_size), KEY, recording).read()


def opened(stored: bytes, size: int, start: int, stop: int, recording: UUID = RECORDING) -> bytes:
    """Decrypt a range."""

    async def joined() -> bytes:
        media = Media(recording, "key", size)
        return b"".join([piece async for piece in plaintext(Shelf(stored), media, KEY, start, stop)])  # type: ignore[arg-type]

    return asyncio.run(joined())


def test_what_is_played_comes_in_small_pieces() -> None:
    """Three of a megabyte lay in memory for everybody who read slowly; also a range that begins inside of one."""
    content = os.urandom(2 * SEGMENT_SIZE + 5)
    stored, media = sealed(content, SEGMENT_SIZE), Media(RECORDING, "key", len(content))

    async def pieces() -> list[bytes]:
        return [piece async for piece in plaintext(Shelf(stored), media, KEY, 10, len(content) - 3)]  # type: ignore[arg-type]

    given = asyncio.run(pieces())

    assert content[10:-3] == b"".join(given)
    assert READ_SIZE == max(map(len, given))


sizes = st.integers(1, 200)


@given(content=st.binary(min_size=1, max_size=300), segment=st.integers(1, 70), data=st.data())
def test_any_range_of_any_recording_is_that_range_of_the_plaintext(
    content: bytes, segment: int, data: st.DataObject
) -> None:
    """Also ranges that begin or end inside a segment, and empty ones."""
    start = data.draw(st.integers(0, len(content)))
    stop = data.draw(st.integers(start, len(content)))

    assert content[start:stop] == opened(sealed(content, segment), len(content), start, stop)


@given(content=st.binary(min_size=1, max_size=300), segment=st.integers(1, 70), data=st.data())
def test_any_flipped_bit_is_noticed(content: bytes, segment: int, data: st.DataObject) -> None:
    """Wherever it is: in the header, in a segment, in a tag."""
    stored = bytearray(sealed(content, segment))
    bit = data.draw(st.integers(0, len(stored) * 8 - 1))
    stored[bit // 8] ^= 1 << bit % 8

    with pytest.raises(MediaDamaged):
        opened(bytes(stored), len(content), 0, len(content))


@given(content=st.binary(min_size=1, max_size=300), segment=st.integers(1, 70))
def test_the_size_is_known_before_sealing(content: bytes, segment: int) -> None:
    """The store is told the length of an object before its first byte."""
    assert Layout(len(content), segment).object_size == len(sealed(content, segment))


def test_swapped_segments_do_not_open() -> None:
    """Two segments of the same recording are not interchangeable."""
    stored = sealed(b"a" * 10 + b"b" * 10 + b"c" * 10, 10)
    head, first, second, rest = stored[: HEADER.size], stored[47:73], stored[73:99], stored[99:]
    assert stored == head + first + second + rest

    with pytest.raises(MediaDamaged):
        opened(head + second + first + rest, 30, 0, 30)


def test_a_recording_cut_off_at_a_segment_does_not_open_as_a_shorter_one() -> None:
    """Without the mark of the last segment, losing the end would go unnoticed."""
    stored = sealed(b"x" * 30, 10)

    with pytest.raises(MediaDamaged):
        opened(stored[:-26], 20, 0, 20)


def test_the_object_of_another_recording_does_not_open() -> None:
    """Objects of one contributor share a key, and still cannot be exchanged."""
    with pytest.raises(MediaDamaged):
        opened(sealed(b"mine", 10), 4, 0, 4, recording=uuid4())


def test_the_same_recording_sealed_twice_shares_no_bytes_of_content() -> None:
    """Salt and nonce are drawn anew for each object."""
    content = os.urandom(3 * SEGMENT_SIZE)

    first, second = sealed(content, SEGMENT_SIZE), sealed(content, SEGMENT_SIZE)

    assert first[HEADER.size :][:64] != second[HEADER.size :][:64]


def test_reading_in_odd_steps_gives_the_same_object() -> None:
    """The S3 client reads parts of its own size, which are no segments."""
    file = SealingFile(io.BytesIO(b"y" * 100), Layout(100, 7), KEY, RECORDING)

    stored = b"".join(iter(lambda: file.read(13), b""))

    assert b"y" * 100 == opened(stored, 100, 0, 100)


def test_a_wrapped_key_belongs_to_its_account() -> None:
    """A row that was copied to another account does not unwrap there."""
    account = uuid4()
    wrapped = wrap(KEY, account, b"k" * 32)

    assert b"k" * 32 == unwrap(KEY, account, wrapped)
    with pytest.raises(MediaDamaged):
        unwrap(KEY, uuid4(), wrapped)


@pytest.mark.parametrize("header", [b"", b"ccr1", bytes(HEADER.size), HEADER.pack(b"ccr1", 0, bytes(32), bytes(7))])
def test_what_is_no_header_is_damage(header: bytes) -> None:
    """An object that somebody else put there is not a recording."""
    with pytest.raises(MediaDamaged):
        Sealed(KEY, RECORDING, header)

"""Bytes between a request and the store."""

from hypothesis import given
from hypothesis import strategies as st

from api.gathering import Gathered


@given(st.lists(st.binary(max_size=9), max_size=12), st.lists(st.integers(1, 12), max_size=12))
def test_bytes_leave_in_the_order_in_which_they_came(pieces: list[bytes], sizes: list[int]) -> None:
    """Whatever sizes they come in and are asked for in, none is lost and none is given twice."""
    gathered = Gathered()
    for piece in pieces:
        gathered.add(piece)

    taken = [gathered.take(min(size, gathered.size)) for size in sizes]
    rest = gathered.take(gathered.size)

    assert b"".join(pieces) == b"".join([*taken, rest])
    assert 0 == gathered.size
    assert all(len(part) <= size for part, size in zip(taken, sizes, strict=True))

"""Merkle trees: the root of the RFC, and a path that proves a leaf and nothing else."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from api.merkle import leads_to_root, leaf_hash, node_hash, tree

Leaves = st.lists(st.binary(max_size=4), max_size=40).map(lambda entries: [leaf_hash(entry) for entry in entries])


def by_definition(leaves: list[bytes]) -> bytes:
    """The root as RFC 9162, section 2.1.1 defines it: split at the largest power of two below the size."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(by_definition(leaves[:split]), by_definition(leaves[split:]))


@given(Leaves)
def test_the_root_is_the_one_of_the_definition(leaves: list[bytes]):
    """Level by level is the same tree as the recursion."""
    assert by_definition(leaves) == tree(leaves)[0]


@given(Leaves)
def test_every_leaf_is_proved_by_its_path(leaves: list[bytes]):
    """Whatever the size."""
    root, paths = tree(leaves)

    assert all(
        leads_to_root(leaf, position, len(leaves), path, root)
        for position, (leaf, path) in enumerate(zip(leaves, paths, strict=True))
    )


@given(Leaves.filter(bool), st.data())
def test_nothing_else_is_proved(leaves: list[bytes], data: st.DataObject):
    """Another leaf, another place, another length of the path."""
    root, paths = tree(leaves)
    position = data.draw(st.integers(0, len(leaves) - 1))
    path, stranger = paths[position], leaf_hash(b"somebody else")

    assert not leads_to_root(stranger, position, len(leaves), path, root)
    assert not leads_to_root(leaves[position], len(leaves), len(leaves), path, root)
    assert not leads_to_root(leaves[position], position, len(leaves), [*path, stranger], root)
    assert not path or not leads_to_root(leaves[position], position, len(leaves), path[:-1], root)

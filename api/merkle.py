"""Merkle trees (RFC 9162, section 2.1): one hash stands for many, and a short path proves that one of them is in it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def leaf_hash(entry: bytes) -> bytes:
    """Hash a leaf; the prefix keeps a leaf from passing for a node."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree(leaves: Sequence[bytes]) -> tuple[bytes, list[list[bytes]]]:
    """Give the root over leaf hashes, and for each leaf the path that leads to it, the nearest hash first.

    Level by level, a node without a sibling is carried up as it is: the same tree as the recursive definition of the
    RFC. No leaves at all have the hash of nothing.
    """
    if not leaves:
        return hashlib.sha256().digest(), []
    paths: list[list[bytes]] = [[] for _ in leaves]
    level, spans = list(leaves), [range(i, i + 1) for i in range(len(leaves))]
    while len(level) > 1:
        for left in range(0, len(level) - 1, 2):
            for position in spans[left]:
                paths[position].append(level[left + 1])
            for position in spans[left + 1]:
                paths[position].append(level[left])
        level = [_joined(level, left) for left in range(0, len(level), 2)]
        spans = [_span(spans, left) for left in range(0, len(spans), 2)]
    return level[0], paths


def _joined(level: list[bytes], left: int) -> bytes:
    return node_hash(level[left], level[left + 1]) if left + 1 < len(level) else level[left]


def _span(spans: list[range], left: int) -> range:
    return range(spans[left].start, spans[min(left + 1, len(spans) - 1)].stop)


def leads_to_root(leaf: bytes, position: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Check a path (RFC 9162, section 2.1.3.2)."""
    if not 0 <= position < size:
        return False
    at, last, found = position, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if at % 2 or at == last:
            found = node_hash(sibling, found)
            while at % 2 == 0 and at:
                at, last = at // 2, last // 2
        else:
            found = node_hash(found, sibling)
        at, last = at // 2, last // 2
    return last == 0 and found == root

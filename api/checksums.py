"""The checksum that a tus client may send along with the bytes of one request (extension `checksum`)."""

from __future__ import annotations

import hashlib
import zlib

from storage.objects import Hash

#: What a client may choose from; sha1 is the one that tus requires.
ALGORITHMS = ("sha1", "sha256", "crc32", "md5")


class Crc32:
    """CRC-32 as in zip and Ethernet, with the methods of a hash; it finds damage and stops nobody."""

    def __init__(self) -> None:
        """Start with no bytes seen."""
        self.value = 0

    def update(self, data: bytes, /) -> None:
        """Take the next bytes."""
        self.value = zlib.crc32(data, self.value)

    def digest(self) -> bytes:
        """Give four bytes, the highest first, as tus servers agree on."""
        return self.value.to_bytes(4, "big")


class Checksum:
    """What a client says about a body, and what the bytes say."""

    def __init__(self, algorithm: str, expected: bytes) -> None:
        """Start with no bytes seen; `algorithm` is one of ALGORITHMS."""
        self.digest: Hash = Crc32() if algorithm == "crc32" else hashlib.new(algorithm, usedforsecurity=False)
        self.expected = expected

    def holds(self) -> bool:
        """Whether the bytes seen are the ones that were meant."""
        return self.digest.digest() == self.expected

"""Recordings at rest: AES-256-GCM in segments, under a key of their contributor.

Segments let a phone listen from the middle: only the segments of the asked range are fetched and opened. The
construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár: "Online Authenticated-Encryption and its Nonce-Reuse
Misuse-Resistance", CRYPTO 2015, section 7) as Tink's AES-GCM-HKDF streaming uses it: a key of the object's own is
derived from the contributor's key, a random salt and the recording's id, and the nonce of a segment is a random prefix,
the segment's number, and whether it is the last. So segments that were swapped, repeated, cut off, or taken from
another recording do not open. Destroying the contributor's key erases every recording of theirs, wherever copies lie.

    object  = header, segment 0, segment 1, …
    header  = "ccr1", segment size (4 bytes, big-endian), salt (32), nonce prefix (7)
    segment = ciphertext of segment-size plaintext bytes (the last one shorter, never empty), tag (16)
"""

from __future__ import annotations

import io
import os
import struct
from typing import BinaryIO
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct

from storage.database import Connection, one, run
from storage.errors import MediaDamaged
from storage.master_key import close, opened

MAGIC = b"ccr1"
HEADER = struct.Struct(">4sI32s7s")
SEGMENT_SIZE = 1024 * 1024
TAG_SIZE = 16
KEY_SIZE = 32


class Layout(Struct, frozen=True):
    """Where the segments of a recording lie; all numbers are bytes, `plaintext_size` is above 0."""

    plaintext_size: int
    segment_size: int = SEGMENT_SIZE

    @property
    def segments(self) -> int:
        """How many segments there are."""
        return -(-self.plaintext_size // self.segment_size)

    @property
    def object_size(self) -> int:
        """The size of the whole encrypted object."""
        return HEADER.size + self.plaintext_size + self.segments * TAG_SIZE

    def span(self, index: int) -> tuple[int, int]:
        """Give one segment's place in the encrypted object: its start, and its size with the tag."""
        plaintext = min(self.segment_size, self.plaintext_size - index * self.segment_size)
        return HEADER.size + index * (self.segment_size + TAG_SIZE), plaintext + TAG_SIZE


class Sealed:
    """One recording's cipher: seals and opens single segments."""

    def __init__(self, key: bytes, recording: UUID, header: bytes) -> None:
        """Derive the object's key from its contributor's. Raises MediaDamaged for a header that cannot be one."""
        if len(header) != HEADER.size or not header.startswith(MAGIC):
            raise MediaDamaged
        segment_size: int
        prefix: bytes
        _, segment_size, salt, prefix = HEADER.unpack(header)
        self.segment_size, self.prefix = segment_size, prefix
        if self.segment_size == 0:
            raise MediaDamaged
        # The header takes part in the derivation, so a changed header gives a key that opens nothing.
        derived = HKDF(SHA256(), KEY_SIZE, salt, info=header + recording.bytes).derive(key)
        self.cipher = AESGCM(derived)
        self.header = header

    def seal(self, index: int, plaintext: bytes, *, last: bool) -> bytes:
        """Encrypt one segment."""
        return self.cipher.encrypt(self._nonce(index, last), plaintext, None)

    def open(self, index: int, ciphertext: bytes, *, last: bool) -> bytes:
        """Decrypt one segment. Raises MediaDamaged unless it is exactly what was sealed at this place."""
        try:
            return self.cipher.decrypt(self._nonce(index, last), ciphertext, None)
        except (InvalidTag, ValueError) as error:
            raise MediaDamaged from error

    def _nonce(self, index: int, last: bool) -> bytes:
        return self.prefix + struct.pack(">I?", index, last)


def new_header(segment_size: int = SEGMENT_SIZE) -> bytes:
    """Draw the salt and the nonce prefix of a new object."""
    return HEADER.pack(MAGIC, segment_size, os.urandom(32), os.urandom(7))


class SealingFile(io.RawIOBase):
    """Reads as the encrypted object of a plaintext file, one segment in memory at a time.

    `plaintext` is read from its present position and must hold exactly `layout.plaintext_size` more bytes.
    """

    def __init__(self, plaintext: BinaryIO, layout: Layout, key: bytes, recording: UUID) -> None:
        """Begin with the header."""
        super().__init__()
        self.plaintext = plaintext
        self.layout = layout
        self.sealed = Sealed(key, recording, new_header(layout.segment_size))
        self.index = 0
        self.ready = memoryview(self.sealed.header)

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            size = self.layout.object_size
        pieces = []
        while size > 0 and (self.ready or self._seal_next()):
            piece, self.ready = self.ready[:size], self.ready[size:]
            size -= len(piece)
            pieces.append(piece)
        return b"".join(pieces)

    def _seal_next(self) -> bool:
        if self.index == self.layout.segments:
            return False
        plaintext = self.plaintext.read(self.layout.segment_size)
        last = self.index == self.layout.segments - 1
        self.ready = memoryview(self.sealed.seal(self.index, plaintext, last=last))
        self.index += 1
        return True


def seal(key: bytes, recording: UUID, plaintext: bytes) -> bytes:
    """Encrypt something small that shows a recording, as an object of one segment."""
    sealed = Sealed(key, recording, new_header())
    return sealed.header + sealed.seal(0, plaintext, last=True)


def unseal(key: bytes, recording: UUID, data: bytes) -> bytes:
    """Decrypt what `seal` gave. Raises MediaDamaged."""
    return Sealed(key, recording, data[: HEADER.size]).open(0, data[HEADER.size :], last=True)


class SubjectKey(Struct, frozen=True):
    """A contributor's key as it is stored: a nonce and the key, encrypted under the service's master key."""

    wrapped: bytes


SUBJECT_KEY = "SELECT wrapped FROM subject_keys WHERE account_id = %(account)s"
NEW_SUBJECT_KEY = """
    INSERT INTO subject_keys (account_id, wrapped)
    SELECT id, %(wrapped)s FROM accounts WHERE id = %(account)s AND erased_at IS NULL ON CONFLICT DO NOTHING
"""


async def subject_key(connection: Connection, master_key: bytes, account: UUID) -> bytes:
    """The contributor's key, drawn at its first use.

    Raises MediaDamaged when the master key is not the one it had, and for an account that was erased: a worker that was
    on its way then draws no new key.
    """
    stored = await one(connection, SubjectKey, SUBJECT_KEY, account=account)
    if stored is None:
        await run(connection, NEW_SUBJECT_KEY, account=account, wrapped=wrap(master_key, account, os.urandom(KEY_SIZE)))
        # Two first uses at once both end with the key that was stored first.
        stored = await one(connection, SubjectKey, SUBJECT_KEY, account=account)
    if stored is None:
        raise MediaDamaged
    return unwrap(master_key, account, stored.wrapped)


def wrap(master_key: bytes, account: UUID, key: bytes) -> bytes:
    """Encrypt a contributor's key; bound to the account, so that rows cannot be exchanged."""
    return close(master_key, key, account.bytes)


def unwrap(master_key: bytes, account: UUID, wrapped: bytes) -> bytes:
    """Decrypt a contributor's key. Raises MediaDamaged."""
    return opened(master_key, wrapped, account.bytes)

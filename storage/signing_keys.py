"""The Ed25519 keys that sign receipts, statements and checkpoints.

A contributor must be able to check a receipt years later, so public halves are never deleted; the private half lies in
its row encrypted under the service's master key. The newest key signs.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from storage.database import Connection, every, one, run
from storage.master_key import close, opened


class PublicKey(Struct, frozen=True):
    """What anybody may know of a key: its name and its 32 public bytes."""

    kid: str
    public_key: bytes


class PrivateKey(Struct, frozen=True):
    """A key that can sign; `seed` is 32 bytes and never leaves the process."""

    kid: str
    seed: bytes


class _Wrapped(Struct, frozen=True):
    kid: str
    wrapped: bytes


NEWEST = "SELECT kid, wrapped FROM signing_keys ORDER BY created_at DESC, kid LIMIT 1"
ALL = "SELECT kid, public_key FROM signing_keys ORDER BY created_at DESC LIMIT 1000"
# One first key, however many processes start at once.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('signing_keys', 0))"
INSERT = "INSERT INTO signing_keys (kid, public_key, wrapped) VALUES (%(kid)s, %(public_key)s, %(wrapped)s)"


async def newest(connection: Connection, master_key: bytes) -> PrivateKey | None:
    """Give the key that signs now, if there is one. Raises MediaDamaged when the master key is not the one it had."""
    stored = await one(connection, _Wrapped, NEWEST)
    return None if stored is None else PrivateKey(stored.kid, opened(master_key, stored.wrapped, stored.kid.encode()))


async def add(connection: Connection, master_key: bytes, kid: str, private: Ed25519PrivateKey) -> None:
    """Store a new key; from now on it is the one that signs."""
    wrapped = close(master_key, private.private_bytes_raw(), kid.encode())
    public_key = private.public_key().public_bytes_raw()
    await run(connection, INSERT, kid=kid, public_key=public_key, wrapped=wrapped)


async def alone(connection: Connection) -> None:
    """Let one transaction at a time decide whether a first key is needed."""
    await run(connection, LOCK)


async def published(connection: Connection) -> list[PublicKey]:
    """List every public key there ever was, newest first."""
    return await every(connection, PublicKey, ALL)

"""The key by which push services know this service (VAPID, RFC 8292): drawn once, and kept for as long as phones are.

A phone subscribes for one key and can be woken with no other. The private half lies in its row, encrypted under the
service's master key.
"""

from __future__ import annotations

from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import Struct

from storage.database import Connection, one, run
from storage.encryption import unwrap, wrap

#: What the private half is bound to in its row, where other keys have their account.
SERVICE = UUID(int=1)
KEY_SIZE = 32

FIND = "SELECT public_key, wrapped FROM push_keys ORDER BY created_at LIMIT 1"
# One key, however many processes start at once.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('push_keys', 0))"
INSERT = "INSERT INTO push_keys (public_key, wrapped) VALUES (%(public_key)s, %(wrapped)s)"


class PushKey(Struct, frozen=True):
    """A key on P-256: its public half as 65 uncompressed bytes, its private one as 32."""

    public_key: bytes
    private: bytes


class _Wrapped(Struct, frozen=True):
    public_key: bytes
    wrapped: bytes


async def find(connection: Connection, master_key: bytes) -> PushKey:
    """Give the key, drawn at its first use. Raises MediaDamaged when the master key is not the one it had."""
    stored = await one(connection, _Wrapped, FIND)
    if stored is None:
        await run(connection, LOCK)
        stored = await one(connection, _Wrapped, FIND) or await _drawn(connection, master_key)
    return PushKey(stored.public_key, unwrap(master_key, SERVICE, stored.wrapped))


async def _drawn(connection: Connection, master_key: bytes) -> _Wrapped:
    private = ec.generate_private_key(ec.SECP256R1())
    public_key = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    seed = private.private_numbers().private_value.to_bytes(KEY_SIZE, "big")
    drawn = _Wrapped(public_key, wrap(master_key, SERVICE, seed))
    await run(connection, INSERT, public_key=public_key, wrapped=drawn.wrapped)
    return drawn

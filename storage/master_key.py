"""The master key: what contributors' keys, signing keys and webhooks' secrets lie under, and the one before it.

A key that may be known to others is replaced while the service runs: the new one closes everything from then on, what
the one before it closed still opens, and `companion keys rewrap` closes it anew (decision 0032).
"""

from __future__ import annotations

import os

from storage.errors import MediaDamaged

NONCE_SIZE = 12


class MasterKey(bytes):
    """The 32 bytes of the key in use; `before` are those of the one that it replaces, while there is one."""

    before: bytes | None = None

    @classmethod
    def replacing(cls, key: bytes, before: bytes | None) -> MasterKey:
        """Put a key in the place of another one."""
        made = cls(key)
        made.before = before
        return made


def openers(master_key: bytes) -> tuple[bytes, ...]:
    """List the keys that may open what is stored, the one in use first."""
    before = master_key.before if isinstance(master_key, MasterKey) else None
    return (master_key,) if before is None else (bytes(master_key), before)


def close(master_key: bytes, secret: bytes, owner: bytes) -> bytes:
    """Encrypt a secret (AES-256-GCM); bound to whose it is, so that rows cannot be exchanged."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(NONCE_SIZE)
    return nonce + AESGCM(bytes(master_key)).encrypt(nonce, secret, owner)


def opened(master_key: bytes, closed: bytes, owner: bytes) -> bytes:
    """Decrypt a secret. Raises MediaDamaged when none of the keys is the one it had."""
    # Every command reads the settings, which hold the key; few of them open anything.
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    for key in openers(master_key):
        try:
            return AESGCM(bytes(key)).decrypt(closed[:NONCE_SIZE], closed[NONCE_SIZE:], owner)
        except (InvalidTag, ValueError):
            continue
    raise MediaDamaged


def closed_anew(master_key: MasterKey, closed: bytes, owner: bytes) -> bytes | None:
    """Close anew what the key before closed; None for what the one in use opens. Raises MediaDamaged as `opened`."""
    try:
        opened(bytes(master_key), closed, owner)
    except MediaDamaged:
        return close(master_key, opened(master_key, closed, owner), owner)
    return None

"""Messages that only one device can read, although strangers' servers carry them (RFC 8291, over RFC 8188).

Both sides agree on a key by Diffie-Hellman on P-256 with a key pair of this one message, and mix in a secret that the
push service does not know. The package http-ece does the same and has no wheel: it would be built at every install.
"""

from __future__ import annotations

import os
import struct

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SALT_SIZE, SECRET_SIZE, POINT_SIZE, TAG_SIZE = 16, 16, 65, 16
#: A push service need not carry more (RFC 8030, section 7.2), so a message is one record (RFC 8291, section 4).
BODY_SIZE = 4096
HEADER = struct.Struct(f">{SALT_SIZE}sIB{POINT_SIZE}s")
#: What says that no record follows (RFC 8188, section 2).
LAST = b"\x02"
#: Bytes that fit into one message.
CAPACITY = BODY_SIZE - HEADER.size - len(LAST) - TAG_SIZE


def encrypt(
    plaintext: bytes,
    p256dh: bytes,
    auth: bytes,
    *,
    private: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """Encrypt at most CAPACITY bytes for the device with this public key (65 bytes) and secret (16).

    `private` and `salt` are drawn for each message; only the example of the standard gives its own. Raises ValueError
    for a public key that is no point of the curve.
    """
    private = private or ec.generate_private_key(ec.SECP256R1())
    salt = salt or os.urandom(SALT_SIZE)
    point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    shared = private.exchange(ec.ECDH(), device_key(p256dh))
    secret = _derived(shared, auth, b"WebPush: info\0" + p256dh + point, 32)
    key = _derived(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(secret, salt, b"Content-Encoding: nonce\0", 12)
    sealed = AESGCM(key).encrypt(nonce, plaintext + LAST, None)
    return HEADER.pack(salt, BODY_SIZE, len(point), point) + sealed


def device_key(p256dh: bytes) -> ec.EllipticCurvePublicKey:
    """Read a device's public key. Raises ValueError when it is no point of the curve."""
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), p256dh)


def _derived(secret: bytes, salt: bytes, info: bytes, size: int) -> bytes:
    return HKDF(SHA256(), size, salt, info).derive(secret)

"""Signatures that hold without us: JSON Web Signatures (RFC 7515) with Ed25519 (RFC 8037, RFC 9864).

What a contributor is given to keep (receipts, quotes, statements, checkpoints) is signed, and can be checked years
later, offline, with the public keys at `/.well-known/jwks.json`. What is signed is canonical JSON (RFC 8785) or the
bytes of a document; `typ` says what kind of thing it is, so that a quote cannot be shown as a receipt.
"""

from __future__ import annotations

import asyncio
import warnings
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

import msgspec
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from storage import signing_keys
from storage.database import Pool, transaction

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from joserfc import jws
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet, OKPKey

#: The fully specified algorithm of RFC 9864; "EdDSA" is deprecated since.
ALGORITHM = "Ed25519"


class SignatureWrong(Exception):
    """The signature does not fit: the text was changed, or it is not ours."""


class Signer(Struct, frozen=True):
    """The key that signs now, and its name."""

    kid: str
    key: OKPKey


class PublicJwk(Struct, frozen=True):
    """One public key as a JSON Web Key (RFC 7517, RFC 8037)."""

    kid: str
    x: str
    kty: str = "OKP"
    crv: str = "Ed25519"
    alg: str = ALGORITHM
    use: str = "sig"


class Jwks(Struct, frozen=True):
    """A set of public keys (RFC 7517, section 5), newest first."""

    keys: list[PublicJwk]


class Verified(Struct, frozen=True):
    """A signature that fits: its kind, the key's name, and the bytes that were signed."""

    typ: str
    kid: str
    payload: bytes


class Signatures:
    """The service's signing key, read at its first use, because the database may be away when the service starts."""

    def __init__(self, database: Pool, master_key: bytes) -> None:
        """Remember where keys lie."""
        self.database = database
        self.master_key = master_key
        self.known: Signer | None = None
        self.one_at_a_time = asyncio.Lock()

    async def signer(self) -> Signer:
        """Give the key that signs, drawing the first one there is. Raises DatabaseBusy, MediaDamaged."""
        async with self.one_at_a_time:
            if self.known is None:
                self.known = await current(self.database, self.master_key)
        return self.known

    async def published(self) -> Jwks:
        """Give every public key there ever was."""
        await self.signer()
        async with transaction(self.database) as connection:
            return Jwks([public_jwk(key) for key in await signing_keys.published(connection)])


async def current(database: Pool, master_key: bytes) -> Signer:
    """Read the newest key, or draw the first."""
    async with transaction(database) as connection:
        stored = await signing_keys.newest(connection, master_key)
        if stored is None:
            await signing_keys.alone(connection)
            stored = await signing_keys.newest(connection, master_key) or await draw(connection, master_key)
    return signer_of(stored)


async def draw(connection: Any, master_key: bytes) -> signing_keys.PrivateKey:
    """Make a new key and store it; the ones before it stay published."""
    private = Ed25519PrivateKey.generate()
    kid = OKPKey.import_key(_jwk_of(private.private_bytes_raw())).thumbprint()
    await signing_keys.add(connection, master_key, kid, private)
    return signing_keys.PrivateKey(kid, private.private_bytes_raw())


def signer_of(stored: signing_keys.PrivateKey) -> Signer:
    """Make a stored key ready to sign."""
    return Signer(stored.kid, OKPKey.import_key(_jwk_of(stored.seed)))


def public_jwk(key: signing_keys.PublicKey) -> PublicJwk:
    """Write a public key as a JSON Web Key."""
    return PublicJwk(key.kid, base64url(key.public_key))


def sign(signer: Signer, payload: bytes | dict[str, Any], *, typ: str) -> str:
    """Sign bytes, or a JSON object in its canonical form; gives a compact JWS (RFC 7515, section 3.1)."""
    header = {"alg": ALGORITHM, "kid": signer.kid, "typ": typ}
    return jws.serialize_compact(header, _bytes(payload), signer.key, algorithms=[ALGORITHM])


def sign_detached(signer: Signer, payload: bytes | dict[str, Any], *, typ: str) -> str:
    """Sign bytes that travel beside the signature: a JWS with an empty middle (RFC 7515, appendix F)."""
    head, _, signature = sign(signer, payload, typ=typ).split(".")
    return f"{head}..{signature}"


def verified(token: str, jwks: Jwks, payload: bytes | dict[str, Any] | None = None) -> Verified:
    """Check a compact JWS, or a detached one over `payload`. Raises SignatureWrong."""
    try:
        keys = KeySet([_public(key) for key in jwks.keys])
        if payload is not None:
            head, _, signature = token.split(".")
            token = f"{head}.{base64url(_bytes(payload))}.{signature}"
        checked = jws.deserialize_compact(token, keys, algorithms=[ALGORITHM])
    except (JoseError, ValueError) as error:
        raise SignatureWrong from error
    header = checked.headers()
    return Verified(str(header.get("typ", "")), str(header.get("kid", "")), checked.payload)


def _public(key: PublicJwk) -> OKPKey:
    return OKPKey.import_key({"kty": key.kty, "crv": key.crv, "x": key.x, "kid": key.kid})


def _jwk_of(seed: bytes) -> dict[str, Any]:
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return {"kty": "OKP", "crv": "Ed25519", "x": base64url(public), "d": base64url(seed)}


def _bytes(payload: bytes | dict[str, Any]) -> bytes:
    return payload if isinstance(payload, bytes) else rfc8785.dumps(payload)


def base64url(value: bytes) -> str:
    """Write bytes as URLs take them, without padding (RFC 4648, section 5)."""
    return urlsafe_b64encode(value).decode().rstrip("=")


def parse_jwks(text: Sequence[Any] | dict[str, Any]) -> Jwks:
    """Read a key set that was fetched before; keys of other kinds are left out. Raises SignatureWrong."""
    try:
        found = text["keys"] if isinstance(text, dict) else text
        ours = [key for key in found if key.get("crv") == "Ed25519"]
        jwks = Jwks([msgspec.convert({"kid": key["kid"], "x": key["x"]}, PublicJwk) for key in ours])
        for key in jwks.keys:
            _public(key)
    except (KeyError, TypeError, AttributeError, ValueError, JoseError) as error:
        raise SignatureWrong("This is not a set of public keys.") from error
    return jwks

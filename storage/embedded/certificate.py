"""The certificate by which the parts of the object store know each other.

SeaweedFS' internal gRPC ports accept whoever reaches them, S3 keys or not: any program on the machine could list and
delete recordings. With mutual TLS they accept only the holder of this one key.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


def made() -> tuple[bytes, bytes]:
    """Make a certificate that signs itself, and its key, both as PEM.

    It is its own authority, so nothing else in the world can make a peer. It never leaves the data directory and is
    valid for a hundred years: an expiry would only stop the service one night.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "companion")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A phone's or a laptop's clock may be set back by a day; the store has to start all the same.
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=36_500))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM), secret

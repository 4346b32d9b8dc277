"""A phone and its push service on this machine, for tests: takes messages (RFC 8030) and reads them (RFC 8291)."""

import json
import os
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from storage.push_subscriptions import Address


class Device(ThreadingHTTPServer):
    """A phone that can be woken; `status` is what its push service answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), PushService)
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.p256dh = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.auth = os.urandom(16)
        self.status = 201
        self.requests: list[tuple[dict[str, str], bytes]] = []

    @property
    def address(self) -> Address:
        return Address(f"http://127.0.0.1:{self.server_address[1]}/p/{self.auth.hex()}", self.p256dh, self.auth)

    @property
    def pages(self) -> list[dict[str, Any]]:
        """What the phone reads, the oldest first."""
        return [json.loads(self.read(body)) for _, body in self.requests]

    @property
    def kinds(self) -> list[list[str]]:
        """The kinds of events in each message."""
        return [[event["kind"] for event in page["data"]] for page in self.pages]

    def read(self, body: bytes) -> bytes:
        """Decrypt a message."""
        salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        theirs, sealed = body[21 : 21 + length], body[21 + length :]
        assert len(body) <= size == 4096
        shared = self.private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs))
        secret = HKDF(SHA256(), 32, self.auth, b"WebPush: info\0" + self.p256dh + theirs).derive(shared)
        key = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(secret)
        nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(secret)
        plaintext, end, padding = AESGCM(key).decrypt(nonce, sealed, None).rpartition(b"\x02")
        assert (end, padding.strip(b"\0")) == (b"\x02", b"")
        return plaintext


class PushService(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        device: Device = self.server  # type: ignore[assignment]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        device.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(device.status)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def device() -> Iterator[Device]:
    """Lend a phone."""
    phone = Device()
    thread = threading.Thread(target=phone.serve_forever, daemon=True)
    thread.start()
    yield phone
    phone.shutdown()
    phone.server_close()


def subscription(endpoint: str = "https://push.example.org/v2/gAAAAABk") -> dict[str, Any]:
    """What a browser gives: an endpoint and fresh keys."""
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    p256dh = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    keys = {name: urlsafe_b64encode(value).decode().rstrip("=") for name, value in
            (("p256dh", p256dh), ("auth", os.urandom(16)))}  # fmt: skip
    return {"endpoint": endpoint, "keys": keys}

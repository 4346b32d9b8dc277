"""Tickets: addresses that carry their own permission, for players and programs that send no header.

A ticket is its facts and a signature (HMAC-SHA-256, RFC 2104) under a key that is derived for one purpose, so that a
ticket to listen is never one to download, and nobody can change whom it is for or when it ends.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from hashlib import sha256

from storage.master_key import openers

SIGNATURE_SIZE = 32


def signed(master_key: bytes, purpose: bytes, content: bytes) -> str:
    """Write facts as a ticket."""
    signature = hmac.digest(hmac.digest(master_key, purpose, sha256), content, sha256)
    return base64.urlsafe_b64encode(content + signature).decode().rstrip("=")


def opened(master_key: bytes, purpose: bytes, ticket: str, size: int) -> bytes | None:
    """Read `size` bytes of facts back; None unless this service wrote exactly them for this purpose."""
    try:
        content = base64.b64decode(ticket + "=" * (-len(ticket) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    facts, given = content[:-SIGNATURE_SIZE], content[-SIGNATURE_SIZE:]
    # One that was given out a moment before the key was replaced leads where it said.
    expected = [hmac.digest(hmac.digest(key, purpose, sha256), facts, sha256) for key in openers(master_key)]
    ours = any(hmac.compare_digest(signature, given) for signature in expected)
    return facts if len(facts) == size and ours else None

"""`companion verify`: check what a contributor was given to keep, offline, with nothing but the public keys.

Three forms are understood: a signature that carries its text (a compact JWS: receipts, quotes), a JSON document whose
`signature` member is a detached JWS over the rest of it in canonical form (statements, passports, checkpoints), and any
file beside its detached signature (the card and the legal text of a term sheet).
"""

from __future__ import annotations

import argparse
import json
import sys
import urllib.request
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from api.passport_proof import examine
from api.signing import Jwks, SignatureWrong, Verified, parse_jwks, verified

FETCH_TIMEOUT_S = 10


def verify(words: Sequence[str]) -> int:
    """Check every file; 0 when all of them are genuine, 1 when one is not, 2 when something cannot be read."""
    parser = argparse.ArgumentParser(prog="companion verify", description="Check signed receipts and documents.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a receipt or a signed JSON document")
    parser.add_argument(
        "--keys", default="jwks.json", help="the service's public keys: a file, or the URL of /.well-known/jwks.json"
    )
    parser.add_argument(
        "--signature", metavar="JWS", help="the detached signature of a card or legal text: its X-JWS-Signature header"
    )
    chosen = parser.parse_args(words)
    if chosen.signature is not None and len(chosen.files) != 1:
        parser.error("--signature belongs to one FILE.")
    try:
        keys = read_keys(chosen.keys)
        if chosen.signature is not None:
            return said(chosen.files[0], lambda: verified(chosen.signature, keys, chosen.files[0].read_bytes()))
        texts = [(file, file.read_text(encoding="utf-8")) for file in chosen.files]
    except (OSError, ValueError) as error:
        print(f"companion verify: {error}", file=sys.stderr)
        return 2
    return max(said(file, partial(checked, text, keys)) for file, text in texts)


def read_keys(place: str) -> Jwks:
    """Read the public keys from a file or a URL. Raises OSError, ValueError."""
    if place.startswith(("http://", "https://")):
        with urllib.request.urlopen(place, timeout=FETCH_TIMEOUT_S) as answer:  # noqa: S310 - http(s) only, by the test above.
            text = answer.read(1_000_000)
    else:
        text = Path(place).read_bytes()
    try:
        return parse_jwks(json.loads(text))
    except (SignatureWrong, RecursionError) as error:
        raise ValueError(str(error)) from error


def said(file: Path, check: Callable[[], Verified]) -> int:
    """Print one line about one file, and return 0 or 1."""
    try:
        found = check()
    except SignatureWrong as error:
        print(f"{file}: NOT genuine. {error or SignatureWrong.__doc__}")
        return 1
    print(f"{file}: genuine {found.typ or 'document'}, signed with key {found.kid}")
    return 0


def checked(text: str, keys: Jwks) -> Verified:
    """Check a receipt or a signed document. Raises SignatureWrong."""
    if not text.lstrip().startswith("{"):
        return verified(text.strip(), keys)
    document = _document(text)
    signature = document.pop("signature", None)
    if not isinstance(signature, str):
        raise SignatureWrong("The document has no signature.")
    found = verified(signature, keys, document)
    examine(found.typ, document, keys)
    return found


def _document(text: str) -> dict[str, Any]:
    """Read a JSON object in which no name comes twice: two readers could otherwise see two documents."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise SignatureWrong("A name comes twice in the document.")
        return dict(pairs)

    try:
        found = json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise SignatureWrong("This is not a JSON document.") from error
    return dict(found)

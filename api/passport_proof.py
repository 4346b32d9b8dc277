"""What a passport and a checkpoint prove by themselves, checked without a network and without us.

The signature says that we gave out this text. The chain says that its entries are complete and in order; the path says
that this history was fixed on a day whose checkpoint was published. Nothing here asks the service.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import rfc8785

from api.merkle import leads_to_root, leaf_hash
from api.signing import Jwks, SignatureWrong, verified

PASSPORT, CHECKPOINT = "passport+jws", "checkpoint+jws"


def entry_hash(recording: str, entry: dict[str, Any]) -> str:
    """Hash an entry as the database did: SHA-256 over its canonical form, in hexadecimal."""
    hashed = {name: entry[name] for name in ("number", "kind", "at", "data", "previous")}
    return hashlib.sha256(rfc8785.dumps({"recording": recording, **hashed})).hexdigest()


def head_leaf(recording: str, number: int, sha256: str) -> bytes:
    """Hash the newest entry of a passport as a leaf of a checkpoint's tree."""
    return leaf_hash(rfc8785.dumps({"recording": recording, "number": number, "sha256": sha256}))


def check_chain(passport: dict[str, Any]) -> None:
    """Follow the chain from its first entry to its head. Raises SignatureWrong."""
    previous: str | None = None
    entries: list[dict[str, Any]] = passport["entries"]
    for number, entry in enumerate(entries, start=1):
        if entry["number"] != number or entry["previous"] != previous:
            raise SignatureWrong(f"Entry {number} does not follow the one before it.")
        if entry["sha256"] != entry_hash(passport["recording"], entry):
            raise SignatureWrong(f"Entry {number} was changed.")
        previous = entry["sha256"]
    if passport["head"] != {"number": len(entries), "sha256": previous}:
        raise SignatureWrong("The last entries are missing.")


def check_day(passport: dict[str, Any], keys: Jwks) -> None:
    """Check that the passport's history was fixed by the checkpoint it names. Raises SignatureWrong."""
    proof = passport["checkpoint"]
    if proof is None:
        return
    day = dict(proof["document"])
    signature = day.pop("signature")
    if verified(signature, keys, day).typ != CHECKPOINT:
        raise SignatureWrong("What the passport names is no checkpoint.")
    fixed = passport["entries"][proof["number"] - 1]["sha256"]
    leaf = head_leaf(passport["recording"], proof["number"], fixed)
    path = [bytes.fromhex(step) for step in proof["path"]]
    if not leads_to_root(leaf, proof["position"], day["leaves"], path, bytes.fromhex(day["root"])):
        raise SignatureWrong("The checkpoint does not cover this history.")


def examine(typ: str, document: dict[str, Any], keys: Jwks) -> None:
    """Check what a signed document of this kind promises besides its signature. Raises SignatureWrong."""
    checks: dict[str, tuple[Callable[[], None], ...]] = {
        PASSPORT: (lambda: check_chain(document), lambda: check_day(document, keys)),
    }
    try:
        for check in checks.get(typ, ()):
            check()
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise SignatureWrong("A part of the document is missing.") from error

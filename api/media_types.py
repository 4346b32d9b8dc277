"""Which form of a resource is meant: Accept, with its weights and wildcards (RFC 9110, section 12.5.1)."""

import re
from collections.abc import Sequence


def wanted(accept: str | None, offered: Sequence[str]) -> str:
    """Give the one of `offered` that an Accept header prefers; the first where it names none of them.

    Who asks for nothing we have gets the usual form rather than 406, as section 15.5.7 allows: the Content-Type says
    what it is.
    """
    ranges = [known for part in (accept or "")[:1000].split(",") if (known := _range(part))]
    weights = [
        max((match for match in ranges if _covers(match[0], kind)), key=_precision, default=("", 0.0))[1]
        for kind in offered
    ]
    best = max(weights, default=0.0)
    return offered[weights.index(best)]


def _range(part: str) -> tuple[str, float] | None:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    quality = next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1")
    valid = re.fullmatch(r"[01](?:\.\d{0,3})?", quality)
    return (name, float(quality)) if name and valid else None


def _covers(known: str, kind: str) -> bool:
    return known in {"*/*", f"{kind.partition('/')[0]}/*", kind}


def _precision(known: tuple[str, float]) -> int:
    return -known[0].count("*")

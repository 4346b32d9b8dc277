"""The parts of an OpenAPI document, as plain JSON values."""

from collections.abc import Iterator
from typing import Any

Node = dict[str, Any]


def nodes(value: Any) -> Iterator[Node]:
    """Every object in the document, from the outside in."""
    if isinstance(value, dict):
        yield value
        for part in list(value.values()):
            yield from nodes(part)
    elif isinstance(value, list):
        for part in value:
            yield from nodes(part)

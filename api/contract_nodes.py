"""The parts of an OpenAPI document, as plain JSON values."""

from collections.abc import Iterator
from typing import Any

Node = dict[str, Any]


def end_patterns(node: Node) -> None:
    """Write the end of a pattern as JSON Schema does, whose `$` is the end; Python's is also before a last newline."""
    if isinstance(node.get("pattern"), str):
        node["pattern"] = node["pattern"].replace(r"\Z", "$")


def nodes(value: Any) -> Iterator[Node]:
    """Every object in the document, from the outside in."""
    if isinstance(value, dict):
        yield value
        for part in list(value.values()):
            yield from nodes(part)
    elif isinstance(value, list):
        for part in value:
            yield from nodes(part)

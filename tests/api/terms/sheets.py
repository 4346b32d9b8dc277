"""Term sheets for tests: those that ship, with any member changed, and any that the schema allows."""

import copy
import re
from typing import Any

import msgspec
from hypothesis import strategies as st

from api.publishing import shipped
from api.terms.check import schema
from api.terms.sheet import TermSheet

#: Which member of a list's entries may be there once.
ONCE = {"Use": "code", "Derivative": "kind", "Rate": "currency", "Bonus": "code", "Royalty": "event", "Fee": "code"}
#: Texts for each form that the schema asks for; drawing them from the pattern itself takes seconds.
TEXTS = [
    *("P0D", "PT1M", "PT90M", "P1D", "P30D", "P31D", "P3M", "P2Y", "P5Y", "P10Y", "PT1H", "never"),
    *("DE", "FR", "US-IL", "worldwide", "EUR", "USD", "JPY", "mailto:one@example.org", "https://two.example"),
    *("One", "Two, and more", "三", "/v1/three", "some-sheet"),
]


def document(name: str = "voice-standard", version: int = 1) -> dict[str, Any]:
    """A copy of a sheet that ships."""
    found = next(sheet for sheet in shipped() if (sheet["id"], sheet["version"]) == (name, version))
    return copy.deepcopy(found)


def read(changed: dict[str, Any]) -> TermSheet:
    """Read a document by the schema alone, without the rules between members."""
    return msgspec.convert(changed, TermSheet)


def put(changed: dict[str, Any], pointer: str, value: Any) -> dict[str, Any]:
    """Set the member at a pointer; `…` removes it."""
    *path, last = pointer.split("/")[1:]
    place: Any = changed
    for part in path:
        place = place[int(part)] if isinstance(place, list) else place.setdefault(part, {})
    key: Any = int(last) if isinstance(place, list) else last
    if value is ...:
        del place[key]
    elif isinstance(place, list) and key == len(place):
        place.append(value)
    else:
        place[key] = value
    return changed


def any_sheet() -> st.SearchStrategy[TermSheet]:
    """A sheet that ships with up to four of its parts replaced by anything that the JSON Schema allows there."""
    definitions = schema()["$defs"]
    parts = {name: _values(part, definitions) for name, part in definitions["TermSheet"]["properties"].items()}
    some = st.lists(st.sampled_from(sorted(parts)), max_size=4, unique=True)
    changes = some.flatmap(lambda names: st.fixed_dictionaries({name: parts[name] for name in names}))
    return changes.map(lambda changed: read({**document("voice-standard", 2), **changed}))


def _values(node: dict[str, Any], definitions: dict[str, Any], name: str = "") -> st.SearchStrategy[Any]:
    if "$ref" in node:
        name = node["$ref"].rsplit("/", 1)[1]
        return _values(definitions[name], definitions, name)
    if "anyOf" in node:
        return st.one_of([_values(choice, definitions) for choice in node["anyOf"]])
    if "enum" in node or "const" in node:
        return st.sampled_from(node.get("enum") or [node["const"]])
    return {"object": _object, "array": _array}.get(node["type"], _scalar)(node, definitions)


def _object(node: dict[str, Any], definitions: dict[str, Any]) -> st.SearchStrategy[Any]:
    parts = {name: _values(part, definitions) for name, part in node["properties"].items()}
    required = {name: parts.pop(name) for name in node["required"]}
    return st.fixed_dictionaries(required, optional=parts)


def _array(node: dict[str, Any], definitions: dict[str, Any]) -> st.SearchStrategy[Any]:
    items = node["items"]
    key = ONCE.get(items.get("$ref", "").rsplit("/", 1)[-1])
    unique = (lambda entry: entry[key]) if key else (lambda entry: entry)
    return st.lists(_values(items, definitions), min_size=node.get("minItems", 0), max_size=4, unique_by=unique)


def _scalar(node: dict[str, Any], _: dict[str, Any]) -> st.SearchStrategy[Any]:
    if node["type"] == "integer":
        return st.integers(node.get("minimum", 0), min(node.get("maximum", 10**6), 10**12))
    if node["type"] == "string":
        return st.sampled_from([text for text in TEXTS if re.search(node.get("pattern", ""), text)])
    return st.booleans() if node["type"] == "boolean" else st.none()

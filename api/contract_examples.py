"""Examples for every operation, composed from the examples that the fields themselves carry.

An example written beside a whole request grows stale when a field is added. One composed from the fields cannot: each
field's type says once what a typical value is (`Meta(examples=[…])`), and every operation that uses it shows it.
"""

from collections.abc import Callable
from typing import Any

from api.contract_nodes import Node
from api.contract_values import FIELDS, PARAMETERS

DEEPEST = 12

# What a value looks like when only its format is known (OpenAPI format registry).
BY_FORMAT: dict[str, Any] = {
    "uuid": "0198c2f4-6a51-7c3e-9d1b-5f3f0a1c2b3d",
    "date-time": "2026-03-14T09:26:53Z",
    "date": "2026-03-14",
    "time": "09:26:53",
    "duration": "PT2M30S",
    "email": "amina@example.org",
    "uri": "https://example.org/",
}


def add_examples(document: Node) -> None:
    """Give each JSON body and each path parameter an example, where it does not have one yet."""
    schemas = document.get("components", {}).get("schemas", {})
    add_typical_values(schemas)
    for path in document.get("paths", {}).values():
        for operation in path.values():
            if isinstance(operation, dict):
                exemplify(operation, schemas)


def add_typical_values(schemas: Node) -> None:
    """Give the fields of the libraries' structs their examples, where they have none of their own."""
    for name, fields in FIELDS.items():
        properties = schemas.get(name, {}).get("properties", {})
        for field, value in fields.items():
            if field in properties:
                properties[field].setdefault("examples", [value])


def exemplify(operation: Node, schemas: Node) -> None:
    """Add the examples of one operation: what is sent, what comes back, and the names in its path."""
    bodies = [operation.get("requestBody", {}), *operation.get("responses", {}).values()]
    for content in (media for body in bodies for media in body.get("content", {}).items()):
        media_type, media = content
        if media_type.endswith("json") and not media.keys() & {"example", "examples"}:
            media["example"] = example_of(media.get("schema", {}), schemas)
    for parameter in operation.get("parameters", []):
        if parameter.get("required") and not parameter.keys() & {"example", "examples"}:
            parameter["example"] = PARAMETERS.get(parameter["name"]) or example_of(parameter.get("schema", {}), schemas)


def example_of(schema: Node, schemas: Node, depth: int = 0) -> Any:
    """A typical value of a schema: its own example first, else what its parts, its bounds and its format say."""
    for told in own_examples(schema):
        return told
    if depth > DEEPEST:
        return None
    if "$ref" in schema:
        return example_of(schemas.get(schema["$ref"].rsplit("/", 1)[1], {}), schemas, depth + 1)
    for choice in (*schema.get("oneOf", []), *schema.get("anyOf", [])):
        return example_of(choice, schemas, depth + 1)
    kinds = schema.get("type")
    kind = kinds if isinstance(kinds, str) else next((kind for kind in kinds or [] if kind != "null"), None)
    compose = BY_TYPE.get(kind or "object")
    return compose(schema, schemas, depth) if compose else None


def own_examples(schema: Node) -> list[Any]:
    """What the schema itself gives as a value, the most telling first."""
    examples = schema.get("examples")
    told = list(examples.values() if isinstance(examples, dict) else examples or [])
    told += [schema[key] for key in ("example", "const") if key in schema]
    return told + list(schema.get("enum", []))[:1]


def an_object(schema: Node, schemas: Node, depth: int) -> Any:
    """Every property with its own example; names that the schema leaves open are left out."""
    return {name: example_of(part, schemas, depth + 1) for name, part in schema.get("properties", {}).items()}


def an_array(schema: Node, schemas: Node, depth: int) -> Any:
    """One item, or as many as the schema asks for."""
    return [example_of(schema.get("items", {}), schemas, depth + 1)] * max(1, schema.get("minItems", 0))


def a_string(schema: Node, _schemas: Node, _depth: int) -> Any:
    """The format's own value, else the default, else an ellipsis, which the contract's test refuses."""
    return BY_FORMAT.get(schema.get("format", ""), schema.get("default", "…"))


def a_number(schema: Node, _schemas: Node, _depth: int) -> Any:
    """The default, else the lowest value allowed, else one."""
    lowest = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
    return schema["default"] if schema.get("default") is not None else lowest


BY_TYPE: dict[str, Callable[[Node, Node, int], Any]] = {
    "object": an_object,
    "array": an_array,
    "string": a_string,
    "integer": a_number,
    "number": a_number,
    "boolean": lambda schema, _schemas, _depth: schema.get("default", True),
}

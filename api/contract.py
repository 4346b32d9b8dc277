"""The OpenAPI document that clients are generated from: what is documented is what is sent.

Litestar describes the routes; eight things in its description would mislead a generated client and are put right here:
whole numbers bounded by fractions, tagged unions without their tag, errors in another content type than the one on the
wire, answers without a body that promise one, lists whose parts seem to be anything, answers that no type of a function
names (`api/contract_answers.py`), headers that a function reads by itself (`api/contract_headers.py`), and names that
only our modules understand (`api/contract_schemas.py`). Every operation also gets an example, composed from those of
its fields, because a contributor's developer copies the example before reading the schema.
"""

import re
from collections.abc import Iterator

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.types.internal_types import PathParameterDefinition

from api.contract_answers import add_answers
from api.contract_examples import add_examples
from api.contract_headers import add_headers
from api.contract_nodes import Node, end_patterns, nodes
from api.contract_schemas import describe_schemas
from api.problems import page_of

METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
# RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5: these answers never carry content.
BODILESS = ("204", "205", "304")
PROBLEM = {"$ref": "#/components/schemas/Problem"}
#: Where each problem is shown once, however many operations it can happen to.
PROBLEMS_SHOWN = "#/components/examples/"


def contract(app: Litestar) -> Node:
    """The whole document, as plain JSON values, of the routes this application serves."""
    document = app.openapi_schema.to_schema()
    require_token(document)
    for path, method, handler in handled(app):
        operation = document.get("paths", {}).get(path, {}).get(method)
        if operation is not None:
            name_the_token(operation, handler)
            add_answers(operation, handler)
            add_headers(operation, method, path, handler)
            limit_items(document, handler)
    describe_schemas(document)
    return corrected(document)


def corrected(document: Node) -> Node:
    """The same document, changed in place, with what Litestar leaves wrong put right."""
    schemas = document.get("components", {}).get("schemas", {})
    for node in nodes(document):
        use_whole_bounds(node)
        unwrap_single_choice(node)
        name_the_tag(node, schemas)
        drop_noise(node)
        end_patterns(node)
    for operation in operations(document):
        describe_errors_as_sent(operation)
        use_first_sentence_as_summary(operation)
    show_problems(document)
    add_examples(document)
    return document


def handled(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    """Path, method and handler of every route, with path and method as OpenAPI writes them."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                yield from ((route.path_format, method.lower(), handler) for method in handler.http_methods)


def require_token(document: Node) -> None:
    """Document the access token, which every operation asks for unless it says something else."""
    schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes["bearer"] = {
        "type": "http",
        "scheme": "bearer",
        "description": "The access token that signing up, signing in and refreshing answer with.",
    }
    schemes["buyerKey"] = {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key of a buyer; it opens the releases that were sold to that buyer and nothing else.",
    }
    document["security"] = [{"bearer": []}]


def name_the_token(operation: Node, handler: HTTPRouteHandler) -> None:
    """Say that a public operation asks for no token, and a buyer's one for a buyer's key."""
    if handler.opt.get("public"):
        operation["security"] = []
    elif handler.opt.get("buyer"):
        operation["security"] = [{"buyerKey": []}]


def limit_items(document: Node, handler: HTTPRouteHandler) -> None:
    """Say what each part of a sent list has to match, which the server holds it to and Litestar leaves out."""
    sent = handler.parsed_fn_signature.parameters.get("data")
    if sent is None or not isinstance(sent.annotation, type) or not issubclass(sent.annotation, msgspec.Struct):
        return
    _, stated = msgspec.json.schema_components([sent.annotation])
    described = document["components"]["schemas"].get(sent.annotation.__name__, {})
    for field, part in stated[sent.annotation.__name__]["properties"].items():
        if "pattern" in part.get("items", {}):
            described["properties"][field]["items"]["pattern"] = part["items"]["pattern"]


def operation_id(handler: HTTPRouteHandler, _method: str, path: list[str | PathParameterDefinition]) -> str:
    """Name an operation like its function: `list_recordings` becomes the generated client's `listRecordings`.

    A function that answers at several paths carries the last parameter of a path in its name there.
    """
    first, *others = handler.handler_name.split("_")
    name = first + "".join(word.capitalize() for word in others)
    last = path[-1] if path else ""
    if len(handler.paths) > 1 and isinstance(last, PathParameterDefinition):
        name += f"By{last.name.capitalize()}"
    return name


def operations(document: Node) -> Iterator[Node]:
    """Every operation of every path."""
    for path in document.get("paths", {}).values():
        yield from (path[method] for method in METHODS if method in path)


def use_whole_bounds(node: Node) -> None:
    """Write 100 for 100.0: a strict generator refuses a fraction as the bound of an integer."""
    for bound in BOUNDS:
        if isinstance(node.get(bound), float) and node[bound].is_integer():
            node[bound] = int(node[bound])


def unwrap_single_choice(node: Node) -> None:
    """Replace a choice of one (an optional field that may be left out) by its only member."""
    choices = node.get("oneOf")
    if isinstance(choices, list) and len(choices) == 1:
        del node["oneOf"]
        node.update({key: value for key, value in choices[0].items() if key not in node})


def name_the_tag(node: Node, schemas: Node) -> None:
    """Add the discriminator to a union of tagged structs, so a client knows which one it got.

    A union that also allows null is nested, because a discriminator may list objects only.
    """
    choices = node.get("oneOf")
    if not isinstance(choices, list) or "discriminator" in node:
        return
    tagged = [choice for choice in choices if "$ref" in choice]
    discriminator = discriminator_of([choice["$ref"] for choice in tagged], schemas)
    if discriminator is None:
        return
    if len(tagged) == len(choices):
        node["discriminator"] = discriminator
    elif [{"type": "null"}] == [choice for choice in choices if "$ref" not in choice]:
        node["oneOf"] = [{"oneOf": tagged, "discriminator": discriminator}, {"type": "null"}]


def discriminator_of(references: list[str], schemas: Node) -> Node | None:
    """The one property that has a different constant in each schema, or None when there is no such property."""
    if len(references) < 2:
        return None
    constants = [constants_of(schemas.get(reference.rsplit("/", 1)[1], {})) for reference in references]
    for name in constants[0]:
        tags = [found.get(name) for found in constants]
        if None not in tags and len(set(tags)) == len(tags):
            return {"propertyName": name, "mapping": dict(zip(map(str, tags), references, strict=True))}
    return None


def constants_of(schema: Node) -> Node:
    """Property name to the constant it always has."""
    return {name: part["const"] for name, part in schema.get("properties", {}).items() if "const" in part}


def drop_noise(node: Node) -> None:
    """Remove members that say nothing, so a difference in the committed file is a difference in the contract."""
    for name in ("deprecated", "allowEmptyValue", "allowReserved"):
        if node.get(name) is False:
            del node[name]
    if node.get("headers") == {} and "description" in node:
        del node["headers"]


def describe_errors_as_sent(operation: Node) -> None:
    """Give every error the one body that is sent (RFC 9457), and no body to an answer that has none.

    An error that is documented with a body of its own keeps it: whoever watches reads why the service is not ready.
    """
    for status, response in operation.get("responses", {}).items():
        schemas = [media.get("schema", {}) for media in response.get("content", {}).values()]
        if status in BODILESS or {"type": "null"} in schemas:
            response.pop("content", None)
        elif status[0] in "45" and not any("$ref" in schema and schema != PROBLEM for schema in schemas):
            sent: Node = {"schema": PROBLEM}
            slugs = re.findall(r"`([a-z-]+)`", response.get("description", ""))
            if slugs:
                sent["examples"] = {slug: {"$ref": PROBLEMS_SHOWN + slug} for slug in slugs}
            response["content"] = {"application/problem+json": sent}


def show_problems(document: Node) -> None:
    """Show each problem that an operation names."""
    named = [str(node.get("$ref", "")) for node in nodes(document)]
    slugs = {name.removeprefix(PROBLEMS_SHOWN) for name in named if name.startswith(PROBLEMS_SHOWN)}
    document.setdefault("components", {})["examples"] = {slug: problem_example(slug) for slug in sorted(slugs)}


def problem_example(slug: str) -> Node:
    """One problem as it is sent, taken from the table that sends it."""
    page = page_of(slug)
    value = {"type": page.type, "title": page.title, "status": page.status, "detail": page.meaning}
    return {"summary": page.title, "value": {**value, "instance": "urn:uuid:0198c2f4-6a51-7c3e-9d1b-5f3f0a1c2b3d"}}


def use_first_sentence_as_summary(operation: Node) -> None:
    """Take the summary from the handler's docstring: Litestar takes it from the function's name."""
    first = re.match(r".+?(?=[.:;]\s|[.:;]$|\n\n|$)", operation.get("description", ""), re.DOTALL)
    if first:
        operation["summary"] = " ".join(first[0].split())

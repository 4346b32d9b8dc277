"""What an operation may answer beside what the type of its function says.

A strict client refuses what was not announced: a status, or a form that it asked for itself by Accept. So the document
lists every form of an answer (`opt={"forms": (…)}` names those beside the first), the part of a file that was asked for
(`opt={"ranges": True}`), bodies that are refused before they are read, and who may not ask at all.
"""

from litestar.handlers import HTTPRouteHandler

from api.contract_nodes import Node
from api.problems import page_of

#: Every body that is sent can be too large or of a wrong type (RFC 9110, sections 15.5.14 and 15.5.16).
REFUSED_BODIES = {"413": "body-too-large", "415": "media-type-unsupported"}


def add_answers(operation: Node, handler: HTTPRouteHandler) -> None:
    """Add everything that this operation may answer, too."""
    for media_type in handler.opt.get("forms", ()):
        operation["responses"]["200"]["content"].setdefault(media_type, {"schema": written(media_type)})
    if handler.opt.get("ranges"):
        whole = operation["responses"]["200"]
        operation["responses"]["206"] = {**whole, "description": "The asked range."}
    if handler.opt.get("operator"):
        add_problem(operation, "403", "forbidden")
    if "application/json" in operation.get("requestBody", {}).get("content", {}):
        for status, slug in REFUSED_BODIES.items():
            add_problem(operation, status, slug)


def add_problem(operation: Node, status: str, slug: str) -> None:
    """Name one more kind of problem, beside others of its status."""
    told = f"{page_of(slug).title} (`{slug}`)"
    others = operation["responses"].get(status, {}).get("description")
    operation["responses"][status] = {"description": f"{others}; {told}" if others else told}


def written(media_type: str) -> Node:
    """The schema of a form: an object, a text, or bytes."""
    if media_type.endswith("json"):
        return {"type": "object"}
    text = media_type.startswith("text/") or media_type.endswith(("xml", "jose"))
    return {"type": "string"} if text else {"type": "string", "format": "binary"}

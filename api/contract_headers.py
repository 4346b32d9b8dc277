"""Headers and bytes that an operation understands beside what Litestar can see of its function.

Who has nothing but the document must be able to send a recording: tus says everything in headers, and a key that makes
a repeat harmless is one as well.
"""

from typing import Any

from litestar.handlers import HTTPRouteHandler

from api.contract_answers import add_problem
from api.contract_nodes import Node

TUS = "/v1/uploads"
NUMBER: Node = {"type": "integer", "minimum": 0}
TEXT: Node = {"type": "string"}
RESUMABLE: Node = {"type": "string", "const": "1.0.0"}
BYTES: Node = {"application/offset+octet-stream": {"schema": {"type": "string", "format": "binary"}}}


def header(name: str, said: str, schema: Node, example: Any, *, required: bool = False) -> Node:
    """Describe a header of a request."""
    parameter = {"name": name, "in": "header", "description": said, "schema": schema, "example": example}
    return {**parameter, "required": True} if required else parameter


VERSION = header("Tus-Resumable", "The version of tus that is spoken.", RESUMABLE, "1.0.0", required=True)
OFFSET = header("Upload-Offset", "Where these bytes begin: what HEAD said last.", NUMBER, 0, required=True)
CHECKSUM = header(
    "Upload-Checksum",
    "Of this body: `sha256`, `sha1`, `md5` or `crc32`, a blank, and the digest in base64.",
    TEXT,
    "sha256 ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
)
SENT: dict[tuple[str, str], list[Node]] = {
    ("post", TUS): [
        VERSION,
        header("Upload-Length", "The size that was announced, in bytes.", NUMBER, 1_048_576, required=True),
        header(
            "Upload-Metadata",
            "`recording`, a blank, and the id of the announced recording in base64.",
            TEXT,
            "recording MDE5OGMyZjQtNmE1MS03YzNlLTlkMWItNWYzZjBhMWMyYjNk",
            required=True,
        ),
        CHECKSUM,
    ],
    ("head", f"{TUS}/{{upload}}"): [VERSION],
    ("patch", f"{TUS}/{{upload}}"): [VERSION, OFFSET, CHECKSUM],
    ("delete", f"{TUS}/{{upload}}"): [VERSION],
    ("post", f"{TUS}/{{upload}}"): [
        VERSION,
        header(
            "X-HTTP-Method-Override",
            "The method that is meant.",
            {"type": "string", "enum": ["PATCH", "HEAD", "DELETE"]},
            "PATCH",
            required=True,
        ),
        {key: value for key, value in OFFSET.items() if key != "required"},
        CHECKSUM,
    ],
    ("get", "/v1/events"): [
        header("Last-Event-ID", "Of a stream: the `number` of the last event that was seen.", TEXT, "17"),
    ],
}
ANSWERED: dict[str, Node] = {
    "Upload-Offset": {"description": "How many bytes are stored, from the start without a gap.", "schema": NUMBER},
    "Upload-Expires": {"description": "Until when it waits for bytes (RFC 9110 date).", "schema": TEXT},
}
KEY = header(
    "Idempotency-Key",
    "A name of yours for this request, such as a UUID: sent again with the same one, the answer is the first one, for "
    "30 days, and nothing is done twice.",
    {"type": "string", "minLength": 1, "maxLength": 255},
    "0198c2f4-6a51-7c3e-9d1b-5f3f0a1c2b3d",
)


KEY_PROBLEMS = (
    ("400", "idempotency-key-invalid"),
    ("409", "idempotency-key-in-progress"),
    ("422", "idempotency-key-reused"),
)


def add_headers(operation: Node, method: str, path: str, handler: HTTPRouteHandler) -> None:
    """Add what this operation reads from headers, the bytes that it takes, and what it says in headers."""
    sent = list(SENT.get((method, path), []))
    if keeps_answers(method, handler):
        sent.append(KEY)
        for status, slug in KEY_PROBLEMS:
            add_problem(operation, status, slug)
    if sent:
        operation["parameters"] = [*operation.get("parameters", []), *(dict(one) for one in sent)]
    if path.startswith(TUS) and VERSION in sent and method in ("post", "patch"):
        operation["requestBody"] = {"content": {**BYTES}, "required": method == "patch"}
    if path.startswith(TUS) and VERSION in sent and method != "delete":
        for status in ("200", "201", "204"):
            if status in operation["responses"]:
                operation["responses"][status]["headers"] = {**ANSWERED}


def keeps_answers(method: str, handler: HTTPRouteHandler) -> bool:
    """Whether a repeat under the same Idempotency-Key is answered like the first request."""
    public = handler.opt.get("public") or handler.opt.get("buyer")
    return method == "post" and not public and bool(handler.opt.get("idempotency", True))

"""Every answer that a test of the API gets is held against openapi/openapi.json: its status, type, headers and content.

Clients are generated from that document, so what it does not say breaks an app that was built by it. Schemathesis reads
it and judges, as it would for anybody else's service.
"""

from collections import Counter
from functools import cache
from pathlib import Path

import httpx
import schemathesis
from schemathesis.core.failures import FailureGroup
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

DOCUMENT = Path(__file__).parent.parent.parent / "openapi" / "openapi.json"
PROMISES = [
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
#: So many answers of one kind are judged in a process; a thousand more would be of the same kind, a millisecond each.
ENOUGH = 10
judged: Counter[tuple[str, int]] = Counter()


@schemathesis.serializer("application/offset+octet-stream")
def bytes_as_they_are(_: object, value: bytes) -> bytes:
    """Bodies of uploads are no form and no JSON."""
    return value


@cache
def document() -> BaseSchema:
    """The document, read once a process: that takes a second."""
    return schemathesis.openapi.from_path(DOCUMENT)


def unreadable(answer: httpx.Response) -> bool:
    """Tell what has no content to be judged: an event stream does not end, and HEAD has none."""
    return answer.request.method == "HEAD" or answer.headers.get("content-type", "").startswith("text/event-stream")


def unjudged(answer: httpx.Response) -> bool:
    """Tell what need not be judged, or cannot be shown.

    Only a cache asks for 304 (RFC 9110, section 13), and a body that was streamed is gone.
    """
    streamed = not isinstance(answer.request.stream, httpx.ByteStream)
    return unreadable(answer) or streamed or answer.status_code == httpx.codes.NOT_MODIFIED


def broken(case: schemathesis.Case, answer: httpx.Response) -> str | None:
    """What an answer does otherwise than the document says, if anything."""
    try:
        case.validate_response(answer, checks=PROMISES)
    except FailureGroup as found:
        return f"{case.operation.label}: {found}"
    return None


async def as_described(answer: httpx.Response) -> None:
    """Fail where an answer of a described operation is not one that the document describes; a hook of httpx."""
    asked = answer.request
    operation = document().find_operation_by_path(asked.method, asked.url.path)
    if operation is None or unjudged(answer):
        return
    judged[operation.label, answer.status_code] += 1
    if judged[operation.label, answer.status_code] > ENOUGH:
        return
    await answer.aread()
    # What stood in the path does not matter to these, but a failure is told as a request that has something there.
    names = {parameter.name: parameter.name for parameter in operation.path_parameters}
    if told := broken(operation.Case(method=asked.method, path_parameters=names), answer):
        raise AssertionError(told)

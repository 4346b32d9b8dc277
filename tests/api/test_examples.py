"""Every example of the document is sent: whoever copies one is told what is missing, never that it is wrong."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.api.taking import slug
from tests.test_openapi import OPERATIONS

Client = httpx.AsyncClient
#: Answers that say that the request itself cannot be used. Nothing of the ids in an example exists, which is another
#: matter, and signing has to be done by whoever signs.
WRONG = {400, 413, 415, 422}
SENT = {
    name: operation
    for name, operation in OPERATIONS.items()
    if "application/json" in operation.get("requestBody", {}).get("content", {})
    or (name.startswith("GET ") and any(part.get("required") for part in operation.get("parameters", [])))
}


@pytest.mark.parametrize("name", SENT)
async def test_an_example_can_be_sent_as_it_stands(
    name: str, sign_in: Callable[..., Awaitable[Client]], client: Client
):
    operation, (method, path) = SENT[name], name.split(" ")
    asking = client if operation.get("security") == [] else await sign_in("operator")
    for part in operation.get("parameters", []):
        path = path.replace(f"{{{part['name']}}}", str(part.get("example")))
    query = {part["name"]: part["example"] for part in operation.get("parameters", []) if asked(part)}
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")

    answer = await asking.request(method, path, params=query, **written(body))

    assert answer.status_code not in WRONG, (slug(answer), answer.text)


def asked(part: dict[str, Any]) -> bool:
    return part["in"] == "query" and "example" in part


def written(body: Any) -> dict[str, Any]:
    return {} if body is None else {"content": json.dumps(body), "headers": {"Content-Type": "application/json"}}

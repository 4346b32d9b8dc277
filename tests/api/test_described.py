"""The judge of every answer: what the document does not describe has to fail the test that got it."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.api.described import as_described


def answered(status: int, path: str, content: Any, media_type: str = "application/json") -> httpx.Response:
    """An answer as a client receives it."""
    request = httpx.Request("GET", f"http://companion.test{path}")
    answer = httpx.Response(status, json=content, headers={"content-type": media_type}, request=request)
    answer.elapsed = timedelta()
    return answer


@pytest.mark.parametrize(
    "answer",
    [
        answered(418, "/v1/rates", {"data": []}),
        answered(200, "/v1/rates", {"data": []}, "text/plain"),
        answered(200, "/v1/rates", {"data": "many"}),
    ],
    ids=["status", "type", "content"],
)
async def test_what_is_not_described_fails(answer: httpx.Response):
    """One for each promise of the document."""
    with pytest.raises(AssertionError, match="/v1/rates"):
        await as_described(answer)


async def test_what_is_no_operation_is_not_judged():
    """A page for people, or an address that does not exist, is in no document."""
    await as_described(answered(404, "/v1/nothing-here", {}))

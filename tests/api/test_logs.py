"""The log: one line a request, and no secret in any of them."""

import io
import json
import logging

import httpx
import pytest
from litestar import Litestar

from api.logs import JsonLines
from tests.api.clients import client_of


@pytest.fixture
def written() -> "object":
    """Everything that any logger writes, as the service would write it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    # The tests' own client writes a line for each request, too.
    handler.addFilter(lambda record: not record.name.startswith("http"))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


async def test_a_request_is_one_line_with_the_route_and_not_the_address(
    client: httpx.AsyncClient, written: io.StringIO
):
    """An id in the log would tie a person to a time."""
    answer = await client.get("/v1/term-sheets/voice-standard/versions/1?token=secret")

    [line] = [
        entry for entry in map(json.loads, written.getvalue().splitlines()) if entry["from"] == "companion.requests"
    ]
    assert ("GET", "/v1/term-sheets/{sheet}/versions/{version}", 200) == (line["method"], line["route"], line["status"])
    assert answer.headers["x-request-id"] == line["request_id"]
    assert 0 < line["ms"] < 10_000
    assert "secret" not in written.getvalue()


async def test_head_is_logged_as_head(client: httpx.AsyncClient, written: io.StringIO):
    await client.head("/healthz")

    assert ["HEAD"] == [
        entry["method"] for entry in map(json.loads, written.getvalue().splitlines()) if "method" in entry
    ]


async def test_no_secret_reaches_the_log(app: Litestar, written: io.StringIO):
    """Not at the most talkative level, and not when a request fails."""
    password = "a sentence nobody else says"
    async with client_of(app) as client:
        signed_up = (
            await client.post("/v1/accounts", json={"email": "logged@example.org", "password": password})
        ).json()
        tokens = signed_up["tokens"]
        await client.get("/v1/me", headers={"Authorization": f"Bearer {tokens['access_token']}"})
        await client.get("/v1/me", headers={"Authorization": "Bearer cca_wrong-token"})
        await client.post("/v1/sessions", json={"email": "logged@example.org", "password": "wrong-password"})
        await client.post("/v1/sessions/refresh", json={"refresh_token": tokens["refresh_token"]})

    log = written.getvalue()
    assert "/v1/sessions/refresh" in log
    for secret in (password, "wrong-password", "cca_wrong-token", "logged@example.org", *list(tokens.values())[:2]):
        assert secret not in log


def test_a_line_with_a_traceback_is_still_one_line():
    """Whatever collects the log reads line by line."""
    try:
        raise ValueError("broken")
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, "x", 1, "It failed.", None, (type(error), error, None))

    line = JsonLines().format(record)

    assert "\n" not in line
    assert "ValueError: broken" in json.loads(line)["exception"]

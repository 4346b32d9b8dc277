"""Health, the reference page and cross-origin calls: what is asked by machines that have no account."""

import asyncio
from pathlib import Path
from uuid import uuid4

import httpx
import msgspec
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from api import health
from api.app import create_app
from api.health import parts
from api.settings import Settings
from storage import examiners
from storage.database import Pool, transaction
from storage.room import Room


async def test_the_process_and_its_engines_answer(client: httpx.AsyncClient):
    """No worker runs here, and that is said: recordings are taken and wait."""
    alive, ready = await client.get("/healthz"), await client.get("/readyz")

    assert (200, {"status": "ok"}) == (alive.status_code, alive.json())
    assert (200, "ok", "ok") == (ready.status_code, ready.json()["database"], ready.json()["store"])
    # Another test of this run may have had a worker a moment ago.
    assert (ready.json()["status"], ready.json()["workers"]) in {("limited", "missing"), ("ok", "ok")}


async def test_a_recording_that_waits_too_long_is_said(client: httpx.AsyncClient, app: Litestar, settings: Settings):
    """Behind its promise, not broken: load balancers go on sending."""
    impatient = msgspec.structs.replace(settings, intake_lag_s=-1)

    found = await parts(app.state.database, app.state.store, impatient)

    assert ("limited", "slow") == (found.status, found.validation)


async def test_each_part_that_is_missing_is_named(
    client: httpx.AsyncClient, app: Litestar, database: Pool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """No room and no sandbox: reading goes on, so load balancers go on sending."""
    poor = uuid4()
    async with transaction(database) as connection:
        await connection.execute("DELETE FROM examiners")
        await examiners.say(connection, poor, isolates=False)
    with monkeypatch.context() as full:
        full.setattr(app.state.store, "room", Room(str(tmp_path), keep_free=2**60))
        ready = await client.get("/readyz")
    async with transaction(database) as connection:
        await examiners.leave(connection, poor)

    shown = ready.json()
    assert (200, "limited", "missing", "missing") == (
        ready.status_code,
        shown["status"],
        shown["sandbox"],
        shown["disk"],
    )


async def test_a_store_that_hangs_is_not_waited_for(
    client: httpx.AsyncClient, app: Litestar, monkeypatch: pytest.MonkeyPatch
):
    """Whoever asks would have given up, and a connection that hangs says less than an answer."""
    monkeypatch.setattr(health, "PATIENCE_S", 0.05)
    monkeypatch.setattr(app.state.store, "ready", lambda: asyncio.sleep(60))

    ready = await client.get("/readyz")

    assert (503, "unavailable", "missing") == (ready.status_code, ready.json()["status"], ready.json()["store"])


async def test_nobody_frames_the_reference_page(client: httpx.AsyncClient):
    """Neither the page nor what it is made of; and a name that no file can have is one that is not there."""
    for path in ("/reference", "/reference/", "/reference/index.html", "/reference/reference.css"):
        page = await client.get(path)
        assert (200, "DENY") == (page.status_code, page.headers["x-frame-options"]), path
        assert "frame-ancestors 'none'" == page.headers["content-security-policy"]
    assert 404 == (await client.get("/reference/%00")).status_code


async def test_the_reference_page_and_its_document_are_served(client: httpx.AsyncClient):
    """Everything the page asks for is here."""
    page = await client.get("/reference/")
    script = await client.get("/reference/rapidoc-9.3.8.js")
    document = await client.get("/openapi.json")

    assert ("text/html", 200) == (page.headers["content-type"].partition(";")[0], page.status_code)
    assert 200 == script.status_code
    assert "javascript" in script.headers["content-type"]
    assert "3.1.0" == document.json()["openapi"]
    assert 304 == (await client.get("/openapi.json", headers={"If-None-Match": document.headers["etag"]})).status_code


async def test_a_web_client_on_another_origin_may_call(client: httpx.AsyncClient):
    """The preflight passes without a token, and the headers it needs are exposed."""
    preflight = await client.options(
        "/v1/me",
        headers={
            "Origin": "https://app.example",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization",
        },
    )
    answer = await client.get("/v1/campaigns", headers={"Origin": "https://app.example"})

    assert preflight.status_code in {200, 204}
    assert "authorization" in preflight.headers["access-control-allow-headers"].lower() or (
        "*" == preflight.headers["access-control-allow-headers"]
    )
    assert "*" == answer.headers["access-control-allow-origin"]
    assert "etag" in answer.headers["access-control-expose-headers"].lower()
    assert "access-control-allow-credentials" not in answer.headers


async def test_caches_hear_of_every_thing_that_an_answer_depends_on(settings: Settings, campaign: dict[str, object]):
    """Where only some pages may call: the language counts as before, and who asks counts, also for who is no page."""
    app = create_app(msgspec.structs.replace(settings, cors_origins="https://app.example"))
    async with AsyncTestClient(app) as client:
        url = f"/v1/campaigns/{campaign['id']}/estimate"
        answers = [await client.get(url, headers=headers) for headers in ({"Origin": "https://app.example"}, {})]
        plain = await client.get("/v1/push-key")

    assert ["Accept-Language, Origin"] * 2 == [answer.headers["vary"] for answer in answers]
    assert "https://app.example" == answers[0].headers["access-control-allow-origin"]
    assert "Origin" == plain.headers["vary"]

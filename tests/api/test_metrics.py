"""Figures: what a scraper reads is what happened, and only an operator reads it."""

from pathlib import Path

import httpx
import msgspec
import pytest
from litestar import Litestar
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from api.figures import Figures
from api.metrics import allowed
from api.settings import Settings
from tests.api.clients import client_of

OPERATIONS = Path(__file__).parent.parent.parent / "docs/operations.md"


@pytest.fixture
async def scraper(app: Litestar) -> "httpx.AsyncClient":
    """Somebody on the machine itself."""
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 40000))
    async with httpx.AsyncClient(transport=transport, base_url="http://companion.test") as client:
        yield client


async def test_a_request_is_counted_once_under_its_template(scraper: httpx.AsyncClient, client: httpx.AsyncClient):
    """Parsed by the reference parser; no id ever becomes a label."""
    for _ in range(3):
        await client.get("/v1/term-sheets/voice-standard/versions/1")

    answer = await scraper.get("/metrics")

    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    counted = {
        (sample.labels["route"], sample.labels["status"]): sample.value
        for sample in families["companion_requests"].samples
        if sample.name.endswith("_total")
    }
    assert counted["/v1/term-sheets/{sheet}/versions/{version}", "200"] >= 3
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert "companion_request_duration_seconds" in families
    assert "companion_line_running" in families
    assert "voice-standard" not in answer.text


async def test_every_figure_is_explained_to_operators(scraper: httpx.AsyncClient):
    """Whoever draws a picture of them finds there what they say and when to look."""
    answer = await scraper.get("/metrics")

    families = {family.name for family in text_string_to_metric_families(answer.text)}
    explained = OPERATIONS.read_text()
    assert [] == [name for name in families if name.startswith("companion_") and f"`{name}`" not in explained]


async def test_strangers_read_no_figures(app: Litestar, scraper: httpx.AsyncClient):
    """Not from elsewhere, and not through a proxy on this machine."""
    async with client_of(app) as stranger:
        assert 403 == (await stranger.get("/metrics")).status_code
    proxied = await scraper.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"})
    assert (403, "/problems/metrics-closed") == (proxied.status_code, proxied.json()["type"])


def test_with_a_token_only_the_token_counts(settings: Settings):
    """Also from another machine, and the machine itself needs it then."""
    closed = msgspec.structs.replace(settings, metrics_token="secret")

    def asked(**headers: str) -> object:
        client = type("Client", (), {"host": "127.0.0.1"})()
        return type("Request", (), {"headers": headers, "client": client})()

    assert allowed(asked(authorization="Bearer secret"), closed)
    assert not allowed(asked(authorization="Bearer guess"), closed)
    assert not allowed(asked(), closed)


def test_every_time_falls_into_one_bucket():
    """Also one beyond the last bound."""
    figures = Figures()
    for took_s in (0.0, 0.005, 0.0051, 0.3, 99.0):
        figures.answered("GET", "/v1/me", 200, took_s)

    buckets = figures.buckets["GET", "/v1/me"]
    assert (5, 2, 1, 1) == (sum(buckets), buckets[0], buckets[1], buckets[-1])

"""`GET /metrics`: the service's figures for Prometheus, in OpenMetrics.

What a process counts about itself comes from memory; what the service as a whole has to do comes from the database at
the moment of asking, so that every process tells the same. Addresses, accounts and recordings are in none of them.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.openapi.datastructures import ResponseSpec
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from api.dependencies import Configuration, Database
from api.errors import MetricsClosed
from api.figures import BOUNDS_S, Figures
from api.gate import Gate
from api.problems import problems
from api.settings import Settings
from storage import backlog
from storage.backlog import Backlog
from storage.database import Pool, reading

LOOPBACK = frozenset({"127.0.0.1", "::1"})
FORWARDED = ("x-forwarded-for", "forwarded", "via")


class Collected(Collector):
    """The figures of one moment, as the client library writes them."""

    def __init__(self, figures: Figures, gate: Gate, pool: dict[str, int], waiting: list[Backlog]) -> None:
        """Remember what was found."""
        self.figures, self.gate, self.pool, self.waiting = figures, gate, pool, waiting

    def collect(self) -> Iterator[Metric]:
        """Give every family."""
        yield from _requests(self.figures)
        yield from _gate(self.gate)
        yield from _pool(self.pool)
        yield from _backlog(self.waiting)


def _requests(figures: Figures) -> Iterator[Metric]:
    answers = CounterMetricFamily(
        "companion_requests", "Requests answered, by route and status.", labels=["method", "route", "status"]
    )
    for (method, route, status), count in figures.answers.items():
        answers.add_metric([method, route, str(status)], count)
    took = HistogramMetricFamily(
        "companion_request_duration_seconds", "From the request to the end of its answer.", labels=["method", "route"]
    )
    bounds = [*map(str, BOUNDS_S), "+Inf"]
    for (method, route), counts in figures.buckets.items():
        buckets = list(zip(bounds, map(float, accumulate(counts)), strict=True))
        took.add_metric([method, route], buckets, figures.seconds[method, route])
    yield answers
    yield took
    yield GaugeMetricFamily("companion_requests_under_way", "Requests not yet answered.", figures.under_way)


def _gate(gate: Gate) -> Iterator[Metric]:
    line = gate.line
    yield GaugeMetricFamily("companion_line_running", "Requests that are worked on.", line.busy)
    yield GaugeMetricFamily("companion_line_waiting", "Requests that wait for their turn.", len(line.places))
    yield GaugeMetricFamily("companion_transfers", "Uploads that send bytes.", gate.transfers)
    turned_away = CounterMetricFamily("companion_turned_away", "Requests that heard 503 at the gate.", labels=["lane"])
    turned_away.add_metric(["line"], line.turned_away)
    turned_away.add_metric(["transfer"], gate.transfers_turned_away)
    yield turned_away


def _pool(pool: dict[str, int]) -> Iterator[Metric]:
    for name, meaning in (
        ("pool_size", "Connections to the database."),
        ("pool_available", "Connections that nobody uses."),
        ("requests_waiting", "Requests that wait for a connection."),
    ):
        yield GaugeMetricFamily(f"companion_database_{name}", meaning, pool.get(name, 0))


def _backlog(waiting: list[Backlog]) -> Iterator[Metric]:
    count = GaugeMetricFamily("companion_jobs_waiting", "Jobs that no worker has begun.", labels=["queue"])
    age = GaugeMetricFamily("companion_oldest_job_seconds", "How long the oldest of them waits.", labels=["queue"])
    for queue in waiting:
        count.add_metric([queue.queue], queue.waiting)
        age.add_metric([queue.queue], queue.oldest_s)
    yield count
    yield age


def allowed(request: Request[Any, Any, Any], settings: Settings) -> bool:
    """Whether figures may be told: with the token, or, where none is set, on the machine itself and past no proxy."""
    if settings.metrics_token:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), settings.metrics_token.encode())
    near = request.client is not None and request.client.host in LOOPBACK
    return near and not any(name in request.headers for name in FORWARDED)


@get(
    "/metrics",
    opt={"public": True},
    responses={
        200: ResponseSpec(
            str, generate_examples=False, description="OpenMetrics text.", media_type="application/openmetrics-text"
        ),
        **problems(MetricsClosed, public=True),
    },
    tags=["Health"],
)
async def read_metrics(
    request: Request[Any, Any, Any], state: State, settings: Configuration, database: Database
) -> Response[bytes]:
    """Read this process's figures and the service's backlog (OpenMetrics 1.0).

    Closed to everybody but a scraper on the same machine, or one with `COMPANION_METRICS_TOKEN`.
    """
    if not allowed(request, settings):
        raise MetricsClosed
    found = Collected(state.figures, state.gate, database.get_stats(), await _waiting(database))
    registry = CollectorRegistry()
    registry.register(found)
    ProcessCollector(registry=registry)
    text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return Response(text, media_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


async def _waiting(database: Pool) -> list[Backlog]:
    async with reading(database) as connection:
        return await backlog.of_every_queue(connection)


handlers = [read_metrics]

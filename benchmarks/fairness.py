"""Fairness: what ten people notice of an eleventh who asks a thousand times at once.

The peer is the same service in the same minutes without the eleventh; both take turns, and the p99 of each round is
compared with the one beside it. Only what is asked while the thousand are under way counts. The eleventh asks from a
process of low priority, so that it takes its time from the service and not from those who measure.
"""

import asyncio
import contextlib
import multiprocessing
import os
import random
import statistics
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from typing import Any

import httpx

from benchmarks.comparison import table
from load_tests.console import NO_GATE, shares
from load_tests.service import running_service

ROUNDS, PEOPLE, REQUESTS, CONNECTIONS = 5, 10, 1000, 100
#: How long a round lasts at least without the eleventh, and how long somebody waits between two questions on average.
CALM_S, PAUSE_S = 6.0, 0.05
#: The service closes a connection that nobody used for five seconds; one that was kept for long is not used again.
KEPT_S = 1.0
PASSWORD = "a sentence nobody else says"  # noqa: S105 – the accounts live for a minute.
HEAD = ["GET /v1/recordings, p99 of the others", "calm ms", "with the thousand ms", "ratio (promised: 1.5)"]


def main() -> None:
    """Measure with the gate and without, and print what the others noticed."""
    rows = [row("with the gate", {}), row("without the gate", NO_GATE)]
    print(table(f"{PEOPLE} people, and one who asks {REQUESTS} times, medians of {ROUNDS} rounds", HEAD, rows))


def row(name: str, more: dict[str, str]) -> list[str]:
    """Measure one service."""
    service_cores, ours = shares()
    with running_service(service_cores, more) as service:
        os.sched_setaffinity(0, ours)
        people = [signed_up(service.url) for _ in range(PEOPLE + 1)]
        pairs = [asyncio.run(taking_turns(service.url, people)) for _ in range(ROUNDS)]
    os.sched_setaffinity(0, service_cores | ours)
    calm, flooded = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(loud / quiet for quiet, loud in pairs)
    return [name, f"{calm:.1f}", f"{flooded:.1f}", f"{ratio:.2f}"]


def signed_up(url: str) -> dict[str, str]:
    """Open an account; gives what says who asks."""
    account = {"email": f"{os.urandom(8).hex()}@example.org", "password": PASSWORD}
    answer = httpx.post(f"{url}/v1/accounts", json=account, timeout=60).raise_for_status().json()
    return {"Authorization": f"Bearer {answer['tokens']['access_token']}"}


async def taking_turns(url: str, people: list[dict[str, str]]) -> tuple[float, float]:
    """Give the others' p99 in ms, calm and with the thousand."""
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(CALM_S, over.set)
    calm = await asked(url, people[1:], over)
    over = asyncio.Event()
    with flood(url, people[0]) as ended:
        watching = asyncio.create_task(until(ended, over))
        flooded = await asked(url, people[1:], over)
        await watching
    return p99(calm), p99(flooded)


async def until(ended: Event, over: asyncio.Event) -> None:
    """Pass on that another process has come to its end."""
    await asyncio.to_thread(ended.wait)
    over.set()


async def asked(url: str, people: list[dict[str, str]], over: asyncio.Event) -> list[float]:
    """Let everybody ask now and then until it is over; gives how long each answer took, in ms."""
    took: list[float] = []

    async def one(headers: dict[str, str]) -> None:
        limits = httpx.Limits(keepalive_expiry=KEPT_S)
        async with httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=30) as client:
            while not over.is_set():
                began = time.perf_counter()
                answer = await client.get("/v1/recordings")
                took.append(1000 * (time.perf_counter() - began))
                answer.raise_for_status()
                await asyncio.sleep(random.expovariate(1 / PAUSE_S))

    await asyncio.gather(*(one(headers) for headers in people))
    return took


@contextlib.contextmanager
def flood(url: str, headers: dict[str, str]) -> Iterator[Event]:
    """Ask a thousand times from a process of its own; its event is set when everything was answered."""
    context = multiprocessing.get_context("spawn")
    ended, ready = context.Event(), context.Event()
    process = context.Process(target=thousand, args=(url, headers, ready, ended))
    process.start()
    ready.wait(60)
    try:
        yield ended
    finally:
        process.join()


def thousand(url: str, headers: dict[str, str], ready: Event, ended: Event) -> None:
    """Be somebody who asks a thousand times, on a hundred connections, and does not wait when told to."""
    os.nice(19)
    try:
        asyncio.run(asking(url, headers, ready))
    finally:
        ended.set()


async def asking(url: str, headers: dict[str, str], ready: Event) -> None:
    """Ask until every question was answered, be it with "later"."""
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS, keepalive_expiry=KEPT_S)
    # Nine hundred of them wait for a connection, for as long as it takes.
    patience = httpx.Timeout(60, pool=None)
    async with httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=patience) as client:
        ready.set()
        answers: list[Any] = await asyncio.gather(*(client.get("/v1/recordings") for _ in range(REQUESTS)))
    if {answer.status_code for answer in answers} - {200, 503}:
        raise RuntimeError("Something was answered neither with a list nor with `later`.")


def p99(took: list[float]) -> float:
    """What 99 % of the answers took at most."""
    return sorted(took)[max(0, round(0.99 * len(took)) - 1)]


if __name__ == "__main__":
    main()

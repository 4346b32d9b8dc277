"""Fairness: what ten people notice of an eleventh who asks a thousand times at once.

The peer is the same service in the same minutes without the eleventh; both take turns, and the p99 over all rounds of
one is compared with that of the other. Only what is asked while the thousand are under way counts. The eleventh asks
from a process of low priority, so that it takes its time from the service and not from those who measure.
"""

import asyncio
import contextlib
import multiprocessing
import os
import random
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from urllib.parse import urlsplit

import httpx

from benchmarks.comparison import table
from load_tests.console import shares
from load_tests.service import running_service

ROUNDS, PEOPLE, REQUESTS, CONNECTIONS = 5, 10, 1000, 100
#: How long each half of a round lasts at least, and how long somebody waits between two questions on average: so that
#: neither the service nor those who measure are busy by themselves.
CALM_S, PAUSE_S = 8.0, 0.2
#: The service closes a connection that nobody used for five seconds; one that was kept for long is not used again.
KEPT_S = 1.0
PASSWORD = "a sentence nobody else says"  # noqa: S105 – the accounts live for a minute.
HEAD = ["p99 of the others, calm ms", "with the thousand ms", "ratio (promised: 1.5)", "of each round"]


def main() -> None:
    """Measure the others' p99 in turns, calm and with the thousand, and print what they noticed."""
    service_cores, ours = shares()
    with running_service(service_cores) as service:
        os.sched_setaffinity(0, ours)
        people = [signed_up(service.url) for _ in range(PEOPLE + 1)]
        pairs = [asyncio.run(taking_turns(service.url, people)) for _ in range(ROUNDS)]
    os.sched_setaffinity(0, service_cores | ours)
    calm, flooded = (p99([took for one in side for took in one]) for side in zip(*pairs, strict=True))
    each = ", ".join(f"{p99(loud) / p99(quiet):.2f}" for quiet, loud in pairs)
    what = f"{PEOPLE} people, and one who asks {REQUESTS} times at once, again and again, {ROUNDS} alternating rounds"
    print(table(what, HEAD, [[f"{calm:.1f}", f"{flooded:.1f}", f"{flooded / calm:.2f}", each]]))


def signed_up(url: str) -> dict[str, str]:
    """Open an account; gives what says who asks."""
    account = {"email": f"{os.urandom(8).hex()}@example.org", "password": PASSWORD}
    answer = httpx.post(f"{url}/v1/accounts", json=account, timeout=60).raise_for_status().json()
    return {"Authorization": f"Bearer {answer['tokens']['access_token']}"}


async def taking_turns(url: str, people: list[dict[str, str]]) -> tuple[list[float], list[float]]:
    """Give how long the others' answers took in ms, calm and with the thousand."""
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(CALM_S, over.set)
    calm = await asked(url, people[1:], over)
    over = asyncio.Event()
    with flood(url, people[0]) as ended:
        watching = asyncio.create_task(until(ended, over))
        flooded = await asked(url, people[1:], over)
        await watching
    return calm, flooded


async def until(ended: Event, over: asyncio.Event) -> None:
    """Pass on that another process has come to its end."""
    await asyncio.to_thread(ended.wait)
    over.set()


async def asked(url: str, people: list[dict[str, str]], over: asyncio.Event) -> list[float]:
    """Let everybody ask now and then until it is over; gives how long each answer took, in ms."""
    took: list[float] = []

    async def one(headers: dict[str, str]) -> None:
        async with client_of(url, headers) as client:
            await client.get("/v1/recordings")  # Opens the connection, which is nobody's waiting.
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
    """Be somebody who asks a thousand times at once, on a hundred connections, and does not wait when told to."""
    os.nice(19)
    try:
        asyncio.run(asking(url, headers, ready))
    finally:
        ended.set()


async def asking(url: str, headers: dict[str, str], ready: Event) -> None:
    """Ask a thousand times until every question was answered, be it with "later", and begin again for CALM_S."""
    address = urlsplit(url)
    lines = [await asyncio.open_connection(address.hostname, address.port) for _ in range(CONNECTIONS)]
    words = f"GET /v1/recordings HTTP/1.1\r\nHost: it\r\nAuthorization: {headers['Authorization']}\r\n\r\n".encode()
    ready.set()
    until = time.monotonic() + CALM_S
    while time.monotonic() < until:
        await asyncio.gather(*(pipelined(line, words, REQUESTS // CONNECTIONS) for line in lines))
    for _, writer in lines:
        writer.close()


async def pipelined(line: tuple[asyncio.StreamReader, asyncio.StreamWriter], words: bytes, count: int) -> None:
    """Ask so often on one connection without waiting for answers: a client of HTTP would be slower than the service."""
    reader, writer = line
    writer.write(words * count)
    for _ in range(count):
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if head.split()[1] not in {b"200", b"503"}:
            raise RuntimeError("Something was answered neither with a list nor with `later`.")
        await reader.readexactly(int(head.partition(b"content-length: ")[2].split()[0]))


def client_of(url: str, headers: dict[str, str]) -> httpx.AsyncClient:
    """Somebody's client; without certificates, which take a while to read and are of no use here."""
    limits = httpx.Limits(keepalive_expiry=KEPT_S)
    return httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=60, verify=False)  # noqa: S501


def p99(took: list[float]) -> float:
    """What 99 % of the answers took at most."""
    return sorted(took)[max(0, round(0.99 * len(took)) - 1)]


if __name__ == "__main__":
    main()

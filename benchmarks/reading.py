"""What one simple read costs: `GET /v1/recordings/{id}`, processor time of the whole API process per request.

The peer is the same server, uvicorn with uvloop and httptools, with nothing behind it but the same bytes: the price
that no service on that server can go below. The difference is ours: two queries (the token, and the recording with all
of its story), JSON and the log line.
"""

import contextlib
import hashlib
import multiprocessing
import socket
import statistics
import time
import uuid
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx
import psutil
import uvicorn

from benchmarks.comparison import table
from load_tests.service import Service, running_service

ROUNDS = 5
REQUESTS = 400
HEAD = ["one connection, keep-alive", "CPU µs per request", "ratio", "API memory MB"]
PASSWORD = "a sentence nobody else says"  # noqa: S105 – the account lives for a minute.


def main() -> None:
    """Measure both, taking turns, and print the cost per request."""
    with running_service() as service, httpx.Client(base_url=service.url) as client:
        address = claimed(client)
        body = client.get(address).raise_for_status().content
        with bare_server(body) as (bare, url), httpx.Client(base_url=url) as peer:
            api = api_process(service)
            pairs = [(cost(api, client, address), cost(bare, peer, "/")) for _ in range(ROUNDS)]
            memory = f"{api.memory_info().rss / 1e6:.0f}"
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    rows = [
        ["GET /v1/recordings/{id}", f"{ours:.0f}", f"{ours / theirs:.1f}", memory],
        ["uvicorn alone, same bytes", f"{theirs:.0f}", "1.0", ""],
    ]
    print(table("One read: the service against its own server with nothing behind it", HEAD, rows))


def claimed(client: httpx.Client) -> str:
    """Open an account, announce a recording, and give its address."""
    account = {"email": f"{uuid.uuid4()}@example.org", "password": PASSWORD}
    tokens = client.post("/v1/accounts", json=account).raise_for_status().json()["tokens"]
    client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    campaign = client.get("/v1/campaigns", params={"media": "audio"}).raise_for_status().json()["data"][0]
    wish = {
        "sha256": hashlib.sha256(b"never sent").hexdigest(),
        "size_bytes": 352_078,
        "media_type": "audio/wav",
        "campaign": campaign["id"],
        "language": campaign["languages"][0],
    }
    recording = client.post("/v1/recordings", json=wish).raise_for_status().json()
    return f"/v1/recordings/{recording['id']}"


def api_process(service: Service) -> psutil.Process:
    """The API among the service's processes."""
    return next(child for child in psutil.Process(service.process.pid).children() if child.cmdline()[-1] == "api")


def cost(server: psutil.Process, client: httpx.Client, address: str) -> float:
    """Processor time of a server in µs per request, over one round."""
    client.get(address).raise_for_status()
    before = server.cpu_times()
    for _ in range(REQUESTS):
        client.get(address).raise_for_status()
    after = server.cpu_times()
    return 1e6 * float(after.user - before.user + after.system - before.system) / REQUESTS


@contextlib.contextmanager
def bare_server(body: bytes) -> Iterator[tuple[psutil.Process, str]]:
    """Start uvicorn with an application that answers every request with the same bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        process = multiprocessing.get_context("fork").Process(target=serve, args=(listening, body), daemon=True)
        process.start()
        wait_for(url)
        try:
            yield psutil.Process(process.pid), url
        finally:
            process.terminate()
            process.join()


def serve(listening: socket.socket, body: bytes) -> None:
    """Run the bare server until it is terminated."""
    settings: Any = {
        "loop": "uvloop",
        "http": "httptools",
        "interface": "asgi3",
        "access_log": False,
        "log_level": "warning",
    }
    uvicorn.Server(uvicorn.Config(partial(answer, body), lifespan="off", **settings)).run([listening])


async def answer(body: bytes, _scope: Any, _receive: Any, send: Any) -> None:
    """Answer with the bytes; the smallest ASGI application there is."""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def wait_for(url: str, patience_s: float = 10) -> None:
    """Wait until a server answers. Raises RuntimeError when it does not in time."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(url)
            return
        time.sleep(0.05)
    raise RuntimeError(f"{url} did not answer within {patience_s} s.")

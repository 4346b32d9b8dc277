"""What watching costs: one simple read with request id, figures and a line of log, and without any of them.

The peer is the same service on the same engines, its outermost layer left away: both answer the same requests, taking
turns. The log is written where the service writes it; what a supervisor does with the lines is not the API's time.
"""

import contextlib
import os
import socket
import statistics
import subprocess
import sys
from collections.abc import Iterator

import httpx
import psutil

from benchmarks.comparison import table
from benchmarks.reading import claimed, cost, wait_for
from load_tests.service import Service, running_service
from storage.embedded import directory

ROUNDS = 7
HEAD = ["GET /v1/recordings/{id}", "CPU µs per request", "ratio"]
#: The service's own command, whose application nobody watches, or with the lines but without anybody who reads them.
UNWATCHED = "import api.app; api.app.observed = lambda app, figures: app; from api.cli import main; main(['api'])"
WATCHED = "from api.cli import main; main(['api'])"
#: What is promised, of the request without.
PROMISED = 1.15


def main() -> None:
    """Measure both, taking turns, and print the cost per request."""
    with running_service() as service, contextlib.ExitStack() as stack:
        sides = [stack.enter_context(api(service, program)) for program in (WATCHED, UNWATCHED)]
        clients = [stack.enter_context(httpx.Client(base_url=url)) for _, url in sides]
        address = claimed(clients[0])
        clients[1].headers = clients[0].headers
        pairs = [
            [cost(process, client, address) for (process, _), client in zip(sides, clients, strict=True)]
            for _ in range(ROUNDS)
        ]
    ours, bare = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(watched / unwatched for watched, unwatched in pairs)
    rows = [
        ["request id, figures and log", f"{ours:.0f}", f"{ratio:.2f} (promised: {PROMISED})"],
        ["none of them", f"{bare:.0f}", "1.00"],
    ]
    print(table("Watching a request", HEAD, rows))


@contextlib.contextmanager
def api(service: Service, program: str) -> Iterator[tuple[psutil.Process, str]]:
    """Run another API on a service's engines, with its output thrown away."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    known = directory.published(service.data) or {}
    environment = {**os.environ, **known, "COMPANION_PORT": port, "COMPANION_DATA": str(service.data)}
    process = subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        # On a busy machine the imports alone take a minute.
        wait_for(f"http://127.0.0.1:{port}/healthz", patience_s=240)
        yield psutil.Process(process.pid), f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()

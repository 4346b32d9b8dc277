"""`companion load-test`: run a profile against a service of its own, or one that runs already, and judge it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ipaddress
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from load_tests.networks import bad_network
from load_tests.service import Service, running_service
from load_tests.thresholds import Profile, profile, profiles

LOCUSTFILE = Path(__file__).parent / "locustfile.py"
#: What 3G under a bridge does: bytes a second, and bytes after which a connection is cut on average.
RATE, CUT_AFTER = 200_000.0, 300_000.0


def load_test(words: Sequence[str]) -> int:
    """Run a load test: 0 every promise was kept, 1 one was broken, 2 void or asked wrongly."""
    chosen = parser().parse_args(words)
    wanted = profile(chosen.profile)
    if chosen.host and not local(chosen.host) and not chosen.i_operate_this_host:
        print(f"{chosen.host} is not this machine: a load test opens accounts, leaves recordings and slows everybody.")
        print("If you operate it, and nobody real uses it, say so: --i-operate-this-host")
        return 2
    service_cores, generator_cores = shares()
    if chosen.host:
        return generate(chosen, wanted, chosen.host, generator_cores)
    with running_service(service_cores) as service:
        os.environ |= {"COMPANION_LOAD_DATA": str(service.data), "COMPANION_LOAD_API": str(api_of(service))}
        return generate(chosen, wanted, service.url, generator_cores)


def api_of(service: Service) -> int:
    """Find the API among the service's processes, to see what its memory grows by."""
    return next(child.pid for child in psutil.Process(service.process.pid).children() if child.cmdline()[-1] == "api")


def parser() -> argparse.ArgumentParser:
    """Describe the words."""
    top = argparse.ArgumentParser(prog="companion load-test", description=__doc__)
    top.add_argument("--profile", default="mixed", choices=profiles(), help="who comes, and what is promised to them")
    top.add_argument("--users", type=int, help="how many at once; the profile says it else")
    top.add_argument("--duration", type=int, metavar="SECONDS", help="how long; the profile says it else")
    top.add_argument("--host", help="a service that runs already; without it one is started and removed again")
    top.add_argument("--html", help="write Locust's report there")
    top.add_argument("--json", help="write the verdict there")
    top.add_argument("--i-operate-this-host", action="store_true", help="the host is another machine, and it is yours")
    return top


def local(url: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        found = socket.getaddrinfo(urlsplit(url).hostname, None)
        return all(ipaddress.ip_address(entry[4][0]).is_loopback for entry in found)
    except (OSError, ValueError):
        return False


def shares() -> tuple[set[int], set[int]]:
    """Cores of the service, and of the generator: the last one, where there are two or more."""
    cores = sorted(os.sched_getaffinity(0))
    return (set(cores[:-1]), set(cores[-1:])) if len(cores) > 1 else (set(cores), set(cores))


def generate(chosen: argparse.Namespace, wanted: Profile, url: str, cores: set[int]) -> int:
    """Run Locust against a service and return its verdict as an exit status."""
    users = chosen.users or wanted.users
    command = ["--headless", "--users", str(users), "--spawn-rate", str(wanted.spawn_rate), "--host", url]
    command += ["--run-time", str(chosen.duration or wanted.seconds), "--stop-timeout", "20"]
    command += ["--html", chosen.html] if chosen.html else []
    environment = {**os.environ, "COMPANION_LOAD_PROFILE": wanted.name}
    if chosen.json:
        environment["COMPANION_LOAD_JSON"] = chosen.json
    with network_before(url) as place:
        environment["COMPANION_LOAD_BAD_NETWORK"] = place
        words = [sys.executable, "-m", "locust", "--locustfile", str(LOCUSTFILE), *command]
        locust = subprocess.Popen(words, env=environment)
        os.sched_setaffinity(locust.pid, cores)
        return locust.wait()


@contextlib.contextmanager
def network_before(url: str) -> Iterator[str]:
    """Lend the address of a bad network before a service of this machine; elsewhere the real one has to do."""
    port = urlsplit(url).port
    if port is None or not local(url):
        yield url
        return
    ready, over, found = threading.Event(), asyncio.Event(), [url]
    loop = asyncio.new_event_loop()

    async def carry() -> None:
        async with bad_network(port, rate=RATE, cut_after=CUT_AFTER) as (place, _):
            found[0] = place
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(carry(),), daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield found[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        loop.close()

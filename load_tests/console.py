"""`companion load-test`: run a profile against a service of its own, or one that runs already, and judge it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ipaddress
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import psutil

from load_tests.goods import PLACE
from load_tests.networks import bad_network
from load_tests.service import Service, running_service
from load_tests.thresholds import Profile, changed, profile, profiles, seconds
from load_tests.watching import API

LOCUSTFILE = Path(__file__).parent / "locustfile.py"
#: What 3G under a bridge does: 40 to 400 kB/s, a tenth of a second each way and up to that much more, losses that hold
#: everything up every ten seconds for up to two, and a cut after 300 kB on average.
WEATHER = {
    "rate": 40_000.0,
    "fastest": 400_000.0,
    "cut_after": 300_000.0,
    "latency_s": 0.1,
    "jitter_s": 0.1,
    "burst_after_s": 10.0,
    "burst_s": 2.0,
}
#: Where a fault lies that `broken.py` puts into the service's processes.
BROKEN = "COMPANION_LOAD_BROKEN"
#: A crowd of people who are all on this machine.
CROWD = {"COMPANION_SIGN_UPS": "1000000"}
#: Every bound of the gate, so far away that nobody meets it: the service as it would be without.
NO_GATE = {
    "COMPANION_REQUESTS_AT_ONCE": "1000000",
    "COMPANION_REQUESTS_WAITING": "1000000",
    "COMPANION_TRANSFERS_AT_ONCE": "1000000",
}


def load_test(words: Sequence[str]) -> int:
    """Run a load test: 0 every promise was kept, 1 one was broken, 2 void or asked wrongly."""
    chosen = parser().parse_args(words)
    if problem := asked_wrongly(chosen):
        print(problem)
        return 2
    wanted = changed(profile(chosen.profile), chosen.users, chosen.duration)
    service_cores, generator_cores = shares()
    if chosen.host:
        os.sched_setaffinity(0, generator_cores)
        return generate(chosen, wanted, chosen.host, generator_cores)
    more = {**CROWD, **(NO_GATE if chosen.without_gate else {})}
    if BROKEN in os.environ:
        more = {**more, "PYTHONPATH": os.environ[BROKEN]}
    # Killed, it must not leave a whole service behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with running_service(service_cores, more) as service:
        # The bad network is a part of the generator, and so is what it costs.
        os.sched_setaffinity(0, generator_cores)
        os.environ |= {"COMPANION_LOAD_DATA": str(service.data), API: str(api_of(service))}
        with goods_of(chosen.recordings if wanted.stock and chosen.recordings else wanted.stock, service):
            return generate(chosen, wanted, service.url, generator_cores)


def asked_wrongly(chosen: argparse.Namespace) -> str | None:
    """Say why this must not or cannot be run."""
    if chosen.host and not local(chosen.host) and not chosen.i_operate_this_host:
        return (
            f"{chosen.host} is not this machine: a load test opens accounts, leaves recordings and slows everybody.\n"
            "If you operate it, and nobody real uses it, say so: --i-operate-this-host"
        )
    if chosen.host and profile(chosen.profile).stock:
        return f"{chosen.profile} puts recordings into a database, and never into one that is there: leave out --host."
    if chosen.host and chosen.without_gate:
        return "A service that runs already has the gate that it has: leave out --host or --without-gate."
    return None


@contextlib.contextmanager
def goods_of(wanted: int, service: Service) -> Iterator[None]:
    """Put as many recordings into the service's database, and say where it is written down what is for sale."""
    if not wanted:
        yield
        return
    from load_tests.stocking import stocked
    from storage.embedded import directory

    made = stocked(directory.published(service.data) or {}, wanted)
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(msgspec.json.encode(made))
        file.flush()
        os.environ[PLACE] = file.name
        yield


def api_of(service: Service) -> int:
    """Find the API among the service's processes, to see what its memory grows by."""
    children = psutil.Process(service.process.pid).children()
    return int(next(child.pid for child in children if child.cmdline()[-1] == "api"))


def parser() -> argparse.ArgumentParser:
    """Describe the words."""
    top = argparse.ArgumentParser(prog="companion load-test", description=__doc__)
    top.add_argument("--profile", default="mixed", choices=profiles(), help="who comes, and what is promised to them")
    top.add_argument("--users", type=int, help="how many at once, at most; the profile says it else")
    top.add_argument(
        "--duration", type=seconds, metavar="TIME", help="how long, such as 90s or 5m, phases in proportion"
    )
    top.add_argument("--recordings", type=int, metavar="N", help="how many are for sale; the profile says it else")
    top.add_argument("--host", help="a service that runs already; without it one is started and removed again")
    top.add_argument("--html", help="write Locust's report there")
    top.add_argument("--json", help="write the verdict there")
    top.add_argument(
        "--without-gate", action="store_true", help="let everybody in at once, to see what the gate is for"
    )
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
    command = ["--headless", "--only-summary", "--host", url, "--stop-timeout", "20", "--loglevel", "WARNING"]
    if len(wanted.phases) == 1:
        only = wanted.phases[0]
        command += ["--users", str(only.users), "--spawn-rate", str(only.spawn_rate), "--run-time", str(only.seconds)]
    command += ["--html", chosen.html] if chosen.html else []
    with network_before(url) as place:
        words = [sys.executable, "-m", "locust", "--locustfile", str(LOCUSTFILE), *command]
        locust = subprocess.Popen(words, env=told(chosen, wanted, place))
        os.sched_setaffinity(locust.pid, cores)
        try:
            return locust.wait()
        finally:
            # Killed, it must not leave a crowd behind that asks for a service which is gone.
            locust.kill()


def told(chosen: argparse.Namespace, wanted: Profile, place: str) -> Mapping[str, str]:
    """What Locust's process has to know."""
    environment = {
        **os.environ,
        "COMPANION_LOAD_PROFILE": wanted.name,
        "COMPANION_LOAD_OTHER": json.dumps({"users": chosen.users, "seconds": chosen.duration}),
        "COMPANION_LOAD_BAD_NETWORK": place,
        "COMPANION_LOAD_CONSOLE": str(os.getpid()),
    }
    return environment | ({"COMPANION_LOAD_JSON": chosen.json} if chosen.json else {})


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
        async with bad_network(port, **WEATHER) as (place, _):
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

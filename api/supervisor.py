"""`companion run`: everything on one machine, in one terminal, with nothing to install first.

Where DATABASE_URL or S3_ENDPOINT is not set, the embedded engine is started and the variable is set for the children,
so that the API and the worker are the same programs as in production. Then the database is migrated, API and worker
are started, and whatever ends is started again. A signal stops them in order: API, worker, engines; a second signal
kills. Every child dies with this process, however it dies.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from api.settings import SettingsInvalid, check
from storage.embedded import directory, postgres, process, seaweedfs
from storage.embedded.directory import Directory
from storage.embedded.errors import EmbeddedError
from storage.embedded.process import Child
from storage.errors import StoreFull
from storage.room import Room

Start = Callable[[], Awaitable[Child]]

SERVICES = ("api", "worker")
# An upload in progress may end its chunk, a validation its write; then they are cut and resumed later.
SERVICE_PATIENCE_S = 25.0
# What lives shorter than this is failing, and is started again more and more slowly.
HEALTHY_S = 30.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 10.0
READY_PATIENCE_S = 60.0
# A log line may carry a traceback; longer ones are cut into pieces.
LINE_BYTES = 65_536


class RunFailed(Exception):
    """The service could not be started."""


@dataclass
class Household:
    """What runs: every child by its name, the environment they share, and the tasks that watch them."""

    environment: dict[str, str]
    children: dict[str, Child] = field(default_factory=dict)
    watchers: list[asyncio.Task[None]] = field(default_factory=list)
    relays: set[asyncio.Task[None]] = field(default_factory=set)


def run() -> int:
    """Run everything until a signal arrives; return the exit status."""
    try:
        return asyncio.run(supervised())
    except (EmbeddedError, RunFailed, OSError) as error:
        say("companion", str(error))
        return 1
    except SettingsInvalid as error:
        say("companion", str(error))
        return 2


async def supervised() -> int:
    """Start everything, wait for a signal, stop everything."""
    home = Household(dict(os.environ) | {"PYTHONUNBUFFERED": "1"})
    work = asyncio.create_task(lived(home))
    with signals(home, work):
        try:
            await work
        except asyncio.CancelledError:
            say("companion", "Stopped; everything is written.")
    return 0


@contextlib.contextmanager
def signals(home: Household, work: asyncio.Task[None]) -> Iterator[None]:
    """Let the first signal end the work in order, and the second at once."""
    loop = asyncio.get_running_loop()
    seen: list[int] = []

    def arrived() -> None:
        seen.append(1)
        if len(seen) == 1:
            say("companion", "Stopping; once more to kill.")
            work.cancel()
        else:
            for child in home.children.values():
                process.kill(child)
            # The kernel ends what was being started just now.
            os._exit(130)

    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in wanted:
        loop.add_signal_handler(number, arrived)
    try:
        yield
    finally:
        for number in wanted:
            loop.remove_signal_handler(number)
            # Everything has stopped: one more Ctrl-C must not turn a good end into a traceback.
            signal.signal(number, signal.SIG_IGN)


async def lived(home: Household) -> None:
    """Do everything between the start and the end; cancelling it stops what it started, in order."""
    # A child that cannot use them would be started again and again.
    check(home.environment)
    settle_address(home)
    place = directory.opened()
    with directory.locked(place):
        async with running(home, engines(home, place)):
            embedded = "postgres" in home.children
            await finished(home, "migrate")
            if embedded:
                # An operator's own database gets no demonstration campaigns.
                await finished(home, "demo")
            async with running(home, {name: lambda name=name: service(home, name) for name in SERVICES}):  # type: ignore[misc]
                await announced(home, place)
                await asyncio.Event().wait()


def engines(home: Household, place: Directory) -> dict[str, Start]:
    """Return the engines to start: those that the environment does not name."""
    wanted: dict[str, Start] = {}
    if not home.environment.get("DATABASE_URL"):
        wanted["postgres"] = lambda: postgres.start(place)
    if not home.environment.get("S3_ENDPOINT"):
        wanted["seaweedfs"] = lambda: seaweedfs.start(place)
    # Beside an operator's own engines a key made here would be lost with this machine, and every recording with it.
    if len(wanted) == 2 and not home.environment.get("COMPANION_MASTER_KEY"):
        home.environment["COMPANION_MASTER_KEY"] = directory.master_key(place)
    home.environment["COMPANION_DATA"] = str(place.path)
    return wanted


@contextlib.asynccontextmanager
async def running(home: Household, starts: dict[str, Start]) -> AsyncIterator[None]:
    """Run children, at once and again whenever they end, for as long as the block runs; then stop them in order."""
    try:
        beginnings = (begun(home, name, start) for name, start in starts.items())
        # Wait for all before judging: what is still starting when another fails has to be stopped, too.
        for outcome in await asyncio.gather(*beginnings, return_exceptions=True):
            if outcome is not None:
                raise outcome
        watchers = [asyncio.create_task(kept(home, name, start)) for name, start in starts.items()]
        try:
            yield
        finally:
            for watcher in watchers:
                watcher.cancel()
            await asyncio.gather(*watchers, return_exceptions=True)
    finally:
        for name in starts:
            if child := home.children.pop(name, None):
                say(name, "stopping")
                await process.stop(child)


async def begun(home: Household, name: str, start: Start) -> None:
    """Start a child and let the others know how it is reached."""
    child = await start()
    home.children[name] = child
    changed = {key for key, value in child.environment.items() if home.environment.get(key) != value}
    if not changed:
        return
    home.environment.update(child.environment)
    # An engine that came back on another port: its users are started again, and read the new variables then.
    for service_name in SERVICES:
        if user := home.children.get(service_name):
            with contextlib.suppress(ProcessLookupError):
                user.process.terminate()


async def kept(home: Household, name: str, start: Start) -> None:
    """Start a child again whenever it ends: at once after a long life, more and more slowly after short ones."""
    clock = asyncio.get_running_loop().time
    pause = FIRST_PAUSE_S
    while True:
        born = clock()
        child = home.children[name]
        status = await child.process.wait()
        pause = FIRST_PAUSE_S if clock() - born > HEALTHY_S else pause
        say(name, f"ended with {status}; starting it again in {pause:.2g} s")
        # What it forked must not go on without it: a worker's sandbox, a socket's file.
        await process.stop(child)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_S)
        try:
            await begun(home, name, start)
        except (EmbeddedError, OSError) as error:
            say(name, str(error))


async def service(home: Household, name: str) -> Child:
    """Start one of our own programs, with its output in ours."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "api.cli",
        name,
        env=home.environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=process.dies_with_us(signal.SIGKILL),
        limit=LINE_BYTES,
    )
    relay = asyncio.create_task(relayed(name, child))
    home.relays.add(relay)
    relay.add_done_callback(home.relays.discard)
    return Child(name, child, {}, signal.SIGTERM, SERVICE_PATIENCE_S)


async def finished(home: Household, name: str) -> None:
    """Run one of our own short programs to its end. Raises RunFailed when it fails; it has said why."""
    child = await service(home, name)
    try:
        status = await child.process.wait()
        # Its last lines may carry the operator's password.
        await asyncio.gather(*home.relays)
    finally:
        await process.stop(child)
    if status != 0:
        raise RunFailed(f"`companion {name}` failed with {status}; see above.")


async def relayed(name: str, child: asyncio.subprocess.Process) -> None:
    """Print a child's lines with its name before them, until it closes its output."""
    output = child.stdout
    while output is not None:
        try:
            line = await output.readuntil(b"\n")
        except asyncio.IncompleteReadError as end:
            if end.partial:
                say(name, end.partial.decode(errors="replace"))
            return
        except asyncio.LimitOverrunError as overrun:
            line = await output.readexactly(overrun.consumed)
        say(name, line.decode(errors="replace"))


def say(name: str, text: str) -> None:
    """Print a line of one of us. Nobody may be listening any more (`companion run | head`): that stops nothing."""
    with contextlib.suppress(OSError):
        print(f"{name:<10}| {text.rstrip()}", flush=True)


def settle_address(home: Household) -> None:
    """Make sure that the API's address is free, before anything is started; a port of 0 becomes a free one.

    Raises RunFailed with what to set.
    """
    host = home.environment.get("COMPANION_HOST") or "127.0.0.1"
    port = home.environment.get("COMPANION_PORT") or "8000"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            port = str(probe.getsockname()[1])
    except OSError as error:
        raise RunFailed(f"Cannot listen on {host}:{port} ({error.strerror}): set COMPANION_PORT to another.") from error
    home.environment |= {"COMPANION_HOST": host, "COMPANION_PORT": port}


def short_of_room(environment: dict[str, str]) -> bool:
    """Whether so little of the store's disk is free that every upload would be refused from the beginning."""
    room = Room(environment.get("COMPANION_STORE_FOLDER", ""), int(environment.get("COMPANION_KEEP_FREE") or 0))
    try:
        room.check()
    except StoreFull:
        return True
    return False


async def announced(home: Household, place: Directory) -> None:
    """Say where everything is as soon as the API accepts connections, and tell an operator's commands."""
    names = ("DATABASE_URL", "MIGRATION_DATABASE_URL", "S3_ENDPOINT", "S3_ACCESS_KEY", "S3_SECRET_KEY", "S3_BUCKET")
    wanted = (
        *names,
        "S3_REGION",
        "COMPANION_MASTER_KEY",
        "COMPANION_MASTER_KEY_BEFORE",
        "COMPANION_HOST",
        "COMPANION_PORT",
        "COMPANION_PAYOUT_DEBTOR",
    )
    directory.publish(place, {name: home.environment[name] for name in wanted if name in home.environment})
    host, port = home.environment["COMPANION_HOST"], home.environment["COMPANION_PORT"]
    # The address that means "every address" cannot be typed into a browser everywhere.
    visible = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    deadline = asyncio.get_running_loop().time() + READY_PATIENCE_S
    while asyncio.get_running_loop().time() < deadline:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(visible, int(port))
            writer.close()
            shown = f"[{visible}]" if ":" in visible else visible
            say("companion", f"Ready: http://{shown}:{port}/reference · recordings lie in {place.path} · Ctrl-C stops.")
            if short_of_room(home.environment):
                say("companion", "The disk is nearly full: no recordings are taken (COMPANION_KEEP_FREE, README).")
            return
        await asyncio.sleep(0.1)
    say("companion", f"The API does not answer on {host}:{port} yet; its lines above say why.")

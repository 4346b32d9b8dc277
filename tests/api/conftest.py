"""The service on real engines, asked over ASGI: one application for a whole run, a fresh contributor for every test."""

import asyncio
import base64
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import httpx
import psycopg
import pytest
import xmlschema
from anyio import CapacityLimiter
from litestar import Litestar

from api.app import create_app
from api.demo import publish
from api.settings import Settings
from api.validation import Workplace
from storage import accounts, sessions
from storage.database import Pool, readers, transaction
from storage.objects import Store
from tests.api.clients import client_of
from tests.api.owning import owned, sold  # noqa: F401  They are fixtures of every test here.
from tests.api.providing import PROVIDER_SECRET, approved, provider  # noqa: F401  The last two are fixtures as well.
from tests.api.taking import claim, offered, speech

ROOT = Path(__file__).parent.parent.parent
Contributor = Callable[[], Awaitable[httpx.AsyncClient]]


@pytest.fixture(scope="session")
def settings(engine_environment: dict[str, str]) -> Settings:
    """The service's settings on this worker's database and bucket."""
    key = base64.b64encode(os.urandom(32)).decode()
    variables = {"COMPANION_MASTER_KEY": key, "COMPANION_PAYOUT_PROVIDER_SECRET": PROVIDER_SECRET}
    return Settings.from_environment({**engine_environment, **variables})


@pytest.fixture(scope="session")
async def app(settings: Settings) -> AsyncIterator[Litestar]:
    """The running application, with the demo's term sheets and campaigns."""
    running = create_app(settings)
    ready, done = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        # In a task of its own: a lifespan must end in the task that began it, and a fixture's two halves are two tasks.
        async with running.lifespan():
            async with transaction(running.state.database) as connection:
                await publish(connection)
            ready.set()
            await done.wait()

    life = asyncio.create_task(live())
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({life, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if life.done():
        waiting.cancel()
        life.result()
    yield running
    done.set()
    await life


@pytest.fixture(scope="session")
def database(app: Litestar) -> Pool:
    """The application's own connections, to look behind an answer."""
    return app.state.database


@pytest.fixture
async def client(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who is not signed in."""
    async with client_of(app) as anonymous:
        yield anonymous


@pytest.fixture
async def sign_in(app: Litestar, database: Pool) -> AsyncIterator[Callable[..., Awaitable[httpx.AsyncClient]]]:
    """Make new accounts that are signed in; the password is not hashed, because that costs 45 ms a test."""
    clients: list[httpx.AsyncClient] = []

    async def make(role: str = "contributor") -> httpx.AsyncClient:
        email = f"{os.urandom(8).hex()}@example.org"
        async with transaction(database) as connection:
            profile = await accounts.create(connection, email, "no password", role)  # type: ignore[arg-type]
            _, tokens = await sessions.start(connection, profile.id, "a test's phone")
        clients.append(client_of(app, tokens.access_token))
        return clients[-1]

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
async def contributor(sign_in: Callable[..., Awaitable[httpx.AsyncClient]]) -> httpx.AsyncClient:
    """A signed-in contributor."""
    return await sign_in()


@pytest.fixture
async def other(sign_in: Callable[..., Awaitable[httpx.AsyncClient]]) -> httpx.AsyncClient:
    """Another signed-in contributor."""
    return await sign_in()


@pytest.fixture
async def operator(sign_in: Callable[..., Awaitable[httpx.AsyncClient]]) -> httpx.AsyncClient:
    """A signed-in operator."""
    return await sign_in("operator")


@pytest.fixture
async def campaign(client: httpx.AsyncClient) -> dict[str, object]:
    """The demo's read-speech campaign, as the API shows it."""
    listed = await offered(client, media="audio")
    url = next(entry["url"] for entry in listed if entry["title"] == "Read twelve sentences")
    return (await client.get(url)).json()


@pytest.fixture
async def upload(contributor: httpx.AsyncClient, campaign: dict[str, object]) -> tuple[str, bytes]:
    """A claimed recording's upload, and its bytes."""
    data = speech()
    return (await claim(contributor, campaign, data)).json()["upload"]["url"], data


def forget_jobs(environment: dict[str, str]) -> None:
    """Take out of the queue what tests before left there: nobody waits for it, and a worker would do it first.

    Copies that are due as well, which the clock would order anew.
    """
    with psycopg.connect(environment["DATABASE_URL"]) as connection:
        connection.execute("DELETE FROM procrastinate_jobs")
        connection.execute("UPDATE privacy SET due = false WHERE due")


@contextmanager
def running(command: str, environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `companion COMMAND` as a process of its own, and end it in the end."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", command],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def process_environment(settings: Settings, engine_environment: dict[str, str]) -> dict[str, str]:
    """The variables of a process that works on the same engines, with the same key, as the application in here."""
    key = base64.b64encode(settings.master_key).decode()
    return {**engine_environment, "COMPANION_MASTER_KEY": key, "COMPANION_PORT": str(free_port())}


@pytest.fixture(scope="session")
def served(
    app: Litestar, process_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The base URL of a real server process, for clients that speak HTTP themselves."""
    url = f"http://127.0.0.1:{process_environment['COMPANION_PORT']}"
    log = tmp_path_factory.mktemp("served") / "api.log"
    with running("api", process_environment, log) as process:
        deadline = time.monotonic() + 240
        while True:
            try:
                httpx.get(f"{url}/healthz", timeout=5).raise_for_status()
                break
            except httpx.HTTPError:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
        yield url


@pytest.fixture(scope="session", autouse=True)
def bank_schemas() -> Iterator[None]:
    """Read each schema of a bank's file once a process: sepaxml does it for every file that it writes, 0.2 s each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xmlschema, "XMLSchema", cache(xmlschema.XMLSchema))
        yield


@pytest.fixture
def app_store(app: Litestar) -> Store:
    """The application's own bucket, to look behind an answer."""
    return app.state.store


@pytest.fixture
def place(app: Litestar, settings: Settings, tmp_path: Path) -> Iterator[Workplace]:
    """What a worker has, to run its jobs inside a test."""
    with readers(settings.database_url) as threads:
        engines = app.state.database, threads, app.state.store
        yield Workplace(*engines, settings.master_key, str(tmp_path), CapacityLimiter(2))

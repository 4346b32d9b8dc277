"""`companion run` beside an operator's own PostgreSQL and S3: it starts no engine, and everything else works."""

import asyncio
import base64
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from storage.embedded import directory, postgres, process, seaweedfs
from tests.api.conftest import free_port
from tests.api.taking import speech, submit
from tests.companions import start
from tests.processes import working_on


@pytest.fixture
def folders() -> Iterator[tuple[Path, Path]]:
    """Return a folder for the operator's engines and one for the companion; everybody may enter their parents."""
    made = Path(tempfile.mkdtemp(prefix="companion-")), Path(tempfile.mkdtemp(prefix="companion-"))
    yield made
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def variables(folders: tuple[Path, Path]) -> AsyncIterator[dict[str, str]]:
    """Run the operator's engines; return what the operator sets, the key among it."""
    place = directory.opened(folders[0])
    children = []
    try:
        children += await asyncio.gather(postgres.start(place), seaweedfs.start(place))
        key = base64.b64encode(os.urandom(32)).decode()
        yield {**children[0].environment, **children[1].environment, "COMPANION_MASTER_KEY": key}
    finally:
        for child in children:
            process.kill(child)
            await process.stop(child)


async def seeded(variables: dict[str, str]) -> str:
    """Run `companion demo`, which nobody does by itself to an operator's database; return what it said."""
    demo = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "api.cli", "demo"), env={**os.environ, **variables}, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await demo.communicate()
    assert 0 == demo.returncode
    return said.decode()


async def test_beside_an_operators_engines_a_recording_gets_its_report(
    folders: tuple[Path, Path], variables: dict[str, str]
) -> None:
    """It migrates and serves; it starts neither engine, makes no key, and puts no campaign into that database."""
    companion = await start(folders[1], free_port(), variables)
    try:
        assert await companion.says("Ready:"), companion.lines
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{companion.port}", timeout=20) as client:
            before = (await client.get("/v1/campaigns")).json()["data"]
            said = await seeded(variables)
            name = {"email": f"{os.urandom(8).hex()}@example.org", "password": "a sentence that is long enough"}
            tokens = (await client.post("/v1/accounts", json=name)).json()["tokens"]
            client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
            listed = (await client.get("/v1/campaigns", params={"media": "audio"})).json()["data"]
            recording = await submit(client, (await client.get(listed[0]["url"])).json(), speech())
            report = await reported(client, recording)

        assert [] == before
        assert "Operator account" in said
        assert "passed" == report["outcome"]
        assert {"api", "worker"} == {name for name in ("postgres", "weed", "api", "worker") if companion.child(name)}
        assert {"master-key", "cluster"}.isdisjoint(path.name for path in folders[1].rglob("*"))
    finally:
        companion.process.terminate()
        assert await companion.says("Stopped"), companion.lines
        await companion.process.wait()
    assert [] == working_on(folders[1])
    assert working_on(folders[0])


async def reported(client: httpx.AsyncClient, recording: str) -> dict[str, object]:
    """Wait for the report."""
    async with asyncio.timeout(60):
        while True:
            answer = await client.get(f"/v1/recordings/{recording}/report")
            if answer.status_code == 200:
                return dict(answer.json())
            assert 404 == answer.status_code, answer.text
            await asyncio.sleep(0.1)

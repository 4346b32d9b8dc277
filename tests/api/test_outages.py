"""What happens to uploads while a whole engine is away or has no room, and that they end well by themselves."""

import asyncio
import contextlib
import hashlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.api.households import MAY_BE_HEARD, household, judged
from tests.api.phones import Phone
from tests.api.taking import speech
from tests.companions import Companion, parent_of

#: The disk of the test is this large, in bytes, and the service keeps this much of it free.
DISK, KEPT_FREE = 2_000_000_000, 300_000_000
#: Ten seconds in `make faults`; a moment shows the same with every other test.
AWAY_S = 10.0 if "COMPANION_FAULT_ROUNDS" in os.environ else 2.0
pytestmark = pytest.mark.timeout(900)


async def test_a_database_that_is_silent_for_a_while_is_a_pause() -> None:
    """It does not die, it just does not answer; phones hear 503, wait, and everything arrives."""
    async with household() as (companion, client, campaign):
        phone = Phone(client, campaign)
        sent = [os.urandom(4_000_000), speech()]
        deliveries = [asyncio.create_task(phone.deliver(data, pause_s=0.05)) for data in sent]
        await asyncio.sleep(1)
        with stopped(companion, "postgres"):
            await asyncio.sleep(AWAY_S)
        recordings = await asyncio.gather(*deliveries)
        for data, recording in zip(sent, recordings, strict=True):
            await judged(phone, recording)
            await whole(phone, recording, data)

    print(f"\nPostgreSQL silent for {AWAY_S:.0f} s; heard {sorted(phone.heard())}")
    assert phone.heard() <= MAY_BE_HEARD


@pytest.mark.skipif("COMPANION_FAULT_ROUNDS" not in os.environ, reason="half a minute; part of `make faults`")
async def test_each_part_that_is_away_is_named_by_its_name() -> None:
    """Whoever watches hears which part it is, and that it is back; the process itself lives all the while."""
    async with household() as (companion, client, _):
        for engine, part, status in (
            ("postgres", "database", "unavailable"),
            ("weed", "store", "unavailable"),
            ("worker", "workers", "limited"),
        ):
            with stopped(companion, engine):
                assert await heard(client, part, (status, "missing")), await said(client, part)
                assert 200 == (await client.get("/healthz")).status_code
            assert await heard(client, part, ("ok", "ok")), await said(client, part)


async def said(client: httpx.AsyncClient, part: str) -> tuple[str, str]:
    """What /readyz says about everything, and about a part."""
    shown = (await client.get("/readyz", auth=None)).json()
    return shown["status"], shown[part]


async def heard(client: httpx.AsyncClient, part: str, expected: tuple[str, str]) -> bool:
    """Wait until /readyz says something."""
    for _ in range(60):
        if await said(client, part) == expected:
            return True
        await asyncio.sleep(0.5)
    return False


@contextlib.contextmanager
def stopped(companion: Companion, name: str) -> Iterator[None]:
    """Stop all processes of an engine for a while, without ending them."""
    pid = companion.child(name)
    assert pid
    family = [pid, *(int(entry.name) for entry in Path("/proc").glob("[0-9]*") if parent_of(entry) == pid)]
    for process in family:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)


async def whole(phone: Phone, recording: str, data: bytes) -> None:
    """Assert that what is read back is what was sent."""
    media = await phone.insist("GET", f"/v1/recordings/{recording}/media")
    assert hashlib.sha256(data).digest() == hashlib.sha256(media.content).digest()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of its own; it takes root to make one, and elsewhere this is said and left out."""
    folder = Path(tempfile.mkdtemp(prefix="companion-disk-"))
    folder.chmod(0o755)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=0755", "tmpfs", folder], capture_output=True, check=False
    )
    try:
        if mounted.returncode:
            pytest.skip("a full disk cannot be made here: mounting one takes root")
        yield folder
    finally:
        if not mounted.returncode:
            subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


async def test_a_full_disk_is_heard_and_heals(small_disk: Path) -> None:
    """First intake stops with 507 while reading goes on; then not a byte is left; then there is room again.

    Nothing that was acknowledged is lost, and nobody has to start anything.
    """
    variables = {"COMPANION_KEEP_FREE": str(KEPT_FREE)}
    async with household(small_disk, **variables) as (_, client, campaign):
        phone = Phone(client, campaign)
        sent = [os.urandom(4_000_000)]
        recordings = [await phone.deliver(sent[0])]
        filler = small_disk / "filler"
        fill(filler, free(small_disk) - KEPT_FREE // 2)
        deliveries = []
        for data in (os.urandom(6_000_000), speech()):
            sent.append(data)
            deliveries.append(asyncio.create_task(phone.deliver(data, pause_s=0.02)))
        await asyncio.sleep(2)
        assert 200 == (await client.get("/v1/recordings")).status_code
        assert 507 in phone.heard()
        assert ("limited", "missing") == await said(client, "disk")
        fill(filler, filler.stat().st_size + free(small_disk))
        await asyncio.sleep(3)
        filler.unlink()
        recordings += await asyncio.gather(*deliveries)
        for data, recording in zip(sent, recordings, strict=True):
            await judged(phone, recording)
            await whole(phone, recording, data)

    print(f"\nA disk was full; heard {sorted(phone.heard())}, and {len(sent)} recordings arrived whole")
    assert phone.heard() <= MAY_BE_HEARD | {507}


def free(disk: Path) -> int:
    """Bytes that are left."""
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize


def fill(file: Path, size: int) -> None:
    """Let a file take up room, as far as there is any."""
    with file.open("ab") as filler, contextlib.suppress(OSError):
        while filler.tell() < size:
            filler.write(bytes(min(1 << 20, size - filler.tell())))

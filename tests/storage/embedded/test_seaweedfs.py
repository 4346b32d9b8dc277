"""The embedded object store: closed to whoever has no keys, and nothing acknowledged is lost."""

import asyncio
import io
import json
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import urllib3
from minio.error import S3Error

from storage.embedded import process, seaweedfs
from storage.embedded.directory import Directory
from storage.embedded.process import Child
from storage.embedded.seaweedfs import HOST, S3Settings
from tests.processes import until, working_on


def settings(engine: Child) -> S3Settings:
    known = engine.environment
    endpoint = known["S3_ENDPOINT"].removeprefix("http://")
    return S3Settings(endpoint, known["S3_ACCESS_KEY"], known["S3_SECRET_KEY"], known["S3_BUCKET"])


def ports(place: Directory) -> dict[str, int]:
    return dict(json.loads((place.path / "run" / "ports.json").read_text()))


def put(engine: Child, name: str, content: bytes) -> None:
    mine = settings(engine)
    mine.client().put_object(bucket_name=mine.bucket, object_name=name, data=io.BytesIO(content), length=len(content))


def get(engine: Child, name: str) -> bytes:
    mine = settings(engine)
    with mine.client().get_object(bucket_name=mine.bucket, object_name=name) as answer:
        return bytes(answer.read())


@pytest.fixture(scope="module")
async def shared(shared_place: Directory) -> AsyncIterator[Child]:
    """Return a store for the tests that leave it as it was."""
    engine = await seaweedfs.start(shared_place)
    yield engine
    process.kill(engine)
    await process.stop(engine)


@pytest.fixture
def stranger() -> Iterator[urllib3.PoolManager]:
    """Return somebody on this machine who has no keys."""
    with urllib3.PoolManager(timeout=3, retries=False) as pool:
        yield pool


async def test_every_port_listens_on_loopback_only(shared_place: Directory, shared: Child) -> None:
    """And no port is open that is not ours: no WebDAV, no catalogue."""
    numbers = set(ports(shared_place).values())

    assert numbers | {port + seaweedfs.GRPC_OFFSET for port in numbers} == {port for _, port in listening(shared)}
    assert {"0100007F"} == {address for address, _ in listening(shared)}


def listening(engine: Child) -> set[tuple[str, int]]:
    """Return what a process listens on, by proc(5): addresses in hexadecimal, host byte order."""
    own = {str(descriptor.readlink())[8:-1] for descriptor in Path(f"/proc/{engine.process.pid}/fd").iterdir()}
    lines = [
        line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    found = [line[1].split(":") for line in lines if line[3] == "0A" and line[9] in own]
    return {(address, int(port, 16)) for address, port in found}


@pytest.mark.parametrize(
    ("part", "method", "path", "status"),
    [
        ("s3", "GET", "/", 403),
        ("s3", "GET", "/companion/secret", 403),
        ("s3", "PUT", "/companion/planted", 403),
        ("filer", "GET", "/buckets/companion/secret", 404),
        ("filer", "PUT", "/buckets/companion/planted", 404),
        ("filer", "DELETE", "/buckets/companion/secret", 404),
        ("filer", "POST", "/.tus/buckets/companion/planted", 404),
        ("master", "GET", "/dir/assign", 404),
        ("master", "GET", "/dir/lookup?volumeId=1&read=yes", 404),
        ("master", "GET", "/col/delete?collection=companion", 404),
        ("volume", "GET", "/{file}", 401),
        ("volume", "DELETE", "/{file}", 401),
        ("volume", "POST", "/{file}", 401),
        ("admin", "GET", "/", 404),
    ],
)
async def test_a_stranger_on_this_machine_is_refused(
    shared_place: Directory,
    shared: Child,
    stranger: urllib3.PoolManager,
    part: str,
    method: str,
    path: str,
    status: int,
) -> None:
    """No port gives or takes a byte without keys, and the master hands out no writing token."""
    put(shared, "secret", b"recording")
    url = f"http://{HOST}:{ports(shared_place)[part]}{path.format(file='1,0210820a6b')}"

    answer = await asyncio.to_thread(stranger.request, method, url)

    assert status == answer.status
    assert "Authorization" not in answer.headers
    assert b"recording" == get(shared, "secret")


async def test_a_stranger_cannot_speak_to_the_internal_ports(shared_place: Directory, shared: Child) -> None:
    """`weed shell` without our certificate reaches neither master nor filer."""
    del shared
    bare = await asyncio.create_subprocess_exec(
        seaweedfs.placed(shared_place),
        "shell",
        f"-master={HOST}:{ports(shared_place)['master']}",
        f"-filer={HOST}:{ports(shared_place)['filer']}",
        cwd="/",
        env={"HOME": "/nonexistent"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(3):
            answer, _ = await bare.communicate(b"fs.ls /buckets\nexit\n")
    except TimeoutError:
        # It keeps trying to connect for ever, which is as good.
        bare.kill()
        await bare.wait()
        answer = b""

    assert b"companion" not in answer


async def test_wrong_keys_are_refused(shared: Child) -> None:
    wrong = replace(settings(shared), secret_key="w" * 40)

    with pytest.raises(S3Error, match="AccessDenied"):
        wrong.client().stat_object(bucket_name=wrong.bucket, object_name="any")


async def test_it_reports_to_nobody(shared: Child) -> None:
    """SeaweedFS sends statistics home unless it is told not to."""
    arguments = Path(f"/proc/{shared.process.pid}/cmdline").read_bytes().split(b"\0")

    assert b"-master.telemetry=false" in arguments


@pytest.mark.parametrize(
    ("answer", "synced"),
    [
        ('{\n  "version": 1, "locations": [{"locationPrefix": "/buckets/b/", "fsync": true}]}', True),
        ('{\n  "version": 1, "locations": [{"locationPrefix": "/buckets/b/", "fsync": false}]}', False),
        ('{\n  "version": 1, "locations": [{"locationPrefix": "/buckets/other/", "fsync": true}]}', False),
        ('{\n  "version": 1, "locations": []}\n{\n  "version": 1}', False),
        ("error: no filer", False),
    ],
)
def test_the_fsync_rule_is_read_back(answer: str, synced: bool) -> None:
    """A rule that did not take stops the start."""
    assert synced is seaweedfs.has_fsync(answer, "b")


async def test_a_second_start_finds_its_data_and_leaves_no_process(place: Directory, children: list[Child]) -> None:
    """What was put before a clean stop is there after it, with the same keys at the same address."""
    first = await seaweedfs.start(place)
    put(first, "take", b"first")
    await process.stop(first)
    assert [] == working_on(place.path)
    assert not any(path.exists() for path in first.litter)

    second = await seaweedfs.start(place)
    children.append(second)

    assert first.environment == second.environment
    assert b"first" == get(second, "take")


async def test_what_was_put_survives_a_kill_and_a_taken_port(place: Directory, children: list[Child]) -> None:
    """After kill -9 another program took the master's port: the store moves, and forgets nothing."""
    first = await seaweedfs.start(place)
    before = ports(place)
    put(first, "take", b"first")
    first.process.send_signal(signal.SIGKILL)
    await first.process.wait()
    with socket.create_server((HOST, before["master"])):
        second = await seaweedfs.start(place)
        children.append(second)
        put(second, "another", b"second")

        assert before["master"] != ports(place)["master"]
        assert (b"first", b"second") == (get(second, "take"), get(second, "another"))


async def test_the_port_for_phones_can_be_fixed(place: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    """COMPANION_S3_PORT; the other ports stay free to move."""
    monkeypatch.setenv("COMPANION_S3_PORT", "29999")

    assert 29999 == seaweedfs.chosen_ports(place)["s3"]


async def test_ports_are_kept_while_they_are_free(place: Directory) -> None:
    first = seaweedfs.chosen_ports(place)
    with socket.create_server((HOST, first["filer"] + seaweedfs.GRPC_OFFSET)):
        second = seaweedfs.chosen_ports(place)

    assert {"filer"} == {part for part in first if first[part] != second[part]}
    assert len(second) == len(set(second.values()))


async def test_its_engine_user_alone_reads_the_keys(shared_place: Directory, shared: Child) -> None:
    del shared
    home = shared_place.path / "seaweedfs-home"

    for name in ("s3.json", "security.toml", "key.pem", "certificate.pem"):
        status = (home / name).stat()
        assert (0o100600, shared_place.engine_user.uid) == (status.st_mode, status.st_uid)


async def test_it_goes_when_it_is_stopped_while_starting(place: Directory) -> None:
    """A Ctrl-C during the first second leaves no process and no socket behind."""
    starting = asyncio.create_task(seaweedfs.start(place))
    assert await until(lambda: working_on(place.path))
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting

    assert await until(lambda: not working_on(place.path))
    assert not any(path.exists() for path in seaweedfs.litter(ports(place)))

"""What stays of an upload after a cut, a kill, a power cut or a quarrel between two of its owner's devices."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar

from api.validation import Workplace
from storage import sessions, uploads
from storage.database import Pool, transaction
from storage.errors import StoreUnavailable, UploadBusy
from storage.parts import gaps
from storage.sweeping import forget_left_over, remove_doomed
from storage.uploads import Chunk, contiguous
from tests.api.clients import client_of
from tests.api.taking import BYTES, TUS, examined, offset, send, slug
from tests.processes import until

Client = httpx.AsyncClient


async def test_a_second_writer_waits_until_the_first_lets_go(
    contributor: Client, upload: tuple[str, bytes], database: Pool
) -> None:
    """The lease lapses by itself within 15 seconds, so a dead request never locks its own client out."""
    url, data = upload
    found = UUID(url.rsplit("/", 1)[-1])
    async with transaction(database) as connection:
        await connection.execute(
            "UPDATE uploads SET busy_token = %s, busy_until = now() + %s WHERE id = %s",
            (uuid4(), uploads.LEASE, found),
        )

    answer = await send(contributor, url, data)
    async with transaction(database) as connection:
        await connection.execute("UPDATE uploads SET busy_until = now() WHERE id = %s", (found,))
    later = await send(contributor, url, data)

    assert (423, "upload-busy") == (answer.status_code, slug(answer))
    assert int(answer.headers["Retry-After"]) <= 15 >= uploads.LEASE.total_seconds()
    assert 204 == later.status_code


@pytest.mark.parametrize("how", ["deleted", "terminated"])
async def test_what_arrives_after_a_deletion_is_not_kept(
    contributor: Client, upload: tuple[str, bytes], app: Litestar, database: Pool, how: str
) -> None:
    """A phone deletes a recording that another one of its owner's is sending at this moment."""
    url, data = upload
    recording = (await contributor.get("/v1/recordings")).json()["data"][0]["id"]
    await send(contributor, url, data[:1000])
    gone: list[int] = []
    asking: list[asyncio.Task[httpx.Response]] = []

    async def body() -> AsyncIterator[bytes]:
        yield data[1000:3000]
        await asyncio.sleep(0.1)
        if how == "deleted":
            gone.append((await contributor.delete(f"/v1/recordings/{recording}")).status_code)
        else:
            # It ends this very request, and waits for that; so whoever sends goes on meanwhile.
            asking.append(asyncio.create_task(contributor.delete(url, headers=TUS)))
            await asyncio.sleep(0.2)
        yield data[3000:]

    answer = await contributor.patch(url, content=body(), headers={**BYTES, "Upload-Offset": "1000"})
    gone += [told.status_code for told in await asyncio.gather(*asking)]
    await asyncio.sleep(0.5)
    while await remove_doomed(database, app.state.store):
        pass

    assert ([204], 404, "upload-missing") == (gone, answer.status_code, slug(answer))
    assert [] == await app.state.store.listing(f"quarantine/{url.rsplit('/', 1)[-1]}/")
    async with transaction(database) as connection:
        assert [] == await uploads.chunks(connection, UUID(url.rsplit("/", 1)[-1]))


async def test_pieces_that_a_deletion_overlooked_are_swept(
    contributor: Client, upload: tuple[str, bytes], app: Litestar, database: Pool
) -> None:
    """Their rows kept them for ever: whoever looks for orphans takes what has a row for needed."""
    url, data = upload
    found = UUID(url.rsplit("/", 1)[-1])
    recording = (await contributor.get("/v1/recordings")).json()["data"][0]["id"]
    await contributor.delete(f"/v1/recordings/{recording}")
    key = f"quarantine/{found}/000000000000.{uuid4()}"
    await app.state.store.put(key, data)
    async with transaction(database) as connection:
        await connection.execute(uploads.ADD, {"upload": found, "start": 0, "size": len(data), "object_key": key})

    assert 1 <= await forget_left_over(database)
    while await remove_doomed(database, app.state.store):
        pass

    assert [] == await app.state.store.listing(f"quarantine/{found}/")


async def test_only_what_the_store_lost_is_sent_again(
    contributor: Client, upload: tuple[str, bytes], app: Litestar
) -> None:
    """A store that acknowledges before it writes may lose objects in a power cut; what lies behind the gap stays."""
    url, data = upload
    for start, end in ((0, 1000), (1000, 3000), (3000, 6000)):
        await send(contributor, url, data[start:end], start)
    stored = await app.state.store.listing(f"quarantine/{url.rsplit('/', 1)[-1]}/")
    await app.state.store.remove([stored[1].key])

    assert 1000 == await offset(contributor, url)
    filled = await send(contributor, url, data[1000:3000], 1000)
    assert (204, "6000") == (filled.status_code, filled.headers["Upload-Offset"])
    assert 204 == (await send(contributor, url, data[6000:], 6000)).status_code


async def test_a_client_that_sends_everything_after_a_gap_is_understood(
    contributor: Client, upload: tuple[str, bytes], app: Litestar, database: Pool
) -> None:
    """It sends stored bytes again, in the middle of a request; they are passed over and nothing is stored twice."""
    url, data = upload
    for start, end in ((0, 1000), (1000, 3000), (3000, 6000)):
        await send(contributor, url, data[start:end], start)
    stored = await app.state.store.listing(f"quarantine/{url.rsplit('/', 1)[-1]}/")
    await app.state.store.remove([stored[1].key])

    assert 1000 == await offset(contributor, url)
    rest = await send(contributor, url, data[1000:], 1000)

    async with transaction(database) as connection:
        pieces = await uploads.chunks(connection, UUID(url.rsplit("/", 1)[-1]))
    assert (204, str(len(data))) == (rest.status_code, rest.headers["Upload-Offset"])
    assert [(0, 1000), (1000, 2000), (3000, 3000), (6000, len(data) - 6000)] == [
        (piece.start, piece.size) for piece in pieces
    ]


async def test_what_the_store_lost_after_the_last_byte_is_asked_for_again(
    contributor: Client, upload: tuple[str, bytes], place: Workplace
) -> None:
    """The phone believed itself done: it hears that the recording is `uploading` again, and sends only the gap."""
    url, data = upload
    for start, end in ((0, 1000), (1000, 3000), (3000, len(data))):
        await send(contributor, url, data[start:end], start)
    recording = (await contributor.get("/v1/recordings")).json()["data"][0]["id"]
    stored = await place.store.listing(f"quarantine/{url.rsplit('/', 1)[-1]}/")
    await place.store.remove([stored[1].key])

    seen = (await examined(place, contributor, recording))["recording"]
    waiting = (await contributor.get("/v1/upload-plan")).json()["queue"]
    there = await offset(contributor, url)
    filled = await send(contributor, url, data[1000:3000], 1000)

    assert ("uploading", "bytes-lost", 1000) == (seen["state"], seen["because"], there)
    assert [(recording, 2000)] == [(item["recording"], item["missing_bytes"]) for item in waiting]
    assert (204, str(len(data))) == (filled.status_code, filled.headers["Upload-Offset"])
    assert "needs_consent" == (await examined(place, contributor, recording))["recording"]["state"]


async def test_another_device_of_the_same_account_goes_on(
    app: Litestar, contributor: Client, upload: tuple[str, bytes], database: Pool
) -> None:
    """The tablet asks for the offset and sends the rest of what the phone began."""
    url, data = upload
    await send(contributor, url, data[:1000])
    account = UUID((await contributor.get("/v1/me")).json()["id"])
    async with transaction(database) as connection:
        _, tokens = await sessions.start(connection, account, "a tablet")

    async with client_of(app, tokens.access_token) as tablet:
        there = await offset(tablet, url)
        rest = await send(tablet, url, data[there:], there)

    assert (1000, 204) == (there, rest.status_code)


async def test_a_writer_that_was_replaced_adds_nothing(
    contributor: Client, upload: tuple[str, bytes], database: Pool
) -> None:
    """A request that wakes up late meets another one's lease."""
    url, _ = upload
    account = UUID((await contributor.get("/v1/me")).json()["id"])
    late, early = uuid4(), uuid4()
    async with transaction(database) as connection:
        found, _ = await uploads.begin(
            connection, account, UUID(url.rsplit("/", 1)[-1]), writer=late, offset=0, at_once=3
        )
        await connection.execute("UPDATE uploads SET busy_token = %s WHERE id = %s", (early, found.id))

    with pytest.raises(UploadBusy):
        async with transaction(database) as connection:
            await uploads.keep(connection, found, late, [Chunk(0, 10, "late")], uploads.LEASE)

    assert 0 == await offset(contributor, url)


def request_of(served: str, client: Client, url: str, length: int, offset: int = 0) -> tuple[socket.socket, str]:
    """Open a connection of our own and send the head of a PATCH."""
    address = urlsplit(served)
    line = socket.create_connection((address.hostname, address.port), timeout=20)
    head = f"PATCH {urlsplit(url).path} HTTP/1.1\r\nHost: {address.netloc}\r\nTus-Resumable: 1.0.0\r\n"
    head += f"Content-Type: application/offset+octet-stream\r\nUpload-Offset: {offset}\r\nContent-Length: {length}\r\n"
    head += f"Authorization: {client.headers['Authorization']}\r\n\r\n"
    line.sendall(head.encode())
    return line, head


def unread(line: socket.socket) -> int:
    """Bytes of a connection on this machine that were sent and that nobody has read yet; /proc/net/tcp, proc(5)."""
    ends = {line.getsockname()[1], line.getpeername()[1]}
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    queues = [row[4].split(":") for row in rows if {int(end.rpartition(":")[2], 16) for end in row[1:3]} == ends]
    return sum(int(length, 16) for lengths in queues for length in lengths)


async def test_a_cut_connection_keeps_what_arrived(contributor: Client, upload: tuple[str, bytes], served: str) -> None:
    """Every byte that reached the server before the cut, to the last one; the rest completes the recording."""
    url, data = upload
    line, _ = request_of(served, contributor, url, len(data))
    line.sendall(data[:77_777])
    await asyncio.sleep(0.5)
    line.close()

    async with httpx.AsyncClient(base_url=served, headers=contributor.headers) as phone:
        path = urlsplit(url).path
        deadline = time.monotonic() + 30
        while await offset(phone, path) != 77_777:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        rest = await send(phone, path, data[77_777:], 77_777)

    assert 204 == rest.status_code


async def test_a_phone_on_a_new_network_takes_over_from_its_own_dead_connection(
    contributor: Client, upload: tuple[str, bytes], served: str
) -> None:
    """The old connection still looks alive to the server; asking for the offset ends it and keeps its bytes."""
    url, data = upload
    line, _ = request_of(served, contributor, url, len(data))
    line.sendall(data[:50_000])
    assert await until(lambda: not unread(line), 20)

    async with httpx.AsyncClient(base_url=served, headers=contributor.headers, timeout=20) as phone:
        began = time.monotonic()
        there = await offset(phone, urlsplit(url).path)
        rest = await send(phone, urlsplit(url).path, data[there:], there)
        lasted = time.monotonic() - began
    line.close()

    assert (50_000, 204) == (there, rest.status_code)
    assert lasted < 15


async def test_a_silent_client_is_let_go_and_what_it_sent_is_kept(
    contributor: Client,
    upload: tuple[str, bytes],
    app: Litestar,
    database: Pool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing else ends a connection that stays open and says nothing."""
    monkeypatch.setattr("api.receiving.SILENCE_S", 0.2)
    url, data = upload

    async def silent() -> Any:
        yield data[:1000]
        await asyncio.sleep(30)

    answer = await contributor.patch(url, content=silent(), headers={**BYTES, "Upload-Offset": "0"})

    assert (408, "upload-too-slow", 1000) == (answer.status_code, slug(answer), answer.json()["offset"])
    assert 1000 == await offset(contributor, url)


@pytest.mark.parametrize(("name", "value"), [("SLOWEST", 10_000_000), ("LONGEST_S", 0.3)])
async def test_a_client_that_only_drips_is_let_go(
    contributor: Client, upload: tuple[str, bytes], monkeypatch: pytest.MonkeyPatch, name: str, value: float
) -> None:
    """Below a least rate, or after a longest time, one connection has had its turn; what it brought is kept."""
    monkeypatch.setattr("api.receiving.SILENCE_S", 0.2)
    monkeypatch.setattr(f"api.receiving.{name}", value)
    url, data = upload

    async def dripping() -> Any:
        for start in range(0, 100_000, 1000):
            yield data[start : start + 1000]
            await asyncio.sleep(0.05)

    answer = await contributor.patch(url, content=dripping(), headers={**BYTES, "Upload-Offset": "0"})

    assert (408, "upload-too-slow") == (answer.status_code, slug(answer))
    assert 0 < answer.json()["offset"] < 100_000
    assert answer.json()["offset"] == await offset(contributor, url)


async def test_no_connection_to_the_database_is_held_while_bytes_flow(
    contributor: Client, upload: tuple[str, bytes], database: Pool
) -> None:
    """A thousand phones in tunnels would hold a thousand connections otherwise."""
    url, data = upload
    free: list[bool] = []

    def all_free() -> bool:
        stats = database.get_stats()
        return stats["pool_size"] == stats["pool_available"]

    async def pausing() -> Any:
        for start in (0, 1000):
            yield data[start : start + 1000]
            await asyncio.sleep(0.1)
            # For a moment one that is being opened counts as lent.
            free.append(await until(all_free, 3))

    answer = await contributor.patch(url, content=pausing(), headers={**BYTES, "Upload-Offset": "0"})

    assert 204 == answer.status_code
    assert [True, True] == free


async def test_a_store_that_is_away_is_a_503_and_loses_nothing(
    contributor: Client, upload: tuple[str, bytes], app: Litestar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The phone waits and goes on where it was."""
    url, data = upload
    await send(contributor, url, data[:1000])
    with monkeypatch.context() as away:
        away.setattr(app.state.store.client, "_base_url", unreachable(app))
        answer = await send(contributor, url, data[1000:], 1000)

    assert (503, "store-unavailable") == (answer.status_code, slug(answer))
    assert "Retry-After" in answer.headers
    assert 1000 == await offset(contributor, url)


def unreachable(app: Litestar) -> Any:
    """The address of a port at which nobody listens."""
    from minio.helpers import BaseURL

    return BaseURL("http://127.0.0.1:9", "us-east-1")


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 10)), max_size=12))
def test_the_offset_counts_no_byte_after_a_gap(pieces: list[tuple[int, int]]) -> None:
    """Whatever rows there are: every byte below the offset is in one of them."""
    chunks = [Chunk(start, size, "") for start, size in sorted(pieces)]

    end = contiguous(chunks)

    held = {byte for chunk in chunks for byte in range(chunk.start, chunk.start + chunk.size)}
    assert set(range(end)) <= held


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 10)), max_size=12), st.integers(1, 200))
def test_gaps_and_pieces_are_the_whole_recording(steps: list[tuple[int, int]], rest: int) -> None:
    """What is asked for again and what is there make up every byte, once."""
    chunks, end = [], 0
    for distance, size in steps:
        chunks.append(Chunk(end + distance, size, ""))
        end = chunks[-1].end
    length = end + rest

    held = [(chunk.start, chunk.size) for chunk in chunks]
    covered = [byte for start, size in (*held, *gaps(chunks, length)) for byte in range(start, start + size)]

    assert list(range(length)) == sorted(covered)


async def test_pieces_that_landed_behind_a_failed_one_are_kept(
    contributor: Client, upload: tuple[str, bytes], app: Litestar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several pieces fly at once: when the first is lost, the others lie behind a gap, and only that is sent again."""
    monkeypatch.setattr("api.receiving.PIECE", 100_000)
    url, data = upload
    put, failed = app.state.store.put, []

    async def lossy(key: str, piece: bytes) -> None:
        if not failed:
            failed.append(key)
            await asyncio.sleep(0.5)
            raise StoreUnavailable
        await put(key, piece)

    with monkeypatch.context() as away:
        away.setattr(app.state.store, "put", lossy)
        answer = await send(contributor, url, data)
    there = await offset(contributor, url)
    filled = await send(contributor, url, data[:100_000])

    assert (503, 0) == (answer.status_code, there)
    assert (204, "300000") == (filled.status_code, filled.headers["Upload-Offset"])
    assert 204 == (await send(contributor, url, data[300_000:], 300_000)).status_code

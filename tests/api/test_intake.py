"""When nothing is taken in: no room, or nobody who could examine it. What was sent before stays."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import Litestar
from minio.error import InvalidResponseError

from storage import claims, examiners
from storage.database import Pool, transaction
from storage.errors import DailyBytesUsed, StoreFull
from storage.room import Room, kept_free
from tests.api.paying import account_of
from tests.api.taking import claim, offset, send, slug, speech

Client = httpx.AsyncClient


async def test_a_disk_that_is_nearly_full_takes_no_bytes(
    contributor: Client, upload: tuple[str, bytes], app: Litestar, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The phone hears when to come back; once there is room it goes on where it was."""
    url, data = upload
    await send(contributor, url, data[:1000])
    with monkeypatch.context() as full:
        full.setattr(app.state.store, "room", Room(str(tmp_path), keep_free=2**60))
        refused = await send(contributor, url, data[1000:], 1000)

    assert (507, "store-full") == (refused.status_code, slug(refused))
    assert int(refused.headers["Retry-After"]) > 0
    assert 1000 == await offset(contributor, url)
    assert 204 == (await send(contributor, url, data[1000:], 1000)).status_code


async def test_nothing_is_claimed_that_could_not_be_sent(
    contributor: Client, campaign: dict[str, Any], app: Litestar, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What was claimed before is found as ever; the same claim is made once there is room."""
    known, data = speech(), speech()
    first = await claim(contributor, campaign, known)
    with monkeypatch.context() as full:
        full.setattr(app.state.store, "room", Room(str(tmp_path), keep_free=2**60))
        refused = await claim(contributor, campaign, data)
        again = await claim(contributor, campaign, known)

    assert (507, "store-full") == (refused.status_code, slug(refused))
    assert [201, 200] == [first.status_code, again.status_code]
    assert 201 == (await claim(contributor, campaign, data)).status_code


async def test_a_store_that_says_it_is_full_is_left_alone_for_a_while(
    contributor: Client, upload: tuple[str, bytes], app: Litestar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next phone is told before it sends a byte, and the store is tried again later."""
    url, data = upload
    asked: list[str] = []

    def full(**arguments: Any) -> None:
        asked.append(arguments["object_name"])
        raise InvalidResponseError(507, "text/plain", "no room")

    with monkeypatch.context() as away:
        away.setattr(app.state.store, "room", Room())
        away.setattr(app.state.store.client, "put_object", full)
        answers = [await send(contributor, url, data) for _ in range(3)]

    assert [507] * 3 == [answer.status_code for answer in answers]
    assert 1 == len(asked)


def test_the_reserve_is_the_larger_of_five_gigabytes_and_a_tenth() -> None:
    """A small disk keeps half of itself free, a large one more than PostgreSQL will ever need at once."""
    assert [5_000_000_000, 5_000_000_000, 100_000_000_000] == [kept_free(10**size) for size in (9, 10, 12)]


def test_a_room_opens_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a minute after the store said that it is full it is asked again."""
    clock = [100.0]
    monkeypatch.setattr("storage.room.time.monotonic", lambda: clock[0])
    room = Room()
    room.close()

    with pytest.raises(StoreFull):
        room.check()
    clock[0] += 31
    room.check()


async def test_nothing_is_taken_in_that_could_never_be_examined(
    contributor: Client, campaign: dict[str, Any], upload: tuple[str, bytes], database: Pool
) -> None:
    """Every living worker says that its machine cannot isolate a decoder; one that can is enough."""
    url, data = upload
    poor, good = uuid4(), uuid4()
    async with transaction(database) as connection:
        await connection.execute("DELETE FROM examiners")
        await examiners.say(connection, poor, isolates=False)
    refused = await send(contributor, url, data)
    unclaimed = await claim(contributor, campaign, speech())
    async with transaction(database) as connection:
        await examiners.say(connection, good, isolates=True)
    taken = await send(contributor, url, data[:1000])
    async with transaction(database) as connection:
        for worker in (poor, good):
            await examiners.leave(connection, worker)

    for answer in (refused, unclaimed):
        assert (503, "examination-impossible") == (answer.status_code, slug(answer))
    assert "Retry-After" in refused.headers
    assert 204 == taken.status_code


async def test_a_worker_that_is_restarted_stops_nobody(
    contributor: Client, upload: tuple[str, bytes], database: Pool
) -> None:
    """A dead worker's word lapses, and with no worker at all recordings wait for the next one."""
    url, data = upload
    async with transaction(database) as connection:
        await connection.execute("DELETE FROM examiners")
        await connection.execute(
            "INSERT INTO examiners (worker, isolates, seen_at) VALUES (%s, false, now() - interval '2 minutes')",
            (uuid4(),),
        )

    assert 204 == (await send(contributor, url, data)).status_code


async def test_a_day_s_bytes_are_not_given_back_for_what_came_whole(
    contributor: Client, campaign: dict[str, Any], database: Pool
) -> None:
    """Sent, examined, deleted, and sent again the whole day; what never came may be announced anew."""
    account = await account_of(contributor, database)
    whole, never = speech(), speech()
    for data in (whole, never):
        claimed = (await claim(contributor, campaign, data)).json()
        if data is whole:
            assert 204 == (await send(contributor, claimed["upload"]["url"], data)).status_code
        assert 204 == (await contributor.delete(f"/v1/recordings/{claimed['id']}")).status_code
    little = claims.Allowance(10**9, 20, len(whole) + 1000, timedelta(days=7), 10**6)
    wish = claims.Claim(UUID(campaign["id"]), os.urandom(32), 2000, "audio/wav")

    with pytest.raises(DailyBytesUsed) as refusal:
        async with transaction(database) as connection:
            await claims.claim(connection, account, wish, little)

    assert 1000 == refusal.value.facts["left_bytes"]

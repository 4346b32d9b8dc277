"""The direct door, against the real object store: what a permission allows, and what a thief of one could do."""

import asyncio
import hashlib
import itertools
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar

from api.app import create_app
from api.settings import Settings
from api.validation import Workplace
from storage.database import Pool
from storage.objects import Store
from storage.parts import Part, arrived, gaps, key_of
from storage.presigning import Bucket, presigned_put
from storage.sweeping import remove_orphans
from storage.uploads import Chunk
from tests.api.clients import client_of
from tests.api.taking import claim, examined, offset, send, slug, speech

Campaign = dict[str, Any]
Client = httpx.AsyncClient


@pytest.fixture
def with_door(app: Litestar, settings: Settings) -> Litestar:
    """The same service where phones can reach the store."""
    opened = create_app(msgspec.structs.replace(settings, s3_public_endpoint=settings.s3_endpoint))
    opened.state.update(app.state.dict())
    return opened


@pytest.fixture
async def phone(with_door: Litestar, contributor: Client) -> AsyncIterator[Client]:
    """A contributor who can put parts."""
    async with client_of(with_door, contributor.headers["authorization"].removeprefix("Bearer ")) as client:
        yield client


@pytest.fixture
async def network() -> AsyncIterator[Client]:
    """The way from a phone to the store; it carries no token of ours."""
    async with Client() as outside:
        yield outside


def wanted(data: bytes, start: int, end: int) -> dict[str, Any]:
    """Ask for one part."""
    return {"start": start, "size": end - start, "sha256": hashlib.sha256(data[start:end]).hexdigest()}


async def permitted(phone: Client, url: str, *parts: dict[str, Any]) -> list[dict[str, Any]]:
    """Get permissions for parts."""
    answer = await phone.post(f"{url}/parts", json={"parts": list(parts)})
    assert 200 == answer.status_code, answer.text
    return list(answer.json()["parts"])


async def put(network: Client, permission: dict[str, Any], data: bytes, **more: str) -> int:
    """Use a permission; return the store's status."""
    headers = permission["put"]["headers"] | more
    return (await network.put(permission["put"]["url"], content=data, headers=headers)).status_code


async def test_parts_in_any_order_are_the_recording(
    phone: Client, network: Client, upload: tuple[str, bytes], place: Workplace
) -> None:
    """The phone sends four pieces past the service; what is examined in the end are its bytes."""
    url, data = upload
    cuts = [0, 90_000, 180_000, 270_000, len(data)]
    pieces = list(itertools.pairwise(cuts))
    permissions = await permitted(phone, url, *(wanted(data, *piece) for piece in pieces))

    for number in (2, 0, 3):
        assert 200 == await put(network, permissions[number], data[slice(*pieces[number])])
    early = await phone.post(f"{url}/completion")
    listed = [(part["start"], part["size"]) for part in (await phone.get(f"{url}/parts")).json()["data"]]
    there = await offset(phone, url)
    assert 200 == await put(network, permissions[1], data[slice(*pieces[1])])
    done = await phone.post(f"{url}/completion")
    again = await phone.post(f"{url}/completion")

    assert (409, "upload-incomplete", [{"start": 90_000, "size": 90_000}]) == (
        early.status_code,
        slug(early),
        early.json()["missing"],
    )
    assert [(0, 90_000), (180_000, 90_000), (270_000, len(data) - 270_000)] == listed
    assert 90_000 == there
    assert (200, 200, len(data)) == (done.status_code, again.status_code, done.json()["length"])
    seen = await examined(place, phone, done.json()["recording"])
    assert "needs_consent" == seen["recording"]["state"]
    heard = await phone.get(urlsplit(seen["media_url"]).path)
    assert hashlib.sha256(data).digest() == hashlib.sha256(heard.content).digest()


async def test_both_doors_serve_one_upload(phone: Client, network: Client, upload: tuple[str, bytes]) -> None:
    """Tus sends the beginning, a part lies further on, and the tus client that sends everything passes over it."""
    url, data = upload
    await send(phone, url, data[:1000])
    stored, ahead = await permitted(phone, url, wanted(data, 0, 500), wanted(data, 5000, 9000))
    assert 200 == await put(network, ahead, data[5000:9000])

    assert stored["put"] is None
    assert 1000 == await offset(phone, url)
    rest = await send(phone, url, data[1000:], 1000)

    assert (204, str(len(data))) == (rest.status_code, rest.headers["Upload-Offset"])
    assert 200 == (await phone.post(f"{url}/completion")).status_code


async def test_a_head_after_the_last_part_completes_the_upload(
    phone: Client, network: Client, upload: tuple[str, bytes]
) -> None:
    """A phone that died before it could say so finds itself done."""
    url, data = upload
    permissions = await permitted(phone, url, wanted(data, 0, len(data)))
    await put(network, permissions[0], data)

    assert len(data) == await offset(phone, url)
    assert 200 == (await phone.post(f"{url}/completion")).status_code


async def test_a_stolen_permission_writes_nothing_but_its_own_bytes(
    phone: Client, network: Client, upload: tuple[str, bytes], app_store: Store
) -> None:
    """Not others, not more, not elsewhere, not twice; and it reads and removes nothing."""
    url, data = upload
    (permission,) = await permitted(phone, url, wanted(data, 0, 1000))
    where = permission["put"]
    folder = f"quarantine/{url.rsplit('/', 1)[-1]}/"
    other = os.urandom(1000)
    elsewhere = {"put": {**where, "url": where["url"].replace(folder, "recordings/")}}
    bare = {name: value for name, value in where["headers"].items() if name != "content-length"}
    same_sum = {"x-amz-checksum-sha256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}

    refused = [
        await put(network, permission, other),
        await put(network, permission, data[:1001], **{"content-length": "1001"}),
        await put(network, permission, data[:999], **{"content-length": "999"}),
        await put(network, permission, other, **same_sum),
        await put(network, permission, data[:1000], **{"if-none-match": "other"}),
        await put(network, elsewhere, data[:1000]),
        (await network.put(where["url"], content=data[:1000])).status_code,
        (await network.get(where["url"], headers=bare)).status_code,
        (await network.delete(where["url"], headers=bare)).status_code,
        (await network.post(where["url"], headers=bare)).status_code,
    ]
    untouched = await app_store.listing(folder)
    first, second = await put(network, permission, data[:1000]), await put(network, permission, data[:1000])

    assert not [status for status in refused if status < 400]
    assert [] == untouched
    assert (200, 412) == (first, second)


async def test_a_permission_ends(settings: Settings, network: Client, upload: tuple[str, bytes]) -> None:
    """Ten minutes after it was given it is worth nothing."""
    bucket = Bucket(
        settings.s3_endpoint, settings.s3_access_key, settings.s3_secret_key, settings.s3_bucket, settings.s3_region
    )
    part = Part(0, 4, hashlib.sha256(b"late").digest())
    key = key_of(UUID(upload[0].rsplit("/", 1)[-1]), part)
    brief = presigned_put(bucket, key, size=4, sha256=part.sha256, lasts=timedelta(seconds=1))
    await asyncio.sleep(2.1)

    assert 403 == (await network.put(brief.url, content=b"late", headers=brief.headers)).status_code


@pytest.mark.parametrize(
    "parts",
    [
        [(0, 400_000)],
        [(10, 400_000_000)],
        [(500, 1500)],
        [(2000, 3000), (2999, 4000)],
    ],
)
async def test_parts_that_do_not_fit_are_refused(
    phone: Client, upload: tuple[str, bytes], parts: list[tuple[int, int]]
) -> None:
    """Beyond the end, too large, across stored bytes, across each other."""
    url, data = upload
    await send(phone, url, data[:1000])
    body = {"parts": [{"start": start, "size": end - start, "sha256": "0" * 64} for start, end in parts]}

    answer = await phone.post(f"{url}/parts", json=body)

    assert (answer.status_code, slug(answer)) in {(422, "part-refused"), (400, "request-invalid")}


async def test_at_most_a_hundred_parts_are_permitted_at_once(phone: Client, upload: tuple[str, bytes]) -> None:
    """A permission that is not used within ten minutes was given in vain."""
    url, data = upload
    parts = [wanted(data, start, start + 10) for start in range(0, 1010, 10)]

    assert 400 == (await phone.post(f"{url}/parts", json={"parts": parts})).status_code
    assert 100 == len(await permitted(phone, url, *parts[:100]))


async def test_without_a_public_store_there_is_no_direct_door(contributor: Client, upload: tuple[str, bytes]) -> None:
    """The phone hears that it should send everything by tus."""
    url, data = upload

    answer = await contributor.post(f"{url}/parts", json={"parts": [wanted(data, 0, 10)]})

    assert (409, "direct-upload-unavailable") == (answer.status_code, slug(answer))


async def test_parts_of_an_upload_that_is_over_are_not_permitted(phone: Client, campaign: Campaign) -> None:
    """Complete, or given up."""
    data = speech()
    url = (await claim(phone, campaign, data)).json()["upload"]["url"]
    await send(phone, url, data)

    answer = await phone.post(f"{url}/parts", json={"parts": [wanted(data, 0, 10)]})

    assert (409, "upload-finished") == (answer.status_code, slug(answer))


async def test_parts_that_nobody_asked_about_outlive_the_sweep(
    phone: Client, network: Client, upload: tuple[str, bytes], database: Pool, app_store: Store
) -> None:
    """They have no row before somebody asks; once the upload is over, what is left of it goes."""
    url, data = upload
    folder = f"quarantine/{url.rsplit('/', 1)[-1]}/"
    (permission,) = await permitted(phone, url, wanted(data, 0, 1000))
    await put(network, permission, data[:1000])
    written = (await app_store.listing(folder))[0].written_at

    await remove_orphans(database, app_store, written + timedelta(hours=25))
    assert 1 == len(await app_store.listing(folder))
    await phone.delete(url, headers={"Tus-Resumable": "1.0.0"})
    await remove_orphans(database, app_store, written + timedelta(hours=25))

    assert [] == await app_store.listing(folder)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 12)), max_size=15), st.integers(1, 70))
def test_taken_parts_never_overlap(pieces: list[tuple[int, int]], length: int) -> None:
    """Whatever objects there are: what is taken in lies within the recording, and no byte is in two pieces."""
    upload = UUID(int=1)
    stored = [Chunk(20, 10, "token")] if length >= 30 else []
    present = {key_of(upload, Part(start, size, bytes(32))): size for start, size in pieces}

    taken = [*stored, *arrived(present, stored, length)]

    covered = [byte for piece in taken for byte in range(piece.start, piece.end)]
    assert len(set(covered)) == len(covered)
    assert set(covered) <= set(range(length))
    assert length == len(covered) + sum(size for _, size in gaps(sorted(taken, key=lambda piece: piece.start), length))

"""The object store on a real S3: what is put comes back, what is not there is said to be missing."""

import hashlib
import inspect
import io
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from minio import Minio
from minio.error import S3Error

from storage.embedded.seaweedfs import S3Settings
from storage.errors import MediaMissing, StoreFull, StoreUnavailable
from storage.objects import PART_SIZE, Store, open_store, own_errors


@pytest.fixture
async def store(s3: S3Settings) -> AsyncIterator[Store]:
    """This worker's bucket."""
    async with open_store(
        s3.environment()["S3_ENDPOINT"], s3.access_key, s3.secret_key, s3.bucket, s3.region
    ) as opened:
        yield opened


async def test_bytes_come_back_whole_and_in_ranges(store: Store) -> None:
    """From any place on."""
    await store.put("objects/one", b"0123456789")

    assert b"0123456789" == await store.read("objects/one")
    assert b"345" == await store.read("objects/one", start=3, size=3)
    assert 10 == await store.size("objects/one")


async def test_a_large_file_is_stored_in_parts(store: Store) -> None:
    """More than one part, read back through a hash."""
    content = os.urandom(PART_SIZE + 12345)

    await store.put_file("objects/large", io.BytesIO(content), len(content))
    copy, digest = io.BytesIO(), hashlib.sha256()
    size = await store.copy_to("objects/large", copy, digest)

    assert (len(content), hashlib.sha256(content).digest()) == (size, digest.digest())


async def test_parts_that_never_became_an_object_are_thrown_away(store: Store) -> None:
    """As a worker leaves them that was killed while it stored a large recording."""
    key, begin = f"objects/{os.urandom(4).hex()}", store.client._create_multipart_upload
    upload = begin(store.bucket, key, {})
    store.client._upload_part(
        bucket_name=store.bucket, object_name=key, data=b"x", headers={}, upload_id=upload, part_number=1
    )
    yesterday, soon = (datetime.now(UTC) + timedelta(hours=hours) for hours in (-24, 1))

    assert [0, 1, 0] == [await store.abandon(yesterday), await store.abandon(soon), await store.abandon(soon)]
    with pytest.raises(S3Error):
        store.client._list_parts(bucket_name=store.bucket, object_name=key, upload_id=upload)


async def test_what_is_not_there_is_missing(store: Store) -> None:
    """Not an error of the store."""
    assert await store.size("objects/none") is None
    with pytest.raises(MediaMissing):
        await store.read("objects/none")


async def test_removing_twice_is_removing(store: Store) -> None:
    """A sweep that was cut off begins again."""
    await store.put("removed/one", b"1")
    await store.put("removed/two", b"2")

    await store.remove(["removed/one", "removed/two"])
    await store.remove(["removed/one", "removed/never"])

    assert [] == await store.listing("removed/")


async def test_a_listing_shows_the_objects_of_a_prefix(store: Store) -> None:
    """Keys and sizes, in order."""
    for key in ("listed/b", "listed/a", "other/c"):
        await store.put(key, key.encode())

    assert [("listed/a", 8), ("listed/b", 8)] == [(item.key, item.size) for item in await store.listing("listed/")]


async def test_a_bucket_may_be_made_twice(store: Store) -> None:
    """Two processes start at once."""
    await store.make_bucket()
    await store.make_bucket()
    await store.ready()


async def test_a_store_that_is_away_is_unavailable() -> None:
    """Within seconds, and as one kind of error."""
    async with open_store("http://127.0.0.1:9", "key", "secret", "bucket") as away:
        with pytest.raises(StoreUnavailable):
            await away.put("key", b"1")


@pytest.mark.parametrize(
    ("code", "expected"),
    [("NoSuchKey", MediaMissing), ("XMinioStorageFull", StoreFull), ("SlowDown", StoreUnavailable)],
)
def test_the_stores_own_words_become_ours(code: str, expected: type[Exception]) -> None:
    """A full disk is told apart, because the client has to wait longer."""
    response: Any = None

    with pytest.raises(expected), own_errors():
        raise S3Error(response, code, None, "resource", "request", "host")


def test_the_client_still_takes_what_we_give_it() -> None:
    """Calls go by keyword; a renamed one would fail only when a phone uploads."""
    names = {"bucket_name", "object_name", "data", "length", "part_size", "num_parallel_uploads"}

    assert names <= set(inspect.signature(Minio.put_object).parameters)
    assert {"bucket_name", "object_name", "offset", "length"} <= set(inspect.signature(Minio.get_object).parameters)
    assert "bucket_name" in inspect.signature(Minio._list_multipart_uploads).parameters
    abort = list(inspect.signature(Minio._abort_multipart_upload).parameters)
    assert ["bucket_name", "object_name", "upload_id"] == abort[1:4]

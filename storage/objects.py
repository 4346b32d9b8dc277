"""Objects in an S3 bucket: chunks in quarantine, and the encrypted recordings.

minio speaks S3 without asyncio, so every call runs in a thread of a small, bounded group: a slow store makes requests
wait here instead of filling the process with threads. This is the only module that speaks S3.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from functools import partial
from itertools import islice
from typing import BinaryIO, Protocol, TypeVar
from urllib.parse import urlsplit

import urllib3
from anyio import CapacityLimiter, to_thread
from minio import Minio
from minio.deleteobjects import DeleteObject
from minio.error import InvalidResponseError, MinioException, S3Error
from msgspec import Struct
from urllib3.exceptions import HTTPError

from storage.errors import MediaMissing, StoreFull, StoreUnavailable
from storage.room import Room

Result = TypeVar("Result")

#: What is read or sent to a client at a time, in bytes.
READ_SIZE = 256 * 1024
#: Parts of a large object; S3 takes no part below 5 MiB, and at most 10,000 of them.
PART_SIZE = 8 * 1024 * 1024
#: Objects in one answer of a listing.
PAGE = 1000
MISSING = frozenset({"NoSuchKey", "NoSuchObject", "ResourceNotFound"})
FULL = frozenset({"XMinioStorageFull", "InsufficientStorage", "InsufficientCapacity", "QuotaExceeded"})


class StoredObject(Struct, frozen=True):
    """One object as a listing shows it: its key, its size in bytes, and when it was last written."""

    key: str
    size: int
    written_at: datetime


class Hash(Protocol):
    """What takes bytes on their way past, such as `hashlib.sha256()`."""

    def update(self, data: bytes, /) -> object:
        """Take the next bytes."""

    def digest(self) -> bytes:
        """Give the hash of the bytes so far."""


class Store:
    """One bucket; make it with `open_store`. Every method raises StoreUnavailable when the store does not answer."""

    def __init__(self, client: Minio, bucket: str, region: str, limiter: CapacityLimiter, room: Room) -> None:
        """Keep what every call needs; nothing is sent yet."""
        self.room = room
        self.client = client
        self.bucket = bucket
        self.region = region
        self.limiter = limiter

    async def put(self, key: str, data: bytes) -> None:
        """Store bytes that fit into memory. Raises StoreFull, and remembers it for whoever brings new recordings."""
        try:
            await self._run(partial(self._put, key, io.BytesIO(data), len(data)))
        except StoreFull:
            self.room.close()
            raise

    async def put_file(self, key: str, file: BinaryIO, size: int) -> None:
        """Store `size` bytes read from a file, in parts, one part of memory at a time. Raises StoreFull."""
        await self._run(partial(self._put, key, file, size))

    def _put(self, key: str, file: BinaryIO, size: int) -> None:
        self.client.put_object(
            bucket_name=self.bucket,
            object_name=key,
            data=file,
            length=size,
            part_size=PART_SIZE,
            # One part after the other: encrypting goes in order, and memory stays at one part.
            num_parallel_uploads=1,
        )

    async def read(self, key: str, *, start: int = 0, size: int | None = None) -> bytes:
        """Read an object, or `size` bytes of it from `start`. Raises MediaMissing when there is no such object."""
        return await self._run(lambda: b"".join(self._pieces(key, start, size)))

    async def copy_to(self, key: str, file: BinaryIO, digest: Hash) -> int:
        """Append an object to a local file, showing its bytes to `digest`; return how many there were."""
        return await self._run(partial(self._copy_to, key, file, digest))

    def _copy_to(self, key: str, file: BinaryIO, digest: Hash) -> int:
        size = 0
        for piece in self._pieces(key, 0, None):
            digest.update(piece)
            file.write(piece)
            size += len(piece)
        return size

    def _pieces(self, key: str, start: int, size: int | None) -> Iterator[bytes]:
        response = self.client.get_object(
            bucket_name=self.bucket, object_name=key, offset=start, length=0 if size is None else size
        )
        try:
            yield from response.stream(READ_SIZE)
        finally:
            response.close()
            response.release_conn()

    async def size(self, key: str) -> int | None:
        """Ask for an object's size in bytes; None when there is no such object."""
        try:
            stat = await self._run(partial(self.client.stat_object, bucket_name=self.bucket, object_name=key))
        except MediaMissing:
            return None
        return stat.size

    async def remove(self, keys: Iterable[str]) -> set[str]:
        """Remove objects and give those that the store keeps; one that is already gone is as good as removed."""
        return await self._run(partial(self._remove, list(keys)))

    def _remove(self, keys: list[str]) -> set[str]:
        stayed = set()
        for start in range(0, len(keys), 1000):
            doomed = [DeleteObject(key) for key in keys[start : start + 1000]]
            for error in self.client.remove_objects(bucket_name=self.bucket, delete_object_list=doomed):
                if error.name is None:
                    raise StoreUnavailable
                if error.code not in MISSING:
                    stayed.add(error.name)
        return stayed

    async def purge(self, prefix: str) -> int:
        """Remove every version of every object whose key begins with `prefix`; return how many versions there were.

        Where a bucket keeps versions, removing an object only hides it. An erasure leaves nothing to be brought back.
        """
        return await self._run(partial(self._purge, prefix))

    def _purge(self, prefix: str) -> int:
        found = self.client.list_objects(bucket_name=self.bucket, prefix=prefix, recursive=True, include_version=True)
        doomed = [DeleteObject(item.object_name, item.version_id) for item in found if item.object_name is not None]
        for start in range(0, len(doomed), 1000):
            batch = doomed[start : start + 1000]
            for error in self.client.remove_objects(bucket_name=self.bucket, delete_object_list=batch):
                if error.code not in MISSING:
                    raise StoreUnavailable
        return len(doomed)

    async def listing(self, prefix: str) -> list[StoredObject]:
        """List every object whose key begins with `prefix`, in the order of keys."""
        return await self._run(partial(self._listing, prefix))

    def _listing(self, prefix: str, after: str | None = None, most: int | None = None) -> list[StoredObject]:
        found = self.client.list_objects(bucket_name=self.bucket, prefix=prefix, recursive=True, start_after=after)
        return [
            StoredObject(item.object_name, item.size or 0, item.last_modified)
            for item in islice(found, most)
            if item.object_name is not None and item.last_modified is not None
        ]

    async def pages(self, prefix: str) -> AsyncIterator[list[StoredObject]]:
        """List as `listing` does, a thousand objects at a time: a bucket may hold millions."""
        last: str | None = None
        while page := await self._run(partial(self._listing, prefix, last, PAGE)):
            yield page
            last = page[-1].key

    async def abandon(self, before: datetime) -> int:
        """Throw the parts away of large objects that were begun before a moment and never ended; return how many.

        Whoever wrote them was killed. Their parts fill the store, and no listing of objects shows them.
        """
        return await self._run(partial(self._abandon, before))

    def _abandon(self, before: datetime) -> int:
        # minio lends these two as private methods only; a test holds their signatures.
        found = self.client._list_multipart_uploads(bucket_name=self.bucket)  # noqa: SLF001
        old = [one for one in found.uploads if one.upload_id and one.initiated_time and one.initiated_time < before]
        for begun in old:
            self.client._abort_multipart_upload(self.bucket, begun.object_name, begun.upload_id or "")  # noqa: SLF001
        return len(old)

    async def make_bucket(self) -> None:
        """Create the bucket unless it exists; two processes may do so at once."""
        await self._run(self._make_bucket)

    def _make_bucket(self) -> None:
        if self.client.bucket_exists(bucket_name=self.bucket):
            return
        try:
            self.client.make_bucket(bucket_name=self.bucket, location=self.region)
        except S3Error as error:
            if error.code not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
                raise

    async def ready(self) -> None:
        """Return when the store answers for this bucket."""
        if not await self._run(partial(self.client.bucket_exists, bucket_name=self.bucket)):
            raise StoreUnavailable

    async def _run(self, call: Callable[[], Result]) -> Result:
        with own_errors():
            return await to_thread.run_sync(call, limiter=self.limiter)


@contextmanager
def own_errors() -> Iterator[None]:
    """Say in our own words what the S3 client and the HTTP library below it raise."""
    try:
        yield
    except S3Error as error:
        if error.code in MISSING:
            raise MediaMissing from error
        raise (StoreFull if error.code in FULL else StoreUnavailable) from error
    except InvalidResponseError as error:
        # A store that has no room answers 507 from below its S3 layer, without S3's own error document.
        raise (StoreFull if "507" in str(error) else StoreUnavailable) from error
    except (MinioException, HTTPError, OSError) as error:
        raise StoreUnavailable from error


@asynccontextmanager
async def open_store(
    endpoint: str,
    access_key: str,
    secret_key: str,
    bucket: str,
    region: str = "us-east-1",
    *,
    at_once: int = 16,
    room: Room | None = None,
) -> AsyncIterator[Store]:
    """Lend a Store on `endpoint` (`http://host:port` or `https://…`); at most `at_once` calls run at a time.

    `room` watches where new bytes go, and by default only what the store says about itself.

    Nothing is sent before the first call, so a service starts while its store is still away.
    """
    address = urlsplit(endpoint)
    connections = urllib3.PoolManager(
        maxsize=at_once,
        timeout=urllib3.Timeout(connect=3, read=30),
        retries=urllib3.Retry(
            total=2, backoff_factor=0.2, status_forcelist=(500, 502, 503, 504), raise_on_status=False
        ),
    )
    client = Minio(
        endpoint=address.netloc,
        access_key=access_key,
        secret_key=secret_key,
        secure=address.scheme == "https",
        region=region,
        http_client=connections,
    )
    try:
        yield Store(client, bucket, region, CapacityLimiter(at_once), room or Room())
    finally:
        connections.clear()

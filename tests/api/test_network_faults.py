"""Thousands of transfers through a network that slows and cuts: no acknowledged byte is lost, nothing is left behind.

A few run with every other test; `make faults` runs many, by COMPANION_FAULT_TRANSFERS.
"""

import asyncio
import hashlib
import os
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest

from load_tests.networks import BadNetwork, bad_network
from storage import uploads
from storage.database import Pool, transaction
from storage.objects import Store
from storage.sweeping import remove_doomed, remove_orphans
from tests.api.phones import Phone

TRANSFERS = int(os.environ.get("COMPANION_FAULT_TRANSFERS", "40"))
PHONES = 8
#: Bytes of a recording, and bytes after which a connection is cut on average: most recordings are cut at least once.
SMALLEST, LARGEST, CUT_AFTER = 20_000, 300_000, 120_000
Campaign = dict[str, Any]
Client = httpx.AsyncClient
SignIn = Callable[[], Awaitable[Client]]
pytestmark = pytest.mark.timeout(300 + 2 * TRANSFERS)


async def test_a_cutting_slowing_network_loses_no_acknowledged_byte(
    sign_in: SignIn, campaign: Campaign, served: str, database: Pool, app_store: Store
) -> None:
    """Every transfer ends whole with the claimed hash; what the cuts left in the store is swept."""
    port = urlsplit(served).port
    assert port
    left = iter(range(TRANSFERS))
    others = {item.key for item in await app_store.listing("quarantine/")}
    async with (
        bad_network(port, cut_after=CUT_AFTER) as (cutting, first),
        bad_network(port, rate=400_000, cut_after=4 * CUT_AFTER) as (slow, second),
    ):
        senders = [
            sender(sign_in, slow if number == 0 else cutting, campaign, left, database, app_store)
            for number in range(PHONES)
        ]
        delivered = sum(await asyncio.gather(*senders))
    swept = await clean(database, app_store)

    print(f"\n{told(delivered, first, second)}; {swept} orphans swept")
    assert TRANSFERS == delivered
    assert first.cuts > TRANSFERS / 4
    assert set() == {item.key for item in await app_store.listing("quarantine/")} - others


def told(delivered: int, first: BadNetwork, second: BadNetwork) -> str:
    """Write down what happened."""
    cuts, connections = first.cuts + second.cuts, first.connections + second.connections
    return f"{delivered} transfers arrived whole over {connections} connections of which {cuts} were cut"


async def sender(sign_in: SignIn, address: str, campaign: Campaign, left: Any, database: Pool, store: Store) -> int:
    """Be one contributor after the other who sends some recordings; return how many arrived whole."""
    arrived = 0
    for _ in left:
        # A new one for every few recordings, because an access token lives for minutes and a long run for longer.
        if arrived % 20 == 0:
            owner = await sign_in()
        # A connection that was cut may lie in the pool: each answer's connection is its last.
        headers = {**owner.headers, "Connection": "close"}
        async with Client(base_url=address, headers=headers, timeout=20) as outside:
            data = os.urandom(random.randint(SMALLEST, LARGEST))
            recording = await Phone(outside, campaign).deliver(data)
        assert hashlib.sha256(data).digest() == await stored_hash(database, store, UUID(recording))
        assert 204 == (await owner.delete(f"/v1/recordings/{recording}")).status_code
        arrived += 1
    return arrived


async def stored_hash(database: Pool, store: Store, recording: UUID) -> bytes:
    """Read back what the worker would be given."""
    async with transaction(database) as connection:
        upload = await uploads.of_recording(connection, recording)
        chunks = await uploads.chunks(connection, upload.id)
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(await store.read(chunk.object_key))
    return digest.digest()


async def clean(database: Pool, store: Store) -> int:
    """Let the sweeper do what a day brings; return how many objects no row named."""
    while await remove_doomed(database, store):
        pass
    return await remove_orphans(database, store, datetime.now(UTC) + timedelta(hours=25))

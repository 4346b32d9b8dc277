"""Hash first: what a phone has sent already it need not send again."""

import hashlib
from typing import Any

import httpx
import pytest

from tests.api.taking import claim, send, speech, submit

Campaign = dict[str, Any]
Client = httpx.AsyncClient


async def test_hashes_are_looked_up_among_one_s_own(contributor: Client, other: Client, campaign: Campaign) -> None:
    """A phone asks for everything it has; somebody else's recordings are as unknown as those that nobody has."""
    whole, half, theirs, new = speech(), speech(), speech(), speech()
    first = await submit(contributor, campaign, whole)
    second = (await claim(contributor, campaign, half)).json()
    await send(contributor, second["upload"]["url"], half[:1000])
    await submit(other, campaign, theirs)
    hashes = [hashlib.sha256(data).hexdigest() for data in (whole, half, theirs, new)]

    answer = await contributor.post("/v1/recordings/lookups", json={"sha256": hashes})

    assert 200 == answer.status_code
    assert [
        {"sha256": hashes[0], "recording": first, "state": "validating", "size_bytes": len(whole)}
        | {"stored_bytes": len(whole)},
        {"sha256": hashes[1], "recording": second["id"], "state": "uploading", "size_bytes": len(half)}
        | {"stored_bytes": 1000},
    ] == answer.json()["known"]


@pytest.mark.parametrize(("count", "status"), [(0, 400), (1, 200), (1000, 200), (1001, 400)])
async def test_a_thousand_hashes_are_looked_up_at_once(contributor: Client, count: int, status: int) -> None:
    """More would be a way to keep the database busy."""
    hashes = [f"{number:064x}" for number in range(count)]

    assert status == (await contributor.post("/v1/recordings/lookups", json={"sha256": hashes})).status_code

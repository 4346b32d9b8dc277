"""One of everything: what a contributor owns, and what was sold to a buyer; fixtures of every test of the API."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import pytest
from litestar import Litestar

from api.validation import Workplace
from storage.database import Pool
from tests.api import trading
from tests.api.clients import client_of
from tests.api.earning import earned
from tests.api.paying import account_of, destination, stated
from tests.api.paying import earned as gained
from tests.api.taking import agree, claim

Client = httpx.AsyncClient


@pytest.fixture
async def owned(
    place: Workplace, contributor: httpx.AsyncClient, campaign: dict[str, Any], database: Pool
) -> dict[str, str]:
    """Something of the owner's for every kind of id that a path or a body may name."""
    claimed = (await claim(contributor, campaign, uuid4().bytes * 70, language="en")).json()
    finished = await trading.accepted(place, contributor, campaign)
    sessions = (await contributor.get("/v1/sessions")).json()["data"]
    account = await account_of(contributor, database)
    await gained(database, account, 50_000_000)
    target = await destination(contributor, database, account)
    return {
        "destination": target,
        "payout": (await contributor.post("/v1/payouts", json={"destination": target})).json()["id"],
        "statement": await stated(database, account),
        "recording": claimed["id"],
        "upload": claimed["upload"]["url"].rsplit("/", 1)[1],
        "session": sessions[0]["id"],
        "frame": "0.webp",
        "campaign": campaign["id"],
        "earning": await earned(database, claimed["id"]),
        "quote": (await contributor.post(f"/v1/campaigns/{campaign['id']}/quotes")).json()["id"],
        "withdrawal": (await trading.withdraw(contributor, finished)).json()["id"],
        "receipt": (await agree(contributor, campaign, claimed["id"])).json()["receipt"].rsplit("/", 1)[1],
    }


class Sold(NamedTuple):
    """A recording that was sold, the cleaned bytes that its buyer may fetch, and the buyer as a client."""

    recording: str
    cleaned: bytes
    dataset: str
    buyer_id: str
    buyer: Client

    @property
    def url(self) -> str:
        return f"/v1/datasets/{self.dataset}/releases/1"

    async def file(self) -> dict[str, Any]:
        return dict((await self.buyer.get(self.url)).json()["files"][0])


@pytest.fixture
async def sold(
    app: Litestar,
    place: Workplace,
    contributor: Client,
    operator: Client,
    campaign: dict[str, Any],
    database: Pool,
) -> AsyncIterator[Sold]:
    await trading.listed(database)
    recording = await trading.accepted(place, contributor, campaign)
    data = await trading.cleaned(place, recording)
    buyer, dataset = await trading.buyer(operator), await trading.version(operator, [recording])
    answer = await trading.sell(operator, buyer["id"], dataset)
    assert 201 == answer.status_code, answer.text
    async with client_of(app, await trading.key(operator, buyer["id"])) as client:
        yield Sold(recording, data, dataset, buyer["id"], client)

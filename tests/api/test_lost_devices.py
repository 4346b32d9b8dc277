"""A phone is lost: nothing is sold or agreed to until the password was given; test_uploads has what it sends."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from litestar import Litestar

from api.validation import Workplace
from storage import sessions
from storage.database import Pool, transaction
from tests.api import trading
from tests.api.clients import client_of
from tests.api.paying import account_of
from tests.api.taking import agree, claim, slug

Client = httpx.AsyncClient
Campaign = dict[str, Any]


@pytest.fixture
async def lost(app: Litestar, contributor: Client, database: Pool) -> AsyncIterator[tuple[Client, str]]:
    """Another phone of the contributor's, and the id of its session."""
    account = await account_of(contributor, database)
    async with transaction(database) as connection:
        session, tokens = await sessions.start(connection, account, "the lost one")
    async with client_of(app, tokens.access_token) as phone:
        yield phone, str(session)


async def confirmed(contributor: Client, database: Pool) -> None:
    """As if the password had been given a moment ago."""
    account = await account_of(contributor, database)
    async with transaction(database) as connection:
        await connection.execute("UPDATE sessions SET confirmed_at = now() WHERE account_id = %s", (account,))


async def test_nothing_is_sold_or_agreed_to_while_a_phone_is_lost(
    contributor: Client,
    operator: Client,
    campaign: Campaign,
    place: Workplace,
    lost: tuple[Client, str],
    database: Pool,
) -> None:
    """Until its owner gives the password; every device hears of both."""
    await trading.listed(database)
    recording = await trading.accepted(place, contributor, campaign)
    fresh = (await claim(contributor, campaign, b"of somebody who found a phone")).json()["id"]
    buyer, dataset = (await trading.buyer(operator))["id"], await trading.version(operator, [recording])

    assert 204 == (await contributor.delete(f"/v1/sessions/{lost[1]}", params={"lost": True})).status_code
    paused = (await contributor.get("/v1/me/consent-pause")).json()
    refused = await trading.sell(operator, buyer, dataset)
    agreed = await agree(contributor, campaign, fresh)
    early = await contributor.put("/v1/me/consent-pause", json={"paused": False})
    await confirmed(contributor, database)
    resumed = await contributor.put("/v1/me/consent-pause", json={"paused": False})

    assert paused["paused"]
    assert {recording: "consent-paused"} == refused.json()["refused"]
    assert (409, "consent-paused") == (agreed.status_code, slug(agreed))
    assert (403, "step-up-required") == (early.status_code, slug(early))
    assert {"paused": False, "since": None} == resumed.json()
    assert 201 == (await trading.sell(operator, buyer, dataset)).status_code
    assert 200 == (await agree(contributor, campaign, fresh)).status_code
    told = [event["kind"] for event in (await contributor.get("/v1/events")).json()["data"]]
    assert ["consent.paused", "consent.resumed"] == [
        kind for kind in told if kind in {"consent.paused", "consent.resumed"}
    ]


async def test_a_device_that_is_only_signed_out_pauses_nothing(contributor: Client, lost: tuple[Client, str]) -> None:
    """And whoever pauses twice is told of it once."""
    await contributor.delete(f"/v1/sessions/{lost[1]}")
    before = (await contributor.get("/v1/me/consent-pause")).json()
    first, again = [(await contributor.put("/v1/me/consent-pause", json={"paused": True})).json() for _ in range(2)]

    assert not before["paused"]
    assert first == again
    assert 1 == len(await trading.heard(contributor, "consent.paused"))

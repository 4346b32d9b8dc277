"""Refused companies: a contributor sells nothing to them, whatever the terms allow."""

from typing import Any

import httpx
import pytest

from api.validation import Workplace
from storage.database import Pool
from tests.api import trading

Client = httpx.AsyncClient
URL = "/v1/me/refused-companies"


async def refused(client: Client, *names: str) -> list[str]:
    """Make these the list; return the names that it has then."""
    answer = await client.put(URL, json={"names": list(names)})
    assert 200 == answer.status_code, answer.text
    return [company["name"] for company in answer.json()["data"]]


@pytest.fixture
async def recording(place: Workplace, contributor: Client, campaign: dict[str, Any], database: Pool) -> str:
    await trading.listed(database)
    return await trading.accepted(place, contributor, campaign)


async def test_a_refused_company_is_sold_nothing(contributor: Client, operator: Client, recording: str):
    """However its name is written; others are sold to, and so is it once it is off the list."""
    dataset = await trading.version(operator, [recording])
    buyer, friend = await trading.buyer(operator), await trading.buyer(operator)
    await refused(contributor, buyer["legal_name"].upper().replace(" GMBH", ", Ltd."))

    answer = await trading.sell(operator, buyer["id"], dataset)

    assert {recording: "company-refused"} == answer.json()["refused"]
    assert 201 == (await trading.sell(operator, friend["id"], dataset)).status_code
    assert [] == await refused(contributor)
    assert 201 == (await trading.sell(operator, buyer["id"], dataset)).status_code


async def test_a_refusal_is_one_s_own(contributor: Client, other: Client, operator: Client, recording: str):
    """What somebody else refuses is sold all the same, and nobody reads whom others refuse."""
    dataset, buyer = await trading.version(operator, [recording]), await trading.buyer(operator)
    await refused(other, buyer["legal_name"])

    assert 201 == (await trading.sell(operator, buyer["id"], dataset)).status_code
    assert [] == (await contributor.get(URL)).json()["data"]


async def test_the_list_is_replaced_as_a_whole(contributor: Client):
    """Who stays on it keeps the day; the same company twice is one, and a name without letters is none."""
    await refused(contributor, "Nord AG", "Süd GmbH")
    since = (await contributor.get(URL)).json()["data"][0]["since"]

    assert {"nord", "Ost"} == set(await refused(contributor, "nord", "Nord AG", "nord", "Ost", "..."))
    assert since == next(one["since"] for one in (await contributor.get(URL)).json()["data"] if one["name"] == "nord")
    assert 400 == (await contributor.put(URL, json={"names": ["x"] * 201})).status_code

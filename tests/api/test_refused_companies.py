"""Refused companies: a contributor sells nothing to them, whatever the terms allow."""

import asyncio
from typing import Any

import httpx
import pytest

from api.validation import Workplace
from storage import sales
from storage.database import Pool
from tests.api import trading
from tests.api.taking import slug

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


async def test_two_devices_that_replace_it_at_once_leave_one_of_their_lists(contributor: Client):
    """They waited for each other until one heard 503, or left names of both."""
    lists = [["Alpha", "Beta", "Gamma"], ["Gamma", "Delta", "Alpha"], ["Beta", "Epsilon"]] * 4
    answers = await asyncio.gather(
        *(contributor.put("/v1/me/refused-companies", json={"names": names}) for names in lists)
    )

    kept = {row["name"] for row in (await contributor.get("/v1/me/refused-companies")).json()["data"]}
    assert {200} == {answer.status_code for answer in answers}
    assert kept in [set(names) for names in lists]


@pytest.mark.parametrize("how", ["refused", "paused"])
async def test_a_sale_that_is_being_written_hears_a_no(
    contributor: Client, operator: Client, recording: str, monkeypatch: pytest.MonkeyPatch, how: str
):
    """One of a hundred thousand takes minutes, and it stood after its contributor had been told that it cannot."""
    dataset, buyer = await trading.version(operator, [recording]), await trading.buyer(operator)
    write = sales._write_lines

    async def meanwhile(*asked: Any) -> None:
        await write(*asked)
        if how == "refused":
            await refused(contributor, buyer["legal_name"])
        else:
            assert 200 == (await contributor.put("/v1/me/consent-pause", json={"paused": True})).status_code

    with monkeypatch.context() as slow:
        slow.setattr(sales, "_write_lines", meanwhile)
        answer = await trading.sell(operator, buyer["id"], dataset)

    assert (409, "not-for-sale") == (answer.status_code, slug(answer)), answer.text
    assert {recording: {"refused": "company-refused", "paused": "consent-paused"}[how]} == answer.json()["refused"]
    assert [] == (await contributor.get(f"/v1/recordings/{recording}/uses")).json()["data"]
